"""What queues are made of; `services/queue_service.py` says what a queue is."""

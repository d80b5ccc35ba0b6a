"""What `benchmarks/queue.py` is made of."""

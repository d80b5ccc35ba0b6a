"""The queue of jobs."""

from fastapi import APIRouter

from models.queue import QueueState
from routes.common import Service

router = APIRouter(prefix="/queue", tags=["queue"])


@router.get("")
def show_queue(service: Service) -> QueueState:
    """All live jobs, exactly as the workers see them."""
    return service.queue()


@router.post("/pause")
def pause_queue(service: Service) -> QueueState:
    """Hand out no more jobs; those that run go on. Survives restarts."""
    return service.pause()


@router.post("/resume")
def resume_queue(service: Service) -> QueueState:
    """Hand out jobs again."""
    return service.resume()

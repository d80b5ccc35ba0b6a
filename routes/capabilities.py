"""What specs may say, so that a page can be drawn from it."""

from fastapi import APIRouter

from bagmill.dataset.capabilities import Capabilities, capabilities

router = APIRouter(tags=["specs"])


@router.get("/capabilities")
def show_capabilities() -> Capabilities:
    """Every strategy, type, transform (with the JSON Schema of its params), format and compression."""
    return capabilities()

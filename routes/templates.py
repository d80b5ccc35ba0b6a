"""The templates."""

from fastapi import APIRouter

from models.api import TemplateList
from routes.common import Service

router = APIRouter(tags=["templates"])


@router.get("/templates")
def list_templates(service: Service) -> TemplateList:
    """All templates, with the JSON Schema of their params and of the options."""
    return service.templates()

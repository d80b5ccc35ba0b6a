"""The description of the API as it is: errors are problem objects."""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from models.api import Patch
from models.config import ChangedConfig, DuplicatedConfig, NewConfig, RestoredConfig
from models.look import LookBody, PreviewBody
from models.problem import Problem
from models.request import FromTemplate
from routes.errors import MEDIA_TYPE

BODIES: tuple[type[BaseModel], ...] = (
    FromTemplate,
    Patch,
    NewConfig,
    ChangedConfig,
    RestoredConfig,
    DuplicatedConfig,
    LookBody,
    PreviewBody,
)
"""What routes read by themselves."""


def json_body(model: type[BaseModel], description: str) -> dict[str, Any]:
    """`openapi_extra` of a route that reads a JSON body by itself."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"description": description, "content": {"application/json": {"schema": schema}}}}


COMPONENT = {"$ref": "#/components/schemas/Problem"}
ANY_PROBLEM = {
    "description": "Anything else that went wrong.",
    "content": {MEDIA_TYPE: {"schema": COMPONENT}},
}


def describe(app: FastAPI) -> None:
    """Make the app's OpenAPI document tell of problem objects, instead of the framework's own errors."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            _correct(original())
        return original()

    app.openapi = openapi  # type: ignore[method-assign]


def _correct(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    models: list[type[BaseModel]] = [Problem, *BODIES]
    for model in models:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {}) | {model.__name__: schema}
    for operations in document["paths"].values():
        for operation in operations.values():
            _correct_responses(operation["responses"])


def _correct_responses(responses: dict[str, Any]) -> None:
    for answer in responses.values():
        content = answer.get("content", {})
        if any(form.get("schema") == COMPONENT for form in content.values()):
            answer["content"] = {MEDIA_TYPE: {"schema": COMPONENT}}
        elif "HTTPValidationError" in str(content):
            answer["description"] = "A name or a value of the request is wrong."
            answer["content"] = {MEDIA_TYPE: {"schema": COMPONENT}}
    responses.setdefault("default", ANY_PROBLEM)

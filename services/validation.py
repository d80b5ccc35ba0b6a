"""From pydantic's complaints to faults with JSON pointers into the request."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bagmill.faults import Fault, faults
from services.errors import InvalidRequest

Model = TypeVar("Model", bound=BaseModel)


def check(model: type[Model], data: Any, pointer: str = "") -> Model:
    """An instance of `model` made of `data`, which stands at `pointer` in the request.

    Raises:
        InvalidRequest: it does not fit; `items` has each fault.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid(faults(error.errors(include_url=False), data, pointer, model)) from error


def invalid(items: Sequence[Fault]) -> InvalidRequest:
    """The exception for these faults; a single one is told in its message, with its hint."""
    if len(items) == 1:
        item = items[0]
        return InvalidRequest(f"{item.pointer or 'The request'}: {item.detail}", items=items, hint=item.hint)
    return InvalidRequest(f"The request has {len(items)} faults.", items=items)

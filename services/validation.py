"""From pydantic's complaints to faults with JSON pointers into the request."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bagmill.faults import faults
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
        raise InvalidRequest(items=faults(error.errors(include_url=False), data, pointer, model)) from error

"""From pydantic's complaints to faults with JSON pointers into the request."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from services.errors import InvalidRequest, RequestFault
from services.suggestions import did_you_mean

Model = TypeVar("Model", bound=BaseModel)
MAX_DETAIL = 300
"""Characters of a fault; more would be the request's own text sent back."""


def check(model: type[Model], data: Any, pointer: str = "") -> Model:
    """An instance of `model` made of `data`, which stands at `pointer` in the request.

    Raises:
        InvalidRequest: it does not fit; `items` has each fault.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid(faults(error.errors(include_url=False), data, pointer, model)) from error


def invalid(items: Sequence[RequestFault]) -> InvalidRequest:
    """The exception for these faults; a single one is told in its message, with its hint."""
    if len(items) == 1:
        item = items[0]
        return InvalidRequest(f"{item.pointer or 'The request'}: {item.detail}", items=items, hint=item.hint)
    return InvalidRequest(f"The request has {len(items)} faults.", items=items)


def faults(
    errors: Sequence[ErrorDetails], data: Any, pointer: str, model: type[BaseModel] | None = None
) -> list[RequestFault]:
    """One fault for each place, in the order in which pydantic found them.

    Of the alternatives of a union only those count that came farthest into the data.
    """
    found: dict[str, RequestFault] = {}
    for error in errors:
        fault = fault_at(pointer + "".join(_steps(error, data)), error, model)
        if earlier := found.get(fault.pointer):  # the alternatives of a union
            both = f"{earlier.detail} Or: {fault.detail[0].lower()}{fault.detail[1:]}"
            fault = RequestFault(fault.pointer, both, earlier.hint or fault.hint)
        found[fault.pointer] = fault
    return [fault for fault in found.values() if not any(at.startswith(f"{fault.pointer}/") for at in found)]


def fault_at(pointer: str, error: ErrorDetails, model: type[BaseModel] | None = None) -> RequestFault:
    """The fault for one of pydantic's errors, which concerns what stands at `pointer`."""
    return RequestFault(pointer, _detail(error), _hint(error, model))


def token(part: str | int) -> str:
    """One step of a JSON pointer (RFC 6901 section 3)."""
    return "/" + str(part).replace("~", "~0").replace("/", "~1")


def _steps(error: ErrorDetails, data: Any) -> Iterator[str]:
    """The steps of pydantic's `loc` that exist in the data; the names it gives to union members do not."""
    missing = error["loc"][-1:] if error["type"] == "missing" else ()
    for part in error["loc"]:
        if isinstance(data, Mapping) and (part in data or part in missing):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            continue
        yield token(part)


def _detail(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return "There is no such name here."
    if error["type"] == "missing":
        return "This is missing."
    text = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    text = text if len(text) <= MAX_DETAIL else text[: MAX_DETAIL - 1] + "…"
    return text[:1].upper() + text[1:].removesuffix(".") + "."


def _hint(error: ErrorDetails, model: type[BaseModel] | None) -> str | None:
    if error["type"] != "extra_forbidden" or model is None:
        return None
    *outer, name = error["loc"]
    for part in outer:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return None
        model = inner
    return did_you_mean(str(name), model.model_fields)

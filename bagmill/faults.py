"""Faults of what a person wrote, each with a JSON pointer; made of pydantic's complaints, among others."""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Union, get_args, get_origin

from bagmill.suggestions import did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

_QUOTED = re.compile(r"'([^']*)'")
MAX_DETAIL = 300
"""Characters of a fault; more would be the writer's own text sent back."""


class Fault(NamedTuple):
    """One of several things wrong: `pointer` is a JSON pointer (RFC 6901) to it."""

    pointer: str
    detail: str
    hint: str | None = None


def faults(
    errors: "Sequence[ErrorDetails]", data: Any, pointer: str, model: "type[BaseModel] | None" = None
) -> list[Fault]:
    """One fault for each place, in the order in which pydantic found them.

    Of the alternatives of a union only those count that came farthest into the data.
    """
    found: dict[str, Fault] = {}
    for error in errors:
        fault = fault_at(pointer + "".join(_steps(error, data)), error, model)
        if earlier := found.get(fault.pointer):  # the alternatives of a union
            both = f"{earlier.detail} Or: {fault.detail[0].lower()}{fault.detail[1:]}"
            fault = Fault(fault.pointer, both, earlier.hint or fault.hint)
        found[fault.pointer] = fault
    return [fault for fault in found.values() if not any(at.startswith(f"{fault.pointer}/") for at in found)]


def fault_at(pointer: str, error: "ErrorDetails", model: "type[BaseModel] | None" = None) -> Fault:
    """The fault for one of pydantic's errors, which concerns what stands at `pointer`."""
    return Fault(pointer, _detail(error), _hint(error, model))


def token(part: str | int) -> str:
    """One step of a JSON pointer (RFC 6901 section 3)."""
    return "/" + str(part).replace("~", "~0").replace("/", "~1")


def _steps(error: "ErrorDetails", data: Any) -> list[str]:
    """The steps of pydantic's `loc` that exist in the data; the names it gives to union members do not."""
    return [token(part) for part in _existing(error["loc"], data, missing=error["type"] == "missing")]


def _existing(parts: Sequence[str | int], data: Any, *, missing: bool) -> list[str | int]:
    """The parts that lead into the data. What could be both a name in it and a union's member is what lets
    the last part be found, which always is one."""
    if not parts:
        return []
    part, rest = parts[0], parts[1:]
    skipped = _existing(rest, data, missing=missing)
    if isinstance(data, Mapping) and (part in data or (missing and not rest)):
        taken = [part, *_existing(rest, data.get(part), missing=missing)]
    elif isinstance(data, list | tuple) and isinstance(part, int) and part < len(data):
        taken = [part, *_existing(rest, data[part], missing=missing)]
    else:
        return skipped
    last = parts[-1:]
    return max(taken, skipped, key=lambda found: (tuple(found[-1:]) == tuple(last), len(found)))


def _detail(error: "ErrorDetails") -> str:
    if error["type"] == "extra_forbidden":
        return "There is no such name here."
    if error["type"] == "missing":
        return "This is missing."
    text = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    text = text if len(text) <= MAX_DETAIL else text[: MAX_DETAIL - 1] + "…"
    return text[:1].upper() + text[1:].removesuffix(".") + "."


def _hint(error: "ErrorDetails", model: "type[BaseModel] | None") -> str | None:
    """What was perhaps meant, where a name is none of those that are known."""
    context = error.get("ctx", {})
    match error["type"]:
        case "literal_error" | "enum":
            return did_you_mean(str(error["input"]), _QUOTED.findall(context["expected"]))
        case "union_tag_invalid":
            return did_you_mean(str(context["tag"]), _QUOTED.findall(context["expected_tags"]))
        case "extra_forbidden" if model is not None:
            *outer, name = error["loc"]
            known = _names_at(model, outer)
            return did_you_mean(str(name), known) if known else None
    return None


def _names_at(model: "type[BaseModel]", path: Sequence[str | int]) -> list[str]:
    """The names that may stand at a place below a model."""
    places: list[Any] = [model]
    for part in path:
        inside = [found for place in places for found in _inside(place, part)]
        unions = [place for place in places if len(list(_models(place))) > 1]  # the part may name a member
        places = [*inside, *unions] or places
    models = [one for place in places for one in _models(place)]
    return list(dict.fromkeys(field for one in models for field in one.model_fields))


def _inside(annotation: Any, part: str | int) -> Iterator[Any]:
    """What may stand at one step below a place of this type; nothing for the name of a union's member."""
    for model in _models(annotation):
        if part in model.model_fields:
            yield model.model_fields[str(part)].annotation
    for one in _plain(annotation):
        if get_origin(one) in (dict, list, tuple) and (of := get_args(one)):
            yield of[-1] if of[-1] is not Ellipsis else of[0]


def _models(annotation: Any) -> Iterator["type[BaseModel]"]:
    for one in _plain(annotation):
        if hasattr(one, "model_fields"):
            yield one


def _plain(annotation: Any) -> Iterator[Any]:
    """The alternatives of a type, without what is said about it."""
    if get_origin(annotation) is Annotated:
        yield from _plain(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for one in get_args(annotation):
            yield from _plain(one)
    else:
        yield annotation

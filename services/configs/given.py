"""A spec as it was sent, an object or a text of YAML or JSON: the text that is kept, and the spec."""

from typing import Any

from bagmill.dataset.spec import Spec, dump_spec, make_spec, parse_spec
from bagmill.errors import SpecError
from bagmill.faults import Fault
from services.errors import InvalidRequest


def spec_of(given: dict[str, Any] | str, pointer: str) -> Spec:
    """The spec that stands at `pointer` of a request, as an object or as a text of YAML or JSON.

    Raises:
        SpecUnreadable, SpecInvalid: it is none; the faults point into the request.
    """
    return written(given, pointer)[1]


def written(spec: dict[str, Any] | str, pointer: str = "/spec") -> tuple[str, Spec]:
    """What a spec shall be as a file, and the spec. Faults point into the request.

    Raises SpecUnreadable, SpecInvalid.
    """
    if isinstance(spec, dict):
        made = make_spec(spec, pointer)
        return dump_spec(made), made
    try:
        return spec, parse_spec(spec)
    except SpecError as error:
        error.where["pointer"] = pointer
        error.items = tuple(fault._replace(pointer=pointer + fault.pointer) for fault in error.items)
        raise


def described(spec: dict[str, Any] | str, description: str | None) -> tuple[str, Spec]:
    """The same with another description, if any. Raises InvalidRequest for a text, which has its own."""
    if description is None:
        return written(spec)
    if isinstance(spec, str):
        raise InvalidRequest(
            items=[Fault("/description", "With a spec that is text, this stands in the text.")]
        )
    return written(spec | {"description": description})

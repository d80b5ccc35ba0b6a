"""What steps that make datasets need of their request: the spec, and where it stands in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from bagmill.dataset.spec import Spec, make_spec
from bagmill.errors import SpecError
from models.job import JobRequest

POINTER = "/params/spec"
"""Where the spec stands in the request."""


def spec_of(request: JobRequest) -> Spec:
    """The spec of a step's params."""
    return make_spec(request.params["spec"], POINTER)


@contextmanager
def pointing() -> Iterator[None]:
    """Let the pointers of errors lead into the request instead of the spec."""
    try:
        yield
    except SpecError as error:
        if not error.items:
            raise
        items = [item._replace(pointer=POINTER + item.pointer) for item in error.items]
        raise type(error)(items=items, where=error.where, hint=error.hint) from error

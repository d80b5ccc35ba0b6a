"""Reading specs, from YAML, JSON or what was made of them; writing them; and telling them apart."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bagmill.dataset.spec.model import VERSION, Spec
from bagmill.errors import SpecInvalid, SpecUnreadable
from bagmill.faults import Fault, faults
from bagmill.probe import shown

MAX_BYTES = 512 << 10
"""A spec with more is refused: YAML of a megabyte takes seconds to read."""

MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""For each older version what makes the next one of it. Version 1 is the first."""


def load_spec(path: Path) -> Spec:
    """Read a spec from a file of YAML or JSON (UTF-8).

    Raises:
        SpecUnreadable: there is no such file, or it is neither.
        SpecInvalid: it is no spec; `items` has each fault with its JSON pointer.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SpecUnreadable(
            f"{error.strerror}", where={"path": shown(path)}, hint="Check the path."
        ) from error
    try:
        return parse_spec(data)
    except (SpecUnreadable, SpecInvalid) as error:
        error.where["path"] = shown(path)
        raise


def parse_spec(text: bytes | str) -> Spec:
    """Make a spec of YAML or JSON, which is YAML too.

    Raises:
        SpecUnreadable: it is neither, or too long.
        SpecInvalid: it is no spec; `items` has each fault with its JSON pointer.
    """
    if len(text) > MAX_BYTES:
        raise SpecUnreadable(f"the text has {len(text)} bytes, and a spec has {MAX_BYTES} at most")
    try:
        return make_spec(yaml.load(text, _Loader))  # noqa: S506 - made of the safe one
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise SpecUnreadable(
            _reason(error), where=_place(error), hint="See docs/dataset.md for an example."
        ) from error


def make_spec(data: Any, pointer: str = "") -> Spec:
    """Make a spec of plain data, which stands at `pointer` in what a person sent.

    Raises:
        SpecUnreadable: it is of a version that is not known.
        SpecInvalid: it does not fit; `items` has each fault with its JSON pointer.
    """
    if not isinstance(data, dict):
        raise SpecInvalid(items=[Fault(pointer, "This is no object with the parts of a spec.")])
    data = _migrated(data, pointer)
    try:
        return Spec.model_validate(data)
    except ValidationError as error:
        raise SpecInvalid(items=faults(error.errors(include_url=False), data, pointer, Spec)) from error


def dump_spec(spec: Spec) -> str:
    """The spec as YAML, without what is as by default; `parse_spec` reads it back."""
    return yaml.safe_dump(plain(spec), sort_keys=False, allow_unicode=True, width=100)


def plain(spec: Spec) -> dict[str, Any]:
    """The spec as plain data that JSON can hold, without parts that are as by default."""
    facts: dict[str, Any] = spec.model_dump(mode="json", exclude_defaults=True)
    return {"version": VERSION, **facts}


def spec_hash(spec: Spec) -> str:
    """A sha256 (hex) of what the spec means, however it was written; name and description do not count."""
    facts = spec.model_dump(mode="json", exclude={"name", "description"})
    return hashlib.sha256(json.dumps(facts, sort_keys=True, allow_nan=False).encode()).hexdigest()


class _Loader(yaml.SafeLoader):
    """YAML without what surprises: no dates, no aliases that grow, and no key that stands twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_event().start_mark  # type: ignore[no-untyped-call] # typeshed has no types for it
            raise yaml.MarkedYAMLError(problem="aliases are not taken here", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_scalar(self, node: Any) -> Any:
        value = super().construct_scalar(node)
        try:  # JSON writes what is not in the BMP as two escapes, which YAML takes for two characters
            return value.encode("utf-16", "surrogatepass").decode("utf-16") if _split(value) else value
        except UnicodeDecodeError:
            raise yaml.MarkedYAMLError(
                problem="half of a surrogate pair", problem_mark=node.start_mark
            ) from None

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names: set[Any] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str) or name in names:
                problem = (
                    f"{name!r} stands twice" if isinstance(name, str) else f"the name {name!r} is no text"
                )
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            names.add(name)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _split(value: str) -> bool:
    return not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value)


def _migrated(data: dict[str, Any], pointer: str) -> dict[str, Any]:
    version = data.get("version", VERSION)
    if (
        not isinstance(version, int)
        or isinstance(version, bool)
        or not (version == VERSION or version in MIGRATIONS)
    ):
        raise SpecUnreadable(
            f"version {version!r} of specs is not known here; {VERSION} is the newest",
            where={"pointer": f"{pointer}/version"},
            hint="Use a newer Bagmill, or correct the version.",
        )
    while version < VERSION:
        data = MIGRATIONS[version](data)
        version = data["version"]
    return data


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is no UTF-8"
    return str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).splitlines()[0]


def _place(error: Exception) -> dict[str, str | int]:
    mark = getattr(error, "problem_mark", None)
    return {} if mark is None else {"line": mark.line + 1, "column": mark.column + 1}

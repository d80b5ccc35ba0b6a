"""What is different between two specs."""

import difflib
from collections.abc import Iterator
from typing import Any

from bagmill.dataset.spec import Spec, plain
from bagmill.faults import token
from models.config import Change, ChangeKind

_NOTHING = object()


def changes(before: Spec, after: Spec) -> list[Change]:
    """Where the specs differ, in the order of the later one; parts that are as by default stand nowhere."""
    return list(_changes(plain(before), plain(after), ""))


def unified(before: str, after: str, names: tuple[str, str]) -> str:
    """The two texts as a unified diff."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _changes(before: Any, after: Any, pointer: str) -> Iterator[Change]:
    if before is _NOTHING:
        yield Change(pointer=pointer, kind=ChangeKind.ADDED, after=after)
    elif after is _NOTHING:
        yield Change(pointer=pointer, kind=ChangeKind.REMOVED, before=before)
    elif isinstance(before, dict) and isinstance(after, dict):
        for name in [*after, *(name for name in before if name not in after)]:
            inside = before.get(name, _NOTHING), after.get(name, _NOTHING)
            yield from _changes(*inside, pointer + token(name))
    elif isinstance(before, list) and isinstance(after, list):
        for number in range(max(len(before), len(after))):
            inside = _at(before, number), _at(after, number)
            yield from _changes(*inside, pointer + token(number))
    elif type(before) is not type(after) or before != after:
        yield Change(pointer=pointer, kind=ChangeKind.CHANGED, before=before, after=after)


def _at(items: list[Any], number: int) -> Any:
    return items[number] if number < len(items) else _NOTHING

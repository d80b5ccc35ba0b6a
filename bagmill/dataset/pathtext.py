"""The text of field paths: `pose.position.x`, `position[0:7]`, `transforms[*].child_frame_id`."""

import re
from dataclasses import dataclass

_STEP = re.compile(
    r"(?P<dot>\.)?(?:`(?P<quoted>[^`]+)`|(?P<name>[^.`\[\]]+)|\[(?P<all>\*)\]"
    r"|\[(?P<index>-?\d{1,9})\]|\[(?P<first>-?\d{1,9})?:(?P<last>-?\d{1,9})?\])"
)


@dataclass(frozen=True, slots=True)
class Name:
    """A field of a struct."""

    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """One element of a list; negative ones count from the end."""

    index: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Elements `first` up to and without `last`; None is the start, and the end."""

    first: int | None
    last: int | None

    @property
    def width(self) -> int | None:
        """How many elements there are in any list that is long enough; None if that depends on its length."""
        first = 0 if self.first is None else self.first
        if self.last is None:
            return -first if first < 0 else None
        return self.last - first if (first < 0) == (self.last < 0) else None


Step = Name | Index | Slice


def parse_path(path: str) -> list[Step]:
    """The steps of a path.

    Raises:
        ValueError: it is none.
    """
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        names = match is not None and (match["quoted"] or match["name"]) is not None
        if match is None or (match["dot"] is not None) != (names and at > 0):
            raise ValueError(f"{path!r} is no path: it stops making sense at {path[at : at + 20]!r}")
        steps.append(_step(match))
        at = match.end()
    if not steps or not isinstance(steps[0], Name):
        raise ValueError(f"{path!r} is no path: it begins with the name of a field")
    return steps


def quoted(name: str) -> str:
    """A field's name as it stands in a path."""
    return f"`{name}`" if set(name) & set(".[]") else name


def step_text(step: Index | Slice) -> str:
    """A step into a list as it stands in a path."""
    if isinstance(step, Index):
        return f"[{step.index}]"
    if step.first is None and step.last is None:
        return "[*]"
    return "[" + ":".join("" if end is None else str(end) for end in (step.first, step.last)) + "]"


def _step(match: "re.Match[str]") -> Step:
    if match["index"] is not None:
        return Index(int(match["index"]))
    name = match["quoted"] or match["name"]
    if name is not None:
        return Name(name)
    first, last = match["first"], match["last"]
    return Slice(None if first is None else int(first), None if last is None else int(last))

"""Names of columns, from topics and paths: short, and still of the same words."""

import re
from collections.abc import Sequence

from bagmill.dataset.pathtext import Name, parse_path
from bagmill.dataset.spec.features import INDEX_COLUMNS, PARTITION

_PLAIN = re.compile(r"[^A-Za-z0-9_]+")
_EMPTY_WORDS = frozenset({"data", "msg"})
"""Names of fields that say nothing."""
_OF_KINDS = frozenset(
    {"compressed", "image", "image_raw", "image_color", "raw", "state", "states", "pose", "data"}
)
"""Names that topics of many things end with."""
_LONGEST = 100


def column_names(places: Sequence[tuple[str, str | None]]) -> list[str]:
    """A name for each topic and path, no two alike even if case is ignored.

    Words that all topics begin with are left out, and so are those that follow themselves.
    """
    words = [_words(topic) for topic, _ in places]
    shared = _shared(words)
    found: list[str] = []
    for own, (_, path) in zip(words, places, strict=True):
        parts = own[shared:] + [one for one in _path_words(path) if one not in _EMPTY_WORDS]
        found.append(_distinct(_joined(parts or own), found))
    return found


def _words(topic: str) -> list[str]:
    return [word for part in topic.split("/") if (word := _PLAIN.sub("_", part).strip("_"))] or ["topic"]


def _path_words(path: str | None) -> list[str]:
    if path is None:
        return []
    names = [step.name for step in parse_path(path) if isinstance(step, Name)]
    return [word for name in names if (word := _PLAIN.sub("_", name).strip("_"))]


def _shared(words: Sequence[Sequence[str]]) -> int:
    """How many words all topics begin with; each keeps its last."""
    topics = {tuple(one) for one in words}
    if len(topics) < 2:
        own = words[0] if words else []
        return max(0, len(own) - (2 if own and own[-1].lower() in _OF_KINDS else 1))
    count = 0
    while all(len(one) > count + 1 for one in topics) and len({one[count] for one in topics}) == 1:
        count += 1
    return count


def _joined(parts: Sequence[str]) -> str:
    kept = [part for place, part in enumerate(parts) if not place or part != parts[place - 1]]
    name = ".".join(kept)[:_LONGEST].strip(".")
    return name if name[:1].isalpha() or name[:1] == "_" else f"_{name}"


def _distinct(name: str, taken: Sequence[str]) -> str:
    used = {one.lower() for one in taken} | {*INDEX_COLUMNS, PARTITION}
    chosen, number = name, 2
    while chosen.lower() in used or chosen.lower().endswith(".present"):
        chosen = f"{name}_{number}"
        number += 1
    return chosen

"""Values as a person is shown them: plain data for JSON, of which the long ones are cut."""

import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

MOST_ELEMENTS = 64
"""Elements of a list that are shown, at most."""
MOST_LETTERS = 500
MOST_EXACT = 2**53
"""Integers beyond it are shown as text, as many readers of JSON would round them."""
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def shown(value: pa.Scalar, shape: Sequence[int | None] = ()) -> Any:
    """A value of a column; `shape` is that of a list which holds the elements of several axes flat.

    Lists of more than `MOST_ELEMENTS` become `{"elements": N, "first": [...]}`, bytes `{"bytes": N,
    "media_type": ...}`, times RFC 3339; NaN and infinity become `"NaN"`, `"Infinity"` and `"-Infinity"`.
    """
    if not value.is_valid:
        return None
    if isinstance(value, pa.ListScalar | pa.LargeListScalar | pa.FixedSizeListScalar):
        return _list(value.values, shape)
    if isinstance(value, pa.StructScalar):
        return {name: shown(value[name]) for name in value}
    if isinstance(value, pa.TimestampScalar):
        return value.cast(pa.string()).as_py().replace(" ", "T")
    return _plain(value.as_py())


def _list(items: pa.Array, shape: Sequence[int | None]) -> Any:
    first = [shown(item) for item in items.slice(0, MOST_ELEMENTS)]
    if len(items) > MOST_ELEMENTS:
        return {"elements": len(items), "first": first}
    for size in [size for size in reversed(shape[1:]) if size]:
        first = [first[start : start + size] for start in range(0, len(first), size)]
    return first


def _plain(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        case bytes():
            kind = next((name for magic, name in _MAGIC.items() if value.startswith(magic)), None)
            return {"bytes": len(value), "media_type": kind}
        case str() if len(value) > MOST_LETTERS:
            return value[:MOST_LETTERS] + "…"
        case int() if abs(value) > MOST_EXACT:
            return str(value)
    return value

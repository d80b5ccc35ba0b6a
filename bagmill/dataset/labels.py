"""Labels: values of any kind as numbers of classes."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagmill.columns import METADATA_KEY
from bagmill.dataset.spec import Label
from bagmill.dataset.transforms.base import Op, only, unfit
from bagmill.dataset.transforms.leaves import leaves, owners
from bagmill.dataset.values import Indices, Values, ValueType

_LOSS = "it is none of the classes"
Names = Mapping[str, int]
"""Names of constants with their values."""


def label(spec: Label, source: ValueType, names: Names, pointer: str) -> Op:
    """The step from values to classes: int64, or with `multi` int8[classes].

    Args:
        spec: the label.
        source: type of the values.
        names: constants that values may be called by.
        pointer: to the label.

    Raises:
        SpecUnfit: the values are lists (with `multi`: no lists), or can't be compared as text.
    """
    if len(source.shape) != (1 if spec.multi else 0):
        hint = (
            "Set `multi`." if len(source.shape) == 1 else "Take one element of it." if source.shape else None
        )
        wanted = "lists of values" if spec.multi else "single values"
        raise unfit(f"{pointer}/source", f"the label takes {wanted}, and this is {source}.", hint)
    if source.is_float or source.is_bytes or source.is_time or source.image:
        raise unfit(f"{pointer}/source", f"{source} has no classes.", "Take text, integers or booleans.")
    numbers = _by_text(spec, source, names)
    unknown = None if spec.unknown is None else spec.numbers[spec.unknown]
    if spec.multi:
        size = max(spec.numbers.values()) + 1
        kind = ValueType(pa.int8(), (size,))
        return Op(kind, only(lambda values: _several(values, numbers, unknown, kind)), _LOSS)
    kind = ValueType(pa.int64())
    return Op(kind, only(lambda values: _one(values, numbers, unknown, kind)), _LOSS)


def constants(schema: pa.Schema, leaf: pa.Field | None) -> Names:
    """Names that values of a field may have: of its enum, or else all integer constants of the messages."""
    facts: dict[str, Any] = json.loads((schema.metadata or {}).get(METADATA_KEY.encode(), b"{}"))
    enum = ((leaf.metadata if leaf is not None else None) or {}).get(b"enum")
    if enum is not None:
        return {name: int(value) for name, value in facts.get("enums", {}).get(enum.decode(), {}).items()}
    found: dict[str, int] = {}
    for of_type in facts.get("constants", {}).values():
        found |= {name: value for name, value in of_type.items() if isinstance(value, int)}
    return found


def _by_text(spec: Label, source: ValueType, names: Names) -> Mapping[str, int]:
    """The number of each class by what its values read as text."""
    own = dict(spec.numbers)
    if source.is_text or source.is_bool:
        return own
    return own | {str(names[name]): number for name, number in own.items() if name in names}


def _classes(values: Values, numbers: Mapping[str, int]) -> tuple[Indices, Any]:
    """For each element the number of its class, and whether it has one."""
    texts = leaves(values).cast(pa.string())
    keys = pa.array(list(numbers), pa.string())
    found = pc.index_in(texts, value_set=keys).fill_null(-1).to_numpy(zero_copy_only=False)
    known = found >= 0
    return np.array(list(numbers.values()), np.int64)[np.where(known, found, 0)], known


def _one(values: Values, numbers: Mapping[str, int], unknown: int | None, kind: ValueType) -> Values:
    found, known = _classes(values, numbers)
    if unknown is not None:
        found, known = np.where(known, found, unknown), np.ones_like(known)
    return Values.dense(found, values.present & known, kind)


def _several(values: Values, numbers: Mapping[str, int], unknown: int | None, kind: ValueType) -> Values:
    found, known = _classes(values, numbers)
    rows = owners(values)
    if unknown is not None:
        found, known = np.where(known, found, unknown), np.ones_like(known)
    data = np.zeros((len(values), kind.size), np.int8)
    data[rows[known], found[known]] = 1
    present = values.present.copy()
    present[rows[~known]] = False
    return Values.dense(data, present, kind)

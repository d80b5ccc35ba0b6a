"""one_hot and multi_hot: classes as vectors of 0 and 1."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagmill.dataset.spec.transforms import MultiHot, OneHot
from bagmill.dataset.transforms.base import Op, only, refused, unfit
from bagmill.dataset.transforms.leaves import leaves, owners
from bagmill.dataset.values import Indices, Values, ValueType

_UNKNOWN = "it is none of the classes"


def one_hot(spec: OneHot, source: ValueType, pointer: str) -> Op:
    """The step: float32[classes].

    Raises:
        SpecUnfit: these are no single values, or of another type than the classes.
    """
    if source.shape:
        raise unfit(pointer, f"`one_hot` takes single values, and this is {source}.", "Use `multi_hot`.")
    classes = _classes(spec.classes, source, pointer)
    kind = ValueType(pa.float32(), (len(classes),))

    def run(values: Values) -> Values:
        found = _numbers(values, classes)
        if spec.unknown == "error":
            _all_known(values, found, pointer)
        data = np.zeros((len(values), len(classes)), np.float32)
        rows = np.flatnonzero(found >= 0)
        data[rows, found[rows]] = 1
        known = values.present if spec.unknown == "zeros" else values.present & (found >= 0)
        return Values.dense(data, known, kind)

    return Op(kind, only(run), _UNKNOWN)


def multi_hot(spec: MultiHot, source: ValueType, pointer: str) -> Op:
    """The step: float32[classes].

    Raises:
        SpecUnfit: these are no lists, or of another type than the classes.
    """
    if len(source.shape) != 1:
        hint = None if source.shape else "Use `one_hot`."
        raise unfit(pointer, f"`multi_hot` takes lists of values, and this is {source}.", hint)
    classes = _classes(spec.classes, source, pointer)
    kind = ValueType(pa.float32(), (len(classes),))

    def run(values: Values) -> Values:
        found, rows = _numbers(values, classes), owners(values)
        there = values.present[rows]
        if spec.unknown == "error":
            _all_known(values, found, pointer)
        data = np.zeros((len(values), len(classes)), np.float32)
        known = there & (found >= 0)
        data[rows[known], found[known]] = 1
        present = values.present.copy()
        if spec.unknown == "null":
            present[rows[found < 0]] = False
        return Values.dense(data, present, kind)

    return Op(kind, only(run), _UNKNOWN)


def _classes(classes: Sequence[Any], source: ValueType, pointer: str) -> pa.Array:
    """The classes as an array of the source's type."""
    wanted: type | None = None
    if source.is_bool:
        wanted = bool
    elif source.is_number and not source.is_float:
        wanted = int
    elif source.is_text:
        wanted = str
    if wanted is None:
        raise unfit(pointer, f"{source} has no classes.", "Cast to an integer or a string before.")
    for number, one in enumerate(classes):
        if type(one) is not wanted:
            raise unfit(f"{pointer}/classes/{number}", f"{one!r} is never a value of {source}.")
    try:
        return pa.array(classes, source.element)
    except (pa.ArrowInvalid, OverflowError) as error:
        raise unfit(f"{pointer}/classes", f"{source} can't hold all of them.") from error


def _numbers(values: Values, classes: pa.Array) -> Indices:
    """For each element the number of its class, or -1."""
    found = pc.index_in(leaves(values), value_set=classes).fill_null(-1)
    numbers: Indices = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers


def _all_known(values: Values, found: Indices, pointer: str) -> None:
    bad = (found < 0) & values.present[owners(values)]
    if bad.any():
        value = leaves(values)[int(np.flatnonzero(bad)[0])].as_py()
        hint = "Add it, or set `unknown`."
        raise refused(f"{pointer}/classes", f"{str(value)[:60]!r} is none of the classes.", hint)

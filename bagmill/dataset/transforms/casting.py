"""cast: from one type of elements to another, and what is done with what it can't hold."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.dataset.spec.transforms import Cast
from bagmill.dataset.transforms.base import Op, only, refused, unfit
from bagmill.dataset.transforms.leaves import lacking, leaves, numbers, of_element, rebuilt
from bagmill.dataset.values import Mask, Values, ValueType, element_of, name_of

Array = npt.NDArray[Any]


def cast(spec: Cast, source: ValueType, pointer: str) -> Op | None:
    """The step; None if there is nothing to do.

    Raises:
        SpecUnfit: there is no way from one type to the other.
    """
    target = element_of(spec.dtype)
    if target == source.element:
        return None
    kind = of_element(source, target)
    if source.is_number or source.is_bool:
        if kind.is_number or kind.is_bool:
            return _op(kind, lambda values: _numeric(values, kind, spec.overflow, pointer), spec.dtype)
        if kind.is_text:
            return _op(kind, lambda values: rebuilt(values, leaves(values).cast(target), kind), spec.dtype)
    if source.is_text and not kind.is_time:
        return _op(kind, lambda values: _parsed(values, kind, spec.overflow, pointer), spec.dtype)
    if (source.is_bytes and kind.is_text and not source.image) or _is_time_and(source, kind):
        return _op(kind, lambda values: _viewed(values, kind, spec.overflow, pointer), spec.dtype)
    raise unfit(pointer, f"{source} can't be cast to {spec.dtype}.")


def _op(kind: ValueType, run: Any, name: str) -> Op:
    return Op(kind, only(run), f"{name} can't hold it")


def _is_time_and(source: ValueType, target: ValueType) -> bool:
    """Whether one of them is a timestamp, and the other may stand for it."""
    if source.is_time:
        return target.is_text or target.element == pa.int64()
    return target.is_time and source.element == pa.int64()


def _numeric(values: Values, kind: ValueType, overflow: str, pointer: str) -> Values:
    before = numbers(values)
    if kind.is_bool:
        return _held(values, before != 0, ~_is_nan(before), kind, before, overflow, pointer)
    if kind.is_float:
        return _held(values, *_as_float(before, kind.numpy, overflow), kind, before, overflow, pointer)
    return _held(values, *_as_integer(before, kind.numpy, overflow), kind, before, overflow, pointer)


def _is_nan(values: Array) -> Mask:
    nan: Mask = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, np.bool_)
    return nan


def _as_float(values: Array, target: np.dtype[Any], overflow: str) -> tuple[Array, Mask]:
    """Rounded to the nearest; what is finite and becomes infinite is not held."""
    with np.errstate(over="ignore"):
        found = values.astype(target)
    held = np.isfinite(found) | ~np.isfinite(values) if values.dtype.kind == "f" else np.isfinite(found)
    if overflow == "clamp" and not held.all():
        most = np.finfo(target).max
        return np.where(held, found, np.where(values > 0, most, -most).astype(target)), np.ones_like(held)
    return found, held


def _as_integer(values: Array, target: np.dtype[Any], overflow: str) -> tuple[Array, Mask]:
    """Rounded to the nearest, halves to even. NaN has no nearest integer."""
    limits = np.iinfo(target)
    if values.dtype.kind == "b":
        return values.astype(target), np.ones(values.shape, np.bool_)
    rounded = np.rint(values) if values.dtype.kind == "f" else values
    nan = _is_nan(rounded)
    low, high = _outside(rounded, int(limits.min), int(limits.max))
    inside = np.where(nan | low | high, 0, rounded).astype(target)
    if overflow == "clamp":
        inside = np.where(low, limits.min, np.where(high, limits.max, inside)).astype(target)
        return inside, ~nan
    return inside, ~(nan | low | high)


def _outside(values: Array, least: int, most: int) -> tuple[Mask, Mask]:
    """Which are below and above; floats are compared with powers of two, which they hold exactly."""
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            return values < np.float64(least), values >= np.float64(most + 1)
    own = np.iinfo(values.dtype)
    none = np.zeros(values.shape, np.bool_)
    return (
        values < values.dtype.type(least) if own.min < least else none,
        values > values.dtype.type(most) if own.max > most else none,
    )


def _parsed(values: Values, kind: ValueType, overflow: str, pointer: str) -> Values:
    texts = leaves(values)
    try:
        found = texts.cast(kind.element)
    except pa.ArrowInvalid:
        found = pa.array([_read(text, kind.element) for text in texts], kind.element)
    held = found.is_valid().to_numpy(zero_copy_only=False) | ~texts.is_valid().to_numpy(zero_copy_only=False)
    return _held(values, found, held, kind, texts, overflow, pointer)


def _read(text: pa.StringScalar, element: pa.DataType) -> Any:
    try:
        return text.cast(element).as_py()
    except pa.ArrowInvalid:
        return None


def _viewed(values: Values, kind: ValueType, overflow: str, pointer: str) -> Values:
    """Bytes as text, times as integers or RFC 3339, integers as times."""
    before = leaves(values)
    if values.type.is_bytes:
        try:
            return rebuilt(values, before.cast(pa.string()), kind)
        except pa.ArrowInvalid:
            texts = [_utf8(one.as_py()) for one in before]
        held = np.array(
            [text is not None or not one.is_valid for text, one in zip(texts, before, strict=True)]
        )
        return _held(values, pa.array(texts, pa.string()), held, kind, before, overflow, pointer)
    if kind.is_text:
        return rebuilt(values, _rfc3339(before), kind)
    return rebuilt(values, before.cast(kind.element), kind)


def _rfc3339(times: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.strftime(times, "%Y-%m-%dT%H:%M:%SZ")


def _utf8(data: bytes | None) -> str | None:
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return None


def _held(
    values: Values, found: Any, held: Mask, kind: ValueType, before: Any, overflow: str, pointer: str
) -> Values:
    """The new values without what was not held; only those of rows that are present count."""
    result = rebuilt(values, found, kind)
    if held.all():
        return result
    kept = lacking(result, ~held)
    if overflow == "error" and kept.present.sum() < values.present.sum():
        bad = before[int(np.flatnonzero(~held)[0])]
        text = repr(bad.as_py() if hasattr(bad, "as_py") else bad.item())[:60]
        hint = "Set `overflow` of a `cast` to clamp or null, or choose another dtype."
        raise refused(pointer, f"{name_of(kind.element)} can't hold {text}.", hint)
    return kept

"""clamp, scale and normalize: arithmetic on numbers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.dataset.spec.transforms import Clamp, Normalize, Scale
from bagmill.dataset.transforms.base import Op, only, unfit
from bagmill.dataset.transforms.leaves import elementwise, of_element
from bagmill.dataset.values import ValueType

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Fit = Mapping[str, Floats]
"""Statistics of a feature by their names (`mean`, `std`, `min`, `max`), each of the shape of a value."""


def clamp(spec: Clamp, source: ValueType, pointer: str) -> Op:
    """The step.

    Raises:
        SpecUnfit: these are no numbers, or none of them can lie within the bounds.
    """
    _must_be_numbers(source, pointer, "clamp")
    kind = replace(source, rotation=False)
    low, high = _bounds(spec, source, pointer)
    return Op(kind, only(lambda values: elementwise(values, lambda data: np.clip(data, low, high), kind)))


def _bounds(spec: Clamp, source: ValueType, pointer: str) -> tuple[Any, Any]:
    if source.is_float:
        low, high = (None if one is None else source.numpy.type(one) for one in (spec.min, spec.max))
        return low, high
    limits = np.iinfo(source.numpy)
    low = limits.min if spec.min is None else max(int(np.ceil(spec.min)), int(limits.min))
    high = limits.max if spec.max is None else min(int(np.floor(spec.max)), int(limits.max))
    if low > high:
        raise unfit(pointer, f"no {source} lies within these bounds.", "Cast to a float type before.")
    return source.numpy.type(low), source.numpy.type(high)


def scale(spec: Scale, source: ValueType, pointer: str) -> Op:
    """The step.

    Raises:
        SpecUnfit: these are no numbers, or not as many as the lists of the spec have.
    """
    _must_be_numbers(source, pointer, "scale")
    kind = floats_of(source)
    factor = _per_element(spec.factor, source, f"{pointer}/factor", kind)
    offset = _per_element(spec.offset, source, f"{pointer}/offset", kind)
    return Op(kind, only(lambda values: elementwise(values, _affine(kind, factor, offset), kind)))


def _affine(kind: ValueType, factor: Array, offset: Array) -> Any:
    def run(data: Array) -> Array:
        with np.errstate(all="ignore"):
            result: Array = data.astype(kind.numpy) * factor + offset
        return result

    return _broadcast(run, factor, offset)


def normalize(spec: Normalize, source: ValueType, pointer: str, fit: Fit | None = None) -> Op:
    """The step, with the numbers of the spec or, where it has none, with statistics.

    Args:
        spec: as in the feature.
        source: type of the values.
        pointer: to the spec.
        fit: `mean` and `std`, or `min` and `max`, each of the shape of a value.

    Raises:
        SpecUnfit: these are no numbers, or not as many as the lists of the spec have.
    """
    _must_be_numbers(source, pointer, "normalize")
    kind = floats_of(source)
    if spec.is_fitted:
        if not source.is_fixed:
            hint = "Give `length` before it, or numbers."
            raise unfit(pointer, f"{source} has no statistics element by element.", hint)
        names = ("mean", "std") if spec.method == "standard" else ("min", "max")
        first, second = ((fit or {}).get(name, np.zeros(source.sizes)).reshape(-1) for name in names)
    elif spec.method == "standard":
        assert spec.mean is not None
        assert spec.std is not None
        first, second = (_given(getattr(spec, name), source, f"{pointer}/{name}") for name in ("mean", "std"))
    else:
        first, second = (_given(getattr(spec, name), source, f"{pointer}/{name}") for name in ("min", "max"))
    line = _line(spec, first, second)
    return Op(kind, only(lambda values: elementwise(values, _normal(kind, *line), kind)))


def _line(spec: Normalize, first: Floats, second: Floats) -> tuple[Floats, Floats, Floats]:
    """What is taken away, what the rest is divided by, and what is added then."""
    if spec.method == "standard":
        flat = second > 0
        return first, np.where(flat, second, np.inf), np.zeros_like(first)
    width = second - first
    flat = width > 0
    return first, np.where(flat, width / (spec.high - spec.low), np.inf), np.full_like(first, spec.low)


def _normal(kind: ValueType, centre: Floats, width: Floats, base: Floats) -> Any:
    def run(data: Array) -> Array:
        with np.errstate(all="ignore"):
            result: Array = ((data.astype(np.float64) - centre) / width + base).astype(kind.numpy)
        return result

    return _broadcast(run, centre, width)


def _broadcast(run: Any, *numbers: Array) -> Any:
    """`run` on elements in rows of as many as there are numbers."""
    count = max(one.size for one in numbers)
    return lambda data: run(data.reshape(-1, count)).reshape(-1) if count > 1 else run(data)


def floats_of(source: ValueType) -> ValueType:
    """float64 of the same shape, float32 where it was that."""
    return of_element(source, pa.float32() if source.element == pa.float32() else pa.float64())


def _per_element(given: float | tuple[float, ...], source: ValueType, pointer: str, kind: ValueType) -> Array:
    return _given(given, source, pointer).astype(kind.numpy)


def _given(given: float | tuple[float, ...], source: ValueType, pointer: str) -> Floats:
    if not isinstance(given, tuple):
        return np.array([given], np.float64)
    last = source.shape[-1] if source.shape else 1
    if last != len(given):
        raise unfit(
            pointer, f"{len(given)} numbers are given, and the last axis of {source} has {last or 'any'}."
        )
    return np.array(given, np.float64)


def _must_be_numbers(source: ValueType, pointer: str, op: str) -> None:
    if not source.is_number:
        hint = "Cast to a number before." if source.is_bool or source.is_text else None
        raise unfit(pointer, f"`{op}` takes numbers, and this is {source}.", hint)

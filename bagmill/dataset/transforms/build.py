"""From transforms of a spec to steps."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from bagmill.dataset.images.chain import ImageStep, image_op
from bagmill.dataset.spec import transforms as specs
from bagmill.dataset.transforms.base import Op
from bagmill.dataset.transforms.casting import cast
from bagmill.dataset.transforms.classes import multi_hot, one_hot
from bagmill.dataset.transforms.listing import flatten, length, select
from bagmill.dataset.transforms.numeric import Fit, clamp, normalize, scale
from bagmill.dataset.transforms.rotations import to_euler, to_matrix
from bagmill.dataset.values import Values, ValueType

Placed = tuple[str, Any]
"""A transform with the pointer to it."""
_MAKERS: Mapping[type, Callable[[Any, ValueType, str], Op | None]] = {
    specs.Cast: cast,
    specs.Clamp: clamp,
    specs.Scale: scale,
    specs.Normalize: normalize,
    specs.Length: length,
    specs.OneHot: one_hot,
    specs.MultiHot: multi_hot,
    specs.Select: select,
    specs.Flatten: lambda _, source, pointer: flatten(source, pointer),
    specs.QuaternionToEuler: to_euler,
    specs.QuaternionToMatrix: to_matrix,
}


def steps(
    transforms: Sequence[Placed], source: ValueType, fit: Fit | None = None, sample: Values | None = None
) -> list[tuple[str, Op]]:
    """The steps of transforms, with the pointer of each; several on images become one.

    Args:
        transforms: with their pointers.
        source: type of the values before them.
        fit: statistics for the first of them, if it is a `normalize` that needs some.
        sample: some values before them, which tell the size of images.

    Raises:
        SpecUnfit: one of them does not take what the ones before it give.
    """
    found: list[tuple[str, Op]] = []
    for on_images, group in groupby(transforms, lambda one: isinstance(one[1], ImageStep)):
        if on_images:
            several = list(group)
            found.append((several[0][0], image_op(several, source, None if found else sample)))
            source = found[-1][1].type
            continue
        for pointer, spec in group:
            if op := _made(spec, source, pointer, fit):
                found.append((pointer, op))
                source = op.type
    return found


def _made(spec: Any, source: ValueType, pointer: str, fit: Fit | None) -> Op | None:
    if isinstance(spec, specs.Normalize) and spec.is_fitted:
        return normalize(spec, source, pointer, fit)
    return _MAKERS[type(spec)](spec, source, pointer)

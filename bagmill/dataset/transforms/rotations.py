"""quaternion_to_euler and quaternion_to_matrix; and the mathematics of both.

Quaternions are x, y, z, w and need not be of length 1. Sources: Shoemake, "Animating rotation with quaternion
curves" (1985), for matrices; Diebel, "Representing attitude" (2006), for angles.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bagmill.dataset.spec.transforms import QuaternionToEuler, QuaternionToMatrix
from bagmill.dataset.transforms.base import Op, only, unfit
from bagmill.dataset.transforms.numeric import floats_of
from bagmill.dataset.values import Values, ValueType

Floats = npt.NDArray[np.float64]
_LOSS = "a quaternion of length 0, or with NaN, is no rotation"
_LOCK = 1e-7
"""Below this cosine of the middle angle, the first and third turn about one axis."""


def to_euler(spec: QuaternionToEuler, source: ValueType, pointer: str) -> Op:
    """The step: the last axis of 4 becomes one of 3 angles, in the order of the axes.

    Raises:
        SpecUnfit: these are no quaternions.
    """
    kind = _kind(source, (3,), pointer)
    turn = 180 / np.pi if spec.degrees else 1.0
    return _op(kind, lambda quaternions: angles(matrices(quaternions), spec.order) * turn)


def to_matrix(spec: QuaternionToMatrix, source: ValueType, pointer: str) -> Op:  # noqa: ARG001 - as the others
    """The step: the last axis of 4 becomes two of 3.

    Raises:
        SpecUnfit: these are no quaternions.
    """
    return _op(_kind(source, (3, 3), pointer), matrices)


def _kind(source: ValueType, last: tuple[int, ...], pointer: str) -> ValueType:
    if not (source.is_dense and source.is_number and source.shape and source.shape[-1] == 4):
        hint = "Take a field of 4 numbers: `pose.orientation`."
        raise unfit(pointer, f"quaternions are 4 numbers x, y, z, w, and this is {source}.", hint)
    return ValueType(floats_of(source).element, (*source.shape[:-1], *last))


def _op(kind: ValueType, run: Callable[[Floats], Floats]) -> Op:
    def work(values: Values) -> Values:
        quaternions = values.data.reshape(-1, 4).astype(np.float64)
        turns = is_rotation(quaternions)
        found = run(np.where(turns[:, None], quaternions, (0, 0, 0, 1)))
        present = values.present & turns.reshape(len(values), -1).all(axis=1)
        return Values.dense(found.reshape(len(values), *kind.sizes), present, kind)

    return Op(kind, only(work), _LOSS)


def is_rotation(quaternions: Floats) -> npt.NDArray[np.bool_]:
    """Whether each quaternion [N, 4] has a direction."""
    largest = np.abs(quaternions).max(axis=1)
    turns: npt.NDArray[np.bool_] = np.isfinite(quaternions).all(axis=1) & (largest > 0)
    return turns


def matrices(quaternions: Floats) -> Floats:
    """Rotation matrices [N, 3, 3] of quaternions [N, 4]."""
    largest = np.abs(quaternions).max(axis=1, keepdims=True)  # so that squares neither vanish nor overflow
    scaled = quaternions / largest
    x, y, z, w = (scaled / np.linalg.norm(scaled, axis=1, keepdims=True)).T
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return np.moveaxis(np.array(rows, np.float64), 2, 0)


def angles(rotations: Floats, order: str) -> Floats:
    """Angles [N, 3] in rad of rotations [N, 3, 3] about fixed axes, in this order.

    Where the middle one is a right angle, the third is 0.
    """
    i, j, k = ("xyz".index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    sine = np.clip(-sign * rotations[:, k, i], -1, 1)
    # From both sine and cosine: near a right angle the sine alone tells little.
    cosine = np.hypot(rotations[:, k, j], rotations[:, k, k])
    locked = cosine < _LOCK
    first = np.arctan2(sign * rotations[:, k, j], rotations[:, k, k])
    third = np.arctan2(sign * rotations[:, j, i], rotations[:, i, i])
    alone = np.arctan2(-sign * rotations[:, j, k], rotations[:, j, j])
    found: Any = (np.where(locked, alone, first), np.arctan2(sine, cosine), np.where(locked, 0, third))
    return np.stack(found, axis=1) + 0.0  # no negative zeros

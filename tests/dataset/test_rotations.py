"""Quaternions as angles and matrices: against turning vectors one axis after another."""

import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dataset.columns import FEW, kind, run

ORDERS = ["xyz", "xzy", "yxz", "yzx", "zxy", "zyx"]
part = st.floats(-1, 1).filter(lambda one: one == 0 or abs(one) > 1e-6)
quaternion = st.tuples(part, part, part, part).filter(lambda q: math.hypot(*q) > 1e-3).map(list)


def about(axis: str, angle: float) -> np.ndarray:
    """The matrix that turns about one axis."""
    i = "xyz".index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    matrix = np.eye(3)
    matrix[j, j] = matrix[k, k] = math.cos(angle)
    matrix[k, j], matrix[j, k] = math.sin(angle), -math.sin(angle)
    return matrix


def turned(q: list[float], vector: np.ndarray) -> np.ndarray:
    """q v q*, by Hamilton's product."""

    def product(a: list[float], b: list[float]) -> list[float]:
        ax, ay, az, aw = a
        bx, by, bz, bw = b
        return [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ]

    x, y, z, w = (one / math.hypot(*q) for one in q)
    return np.array(product(product([x, y, z, w], [*vector, 0.0]), [-x, -y, -z, w])[:3])


@FEW
@given(quaternion)
def test_matrices_turn_vectors_as_quaternions_do(q: list[float]) -> None:
    (matrix,) = run([q], kind("float64", 4), {"op": "quaternion_to_matrix"})

    for vector in np.eye(3):
        assert np.array(matrix) @ vector == pytest.approx(turned(q, vector), abs=1e-12)


@FEW
@given(quaternion, st.sampled_from(ORDERS), st.booleans())
def test_angles_make_the_same_turn_again(q: list[float], order: str, degrees: bool) -> None:
    (angles,) = run(
        [q], kind("float64", 4), {"op": "quaternion_to_euler", "order": order, "degrees": degrees}
    )
    if degrees:
        angles = [math.radians(angle) for angle in angles]

    made = reduce(lambda matrix, turn: turn @ matrix, map(about, order, angles))

    (matrix,) = run([q], kind("float64", 4), {"op": "quaternion_to_matrix"})
    assert made == pytest.approx(np.array(matrix), abs=1e-6)
    assert abs(angles[1]) <= math.pi / 2 + 1e-12


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("middle", [math.pi / 2, -math.pi / 2])
def test_a_right_angle_in_the_middle_leaves_one_turn(order: str, middle: float) -> None:
    half = {"xyz".index(order[1]): math.sin(middle / 2)}
    q = [half.get(axis, 0.0) for axis in range(3)] + [math.cos(middle / 2)]

    (angles,) = run([q], kind("float64", 4), {"op": "quaternion_to_euler", "order": order})

    assert angles == pytest.approx([0, middle, 0], abs=1e-7)


def test_roll_pitch_and_yaw_are_what_they_are_called() -> None:
    yaw = [0.0, 0.0, math.sin(0.25), math.cos(0.25)]

    assert run([yaw], kind("float32", 4), {"op": "quaternion_to_euler"})[0] == pytest.approx(
        [0, 0, 0.5], abs=1e-6
    )


@pytest.mark.parametrize("op", ["quaternion_to_euler", "quaternion_to_matrix"])
def test_what_is_no_rotation_is_missing(op: str) -> None:
    rows = [[0.0] * 4, [math.nan, 0.0, 0.0, 1.0], [math.inf, 0.0, 0.0, 0.0], None, [0.0, 0.0, 0.0, 1e-200]]

    found = run(rows, kind("float64", 4), {"op": op})

    assert [row is not None for row in found] == [False, False, False, False, True]


def test_several_quaternions_a_row() -> None:
    rows = [[[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0, 1.0], [0.0] * 4]]

    found = run(rows, kind("float64", 2, 4), {"op": "quaternion_to_matrix"})

    assert found == [[np.eye(3).tolist(), np.diag([1.0, -1.0, -1.0]).tolist()], None]

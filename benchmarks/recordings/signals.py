"""Values of sensors that are the same bits on every machine: only +, *, rounding and square roots.

Sines of a mathematical library differ in the last bit between processors; these do not.
"""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def wave(phase: Vector) -> Vector:
    """About the cosine of so many turns: a polynomial of a triangle."""
    x = np.abs(phase - np.floor(phase) - 0.5) * 4 - 1
    square = x * x
    result: Vector = x * (1.5707963 - square * (0.6459641 - square * (0.0796926 - square * 0.0046817541)))
    return result


def noise(random: np.random.Generator, *shape: int) -> Vector:
    """About normal, deviation 1: sums of four uniform numbers."""
    a, b, c, d = random.random((4, *shape))
    result: Vector = (a + b + c + d - 2) * 1.7320508
    return result


def steps(values: Vector, size: float) -> Vector:
    """What a digital sensor makes of it: whole multiples of its resolution."""
    return np.rint(values * (1 / size)) * size


def turns(roll: Vector, pitch: Vector, yaw: Vector) -> tuple[Vector, Vector, Vector, Vector]:
    """A unit quaternion x, y, z, w that turns about as said (half angles, small)."""
    norm = np.sqrt(roll * roll + pitch * pitch + yaw * yaw + 1)
    return roll / norm, pitch / norm, yaw / norm, 1 / norm

"""How strange decoded values look: numbers read in the wrong byte order are huge or next to nothing."""

import math
from typing import Any

import numpy as np

_INFINITE = 1100
"""More than the exponent of any finite float64."""


def strangeness(value: Any) -> int:
    """The bits that the numbers in a value take: of integers their length, of floats their exponent."""
    match value:
        case bool() | str() | bytes() | None:
            return 0
        case int():
            return value.bit_length()
        case float():
            return abs(math.frexp(value)[1]) if math.isfinite(value) else _INFINITE
        case dict():
            return sum(strangeness(item) for item in value.values())
        case np.ndarray():
            return strangeness(value.tolist())
        case _:
            return sum(strangeness(item) for item in value)

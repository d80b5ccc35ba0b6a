"""NaN and infinity in values, and what the spec says of them."""

import numpy as np

from bagmill.dataset.transforms.leaves import numbers, owners
from bagmill.dataset.values import Mask, Values


def not_finite(values: Values) -> Mask:
    """Which values have NaN or infinity in them, bool[N]."""
    found = np.zeros(len(values), np.bool_)
    if not values.type.is_float:
        return found
    bad = ~np.isfinite(numbers(values))
    if bad.any():
        found[owners(values)[bad]] = True
    return found & values.present

"""Arrow's functions by their names, without loading `pyarrow.compute`.

That makes a Python function of each of 300 when it is loaded, which costs as much as loading pyarrow itself,
and a small conversion needs four of them. Methods of arrays such as `take` and `drop_null` load it, too.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow._compute import TakeOptions, call_function

WITHOUT_CHECKS = TakeOptions(boundscheck=False)
"""Options of `take` for indices that are known to be right."""


def call(name: str, *arguments: Any, options: Any = None) -> Any:
    """Call a function; an Arrow scalar, array or batch."""
    return call_function(name, list(arguments), options)


def indices(values: npt.NDArray[np.int64]) -> pa.Array:
    """Indices for `take`, not copied. `pa.array` would load numpy.ma, which takes half as long as pyarrow."""
    numbers = pa.py_buffer(values.astype(np.int64, copy=False))
    return pa.Array.from_buffers(pa.int64(), len(values), [None, numbers])

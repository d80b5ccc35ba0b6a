"""Arrow's functions by their names, without loading `pyarrow.compute`.

That makes a Python function of each of 300 when it is loaded, which costs as much as loading pyarrow itself,
and a small conversion needs four of them. Methods of arrays such as `take` and `drop_null` load it, too.
"""

from typing import Any

from pyarrow._compute import TakeOptions, call_function

WITHOUT_CHECKS = TakeOptions(boundscheck=False)
"""Options of `take` for indices that are known to be right."""


def call(name: str, *arguments: Any, options: Any = None) -> Any:
    """Call a function; an Arrow scalar, array or batch."""
    return call_function(name, list(arguments), options)

"""What a process that only converts does first, so that it starts in a third of the time."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt (glibc, malloc.h): from how many bytes on memory goes back."""


def start_light() -> None:
    """Keep numpy and pyarrow from loading what a conversion never uses; before they are imported.

    Only for a process of the program's own: OpenBLAS starts no threads (unless the user says how many),
    pandas is as if not installed (pyarrow would import it, where it is, with its first array), and memory
    that was used is kept for what comes next.
    """
    _keep_memory()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if not any(isinstance(finder, _WithoutPandas) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WithoutPandas())


@contextmanager
def loading() -> Iterator[None]:
    """Look for no garbage while modules are loaded, nor ever in what they are made of: there is none.

    The search takes a twentieth of the time that loading does. Only for a process of the program's own.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _keep_memory() -> None:
    """Have glibc, where it is that, give no memory back: each block of messages needs as much again.

    New pages cost more than all that is copied into them.
    """
    import ctypes  # here: it is only for this

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 32 << 20)
        mallopt(_TRIM_THRESHOLD, 128 << 20)


class _WithoutPandas:
    def find_spec(self, fullname: str, *_: object) -> None:
        """Refuse pandas, and leave all else to the finders behind it."""
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not used here", name=fullname)

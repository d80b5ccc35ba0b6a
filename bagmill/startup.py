"""What a process that only converts does first, so that it starts in a third of the time."""

import os
import sys


def start_light() -> None:
    """Keep numpy and pyarrow from loading what a conversion never uses; before they are imported.

    Only for a process of the program's own: OpenBLAS starts no threads (unless the user says how many), and
    pandas is as if not installed: pyarrow would import it, where it is, with its first array.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if not any(isinstance(finder, _WithoutPandas) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WithoutPandas())


class _WithoutPandas:
    def find_spec(self, fullname: str, *_: object) -> None:
        """Refuse pandas, and leave all else to the finders behind it."""
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not used here", name=fullname)

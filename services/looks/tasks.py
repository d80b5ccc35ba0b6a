"""What looks do: one function a kind, in a process of their own. Each returns plain data for JSON."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from models.look import Kind

Task = Callable[[Path, Mapping[str, Any], int], Any]


def _preview(recording: Path, params: Mapping[str, Any], threads: int) -> Any:
    from bagmill.dataset.preview import preview
    from bagmill.dataset.spec import make_spec

    return preview(recording, make_spec(params["spec"]), rows=params["rows"], threads=threads)


TASKS: Mapping[Kind, Task] = {"preview": _preview}

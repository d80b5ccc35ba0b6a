"""What looks do: one function a kind, in a process of their own. Each returns one line of JSON."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from models.look import Kind

Task = Callable[[Path, Mapping[str, Any], int], str]


def _inspect(recording: Path, params: Mapping[str, Any], threads: int) -> str:  # noqa: ARG001 - as all tasks
    from bagmill.dataset.inspect import inspect_recording

    return inspect_recording(recording).model_dump_json()


def _draft(recording: Path, params: Mapping[str, Any], threads: int) -> str:  # noqa: ARG001 - as all tasks
    from bagmill.dataset.draft import draft_spec

    return draft_spec(recording).model_dump_json()


def _preview(recording: Path, params: Mapping[str, Any], threads: int) -> str:
    from bagmill.dataset.preview import preview
    from bagmill.dataset.spec import make_spec

    found = preview(recording, make_spec(params["spec"]), rows=params["rows"], threads=threads)
    return json.dumps(found, allow_nan=False)


TASKS: Mapping[Kind, Task] = {"inspect": _inspect, "draft": _draft, "preview": _preview}

"""What the steps of workflows do: one module per kind, each with `run(request, progress) -> Report`.

They run in a job's process, write into the request's `output` folder only, and are the one place of the
engine that calls the conversion core.
"""

from collections.abc import Callable
from importlib import import_module

from bagmill.report import ProgressSink, Report
from models.job import JobRequest

KINDS = ("expand", "sample", "index", "convert", "visualize", "extract", "collect", "dataset")
"""Every kind of step: the names of this package's modules."""

Run = Callable[[JobRequest, ProgressSink], Report]


def runner(kind: str) -> Run:
    """The function that does a step of this kind; its module, and what that needs, is loaded now.

    Raises:
        KeyError: there is no such kind.
    """
    if kind not in KINDS:
        raise KeyError(kind)
    run: Run = import_module(f"{__name__}.{kind}").run
    return run

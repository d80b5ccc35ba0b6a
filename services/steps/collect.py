"""Join the rows that a batch's children have extracted into one dataset."""

from pathlib import Path
from typing import Any

from bagmill.dataset.collect import collect
from bagmill.dataset.recordings import LeftOut, distinct_names
from bagmill.options import Options
from bagmill.report import ProgressSink, Report
from models.batch import ChildResult
from models.job import JobRequest
from services.process_errors import RecordingsFailed
from services.steps.reusing import reused
from services.steps.specs import pointing, spec_of


class CollectOptions(Options):
    """What to join. `children` are those of the batch, in the order of the rows."""

    spec: dict[str, Any]
    children: list[ChildResult]
    allow_failed: bool = False


def run(request: JobRequest, progress: ProgressSink) -> Report:
    """Write one dataset; the children's folders are only read.

    Raises:
        RecordingsFailed: some have no output, and the request does not allow that.
    """
    if report := reused(request):
        return report
    options, spec = CollectOptions.model_validate(request.params), spec_of(request)
    names = distinct_names([child.recording for child in options.children])
    named = list(zip(names, options.children, strict=True))
    left_out = [LeftOut(name, child.reason) for name, child in named if child.reason is not None]
    if left_out and not options.allow_failed:
        first = left_out[0]
        raise RecordingsFailed(
            f"{len(left_out)} of {len(named)} recordings have no rows: {first.name}: {first.reason}"
        )
    folders = {name: Path(request.inputs[child.id]) for name, child in named if child.reason is None}
    output, threads = Path(request.output), request.resources.threads
    with pointing():
        return collect(folders, output, spec, progress, left_out=left_out, threads=threads)

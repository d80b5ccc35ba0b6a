"""Extract the rows of a recording and their statistics, for a dataset of many."""

from pathlib import Path

from bagmill.dataset.extract import extract
from bagmill.report import ProgressSink, Report
from models.job import JobRequest
from services.steps.inputs import recording_of
from services.steps.reusing import reused
from services.steps.specs import pointing, spec_of


def run(request: JobRequest, progress: ProgressSink) -> Report:
    """Write un-normalized rows and what must be known of them."""
    if report := reused(request):
        return report
    spec, recording, output = spec_of(request), recording_of(request), Path(request.output)
    with pointing():
        return extract(recording, output, spec, progress, threads=request.resources.threads)

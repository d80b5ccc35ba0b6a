"""Make a dataset of one recording."""

from pathlib import Path

from bagmill.dataset.make import make_dataset
from bagmill.report import ProgressSink, Report
from models.job import JobRequest
from services.steps.inputs import recording_of
from services.steps.reusing import reused
from services.steps.specs import pointing, spec_of


def run(request: JobRequest, progress: ProgressSink) -> Report:
    """Write the rows of a recording as its spec wants them."""
    if report := reused(request):
        return report
    spec, recording, output = spec_of(request), recording_of(request), Path(request.output)
    with pointing():
        return make_dataset([recording], output, spec, progress, threads=request.resources.threads)

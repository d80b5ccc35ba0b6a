"""Convert a recording to a typed dataset."""

from pathlib import Path

from bagmill.convert import convert
from bagmill.options import ConvertOptions
from bagmill.report import ProgressSink, Report
from models.job import JobRequest
from services.steps.inputs import recording_of


def run(request: JobRequest, progress: ProgressSink) -> Report:
    """Write one dataset folder for each topic of the recording."""
    options = ConvertOptions.model_validate(request.params)
    output, threads = Path(request.output), request.resources.threads
    return convert(recording_of(request), output, options, progress, threads=threads)

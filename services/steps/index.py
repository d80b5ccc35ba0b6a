"""Index a recording: what is in it, without reading all of it."""

from pathlib import Path

from bagmill.index import index
from bagmill.options import IndexOptions
from bagmill.report import ProgressSink, Report
from models.job import JobRequest
from services.steps.inputs import recording_of


def run(request: JobRequest, progress: ProgressSink) -> Report:
    """Write `index.json` and the schemas of the recording."""
    options = IndexOptions.model_validate(request.params)
    return index(recording_of(request), Path(request.output), options, progress)

"""Show a recording in Rerun."""

from pathlib import Path

from bagmill.options import VisualizeOptions
from bagmill.report import ProgressSink, Report
from bagmill.visualize import visualize
from models.job import JobRequest
from services.steps.inputs import recording_of


def run(request: JobRequest, progress: ProgressSink) -> Report:
    """Write `recording.rrd`."""
    options = VisualizeOptions.model_validate(request.params)
    return visualize(recording_of(request), Path(request.output), options, progress)

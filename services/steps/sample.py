"""Make the recording that a self-check runs on."""

from pathlib import Path

from bagmill.report import OutputFile, ProgressSink, Report
from bagmill.sample import write_sample
from models.job import JobRequest
from services.steps.inputs import SAMPLE_FILE


def run(request: JobRequest, progress: ProgressSink) -> Report:  # noqa: ARG001 - done in a moment
    """Write `sample.mcap`; the steps after this one read it from here."""
    topics = write_sample(Path(request.output) / SAMPLE_FILE)
    messages = sum(topics.values())
    return Report(
        outputs=(OutputFile(SAMPLE_FILE, rows=messages),),
        counters={"messages": messages, "topics": len(topics)},
        body={"topics": topics},
    )

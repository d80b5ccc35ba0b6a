"""What steps that read a recording need of their request."""

from pathlib import Path

from bagmill.errors import RecordingNotFound
from models.job import JobRequest

SAMPLE_FILE = "sample.mcap"
"""What a `sample` step leaves in its folder for the steps after it."""


def recording_of(request: JobRequest) -> Path:
    """The recording to read: the one submitted, or the one that an earlier step made.

    Raises:
        RecordingNotFound: there is neither.
    """
    if request.source:
        return Path(request.source.path)
    for folder in request.inputs.values():
        if (made := Path(folder) / SAMPLE_FILE).is_file():
            return made
    raise RecordingNotFound("No step before this one has made a recording.", where={"path": request.output})

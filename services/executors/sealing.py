"""The two ends of every job: its recording is what was submitted, and its folder says what is in it."""

import hashlib
import os
from pathlib import Path

from bagmill.errors import RecordingChanged, RecordingNotFound, RecordingUnreadable
from bagmill.report import OutputFile, Report
from models.job import JobRequest, Manifest
from models.workflow import Output, SourceStamp, WarningNote
from services import disk, durable

MANIFEST = "manifest.json"


def check_source(request: JobRequest) -> None:
    """Compare the recording with what it was when it was submitted: size, mtime and inode.

    Raises:
        RecordingChanged: it is another file by now.
        RecordingNotFound: it is gone.
        RecordingUnreadable: its folder does not let us look.
    """
    if request.source is None:
        return
    path = Path(request.source.path)
    try:
        facts = path.stat()
    except FileNotFoundError:
        raise RecordingNotFound("The recording is gone since it was submitted.", where=_where(path)) from None
    except OSError as error:
        raise RecordingUnreadable(f"{os.strerror(error.errno or 0)}.", where=_where(path)) from error
    if changes := _changes(request.source, facts):
        raise RecordingChanged(
            f"The recording changed after it was submitted: {changes}.", where=_where(path)
        )


def _where(path: Path) -> dict[str, str | int]:
    return {"path": str(path)}


def _changes(stamp: SourceStamp, facts: os.stat_result) -> str:
    """What is different, in words; empty if nothing is."""
    if facts.st_size != stamp.size:
        return f"{stamp.size:,} bytes then, {facts.st_size:,} bytes now"
    if facts.st_ino != stamp.inode:
        return "another file stands in its place"
    if facts.st_mtime_ns != stamp.mtime_ns:
        return "it was written to"
    return ""


def seal(request: JobRequest, report: Report) -> None:
    """Bring the output folder to the disk: every file's size and sha256 in `manifest.json`, written last.

    Paths in the manifest are relative to the step's folder. Raises OSError, StorageFailed.
    """
    folder = Path(request.output)
    body = dict(report.body) | {
        "kind": request.kind,
        "job": request.job,
        "fence": request.fence,
        "complete": report.complete,
        "outputs": [_output(folder, file) for file in sorted(report.outputs, key=lambda file: file.path)],
        "counters": dict(report.counters),
        "warnings": [
            WarningNote(code=warn.code, message=warn.message, where=dict(warn.where))
            for warn in report.warnings
        ],
    }
    if request.reuse_key:
        body["reuse_key"] = request.reuse_key
    manifest = Manifest.model_validate(body)
    durable.fsync_tree(folder)
    durable.write_json(folder / MANIFEST, manifest)


def _output(folder: Path, file: OutputFile) -> Output:
    with (folder / file.path).open("rb", buffering=0) as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        size = os.fstat(content.fileno()).st_size
        # If it hears of all files before the first is waited for, the file system brings all there at once.
        disk.start_writing(content.fileno())
    return Output(path=file.path, size=size, sha256=digest, rows=file.rows, schema=file.schema)

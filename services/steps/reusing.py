"""Answering a step from the output of an earlier one: its files are linked, or copied where that can't be."""

import hashlib
import logging
import os
import shutil
from pathlib import Path

from pydantic import ValidationError

from bagmill.report import OutputFile, Report, Warn
from models.job import JobRequest, Manifest
from models.workflow import Output
from services.executors.sealing import MANIFEST

_OWN = frozenset({"reuse_key", "cached_from"})


def reused(request: JobRequest) -> Report | None:
    """The report of an earlier output, whose files now stand in this step's folder, too.

    None if there is none, or it is not what its manifest says; then the folder is empty.
    """
    if request.reuse is None:
        return None
    output, earlier = Path(request.output), Path(request.reuse.folder)
    try:
        manifest = Manifest.model_validate_json((earlier / MANIFEST).read_bytes())
        for one in manifest.outputs:
            _take(earlier / one.path, output / one.path, one)
    except (OSError, ValueError, ValidationError) as error:
        logging.getLogger(__name__).warning("%s can't be used again: %s", earlier, error)
        shutil.rmtree(output)
        output.mkdir()
        return None
    body = {name: value for name, value in (manifest.model_extra or {}).items() if name not in _OWN}
    return Report(
        outputs=tuple(OutputFile(one.path, one.rows, one.schema_) for one in manifest.outputs),
        warnings=tuple(Warn(one.code, one.message, one.where) for one in manifest.warnings),
        counters=manifest.counters,
        body={**body, "cached_from": request.reuse.workflow},
        complete=manifest.complete,
    )


def _take(source: Path, target: Path, expected: Output) -> None:
    """Link a file, and see that it is what it was. Raises OSError; ValueError if it is not."""
    if ".." in Path(expected.path).parts or Path(expected.path).is_absolute():
        raise ValueError(f"{expected.path} leads out of the folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    with target.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != expected.sha256:
            raise ValueError(f"{expected.path} is not what was written")

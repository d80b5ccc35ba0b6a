"""A dataset on the command line: written beside its place, and renamed into it when it is whole."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bagmill.errors import OutputExists, OutputFailed
from bagmill.probe import shown
from bagmill.report import Report

MANIFEST = "manifest.json"
_SCHEMA_VERSION = 1
_UNFINISHED = "an unfinished output is there: another run is writing it, or one was killed"
_REMOVE = "If no other run is writing it, remove it and try again."


def write_dataset(target: Path, kind: str, make: Callable[[Path], Report]) -> dict[str, Any]:
    """Let `make` fill a folder `<target>.partial`, add the manifest, and rename it to `target`.

    Returns:
        the manifest, as it stands in `manifest.json`.

    Raises:
        OutputExists: the target or the partial folder is there already; nothing is overwritten.
        OutputFailed: the folder can't be made or renamed.
    """
    partial, parents = _claim(target)
    try:
        manifest = _manifest(partial, kind, make(partial))
        with _failures(target):
            text = json.dumps(manifest, ensure_ascii=False, allow_nan=False, indent=2)
            (partial / MANIFEST).write_text(text + "\n", encoding="utf-8")
            partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        _remove_empty(parents)
        raise
    return manifest


def _claim(target: Path) -> tuple[Path, list[Path]]:
    """Make the partial folder; also, the folders above it that had to be made, the innermost first."""
    with _failures(target):
        _refuse_existing(target, "the output is already there", None)
        partial = target.with_name(target.name + ".partial")
        _refuse_existing(partial, _UNFINISHED, _REMOVE)
        parents = [parent for parent in target.parents if not parent.exists()]
        try:
            partial.mkdir(parents=True)
        except FileExistsError:  # made by another run since it was looked at
            raise OutputExists(_UNFINISHED, where={"path": shown(partial)}, hint=_REMOVE) from None
        except OSError:
            _remove_empty(parents)
            raise
    return partial, parents


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # others may have put something there
            folder.rmdir()


def _manifest(folder: Path, kind: str, report: Report) -> dict[str, Any]:
    outputs = [
        {
            "path": output.path,
            "size": (folder / output.path).stat().st_size,
            "rows": output.rows,
            "schema": output.schema,
        }
        for output in report.outputs
    ]
    return {
        "schema_version": _SCHEMA_VERSION,
        "kind": kind,
        "complete": report.complete,
        **report.body,
        "outputs": outputs,
        "counters": dict(report.counters),
        "warnings": [
            warning_facts(warning.code, warning.message, warning.where) for warning in report.warnings
        ],
    }


def warning_facts(code: str, message: str, where: Mapping[str, str | int]) -> dict[str, Any]:
    """A warning, ready for JSON."""
    return {"code": code, "message": message, "where": dict(where)}


def _refuse_existing(path: Path, message: str, hint: str | None) -> None:
    if path.exists() or path.is_symlink():
        raise OutputExists(message, where={"path": shown(path)}, hint=hint)


@contextmanager
def _failures(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputFailed(
            f"writing failed: {error.strerror or error}", where={"path": shown(path)}
        ) from error

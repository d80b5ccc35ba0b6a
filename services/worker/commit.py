"""The commit of a step: its folder is checked, renamed into place, and then told in the state.

The rename is the commit. It and the state's new revision happen under one hold of the workflow's lock, in
this order; a crash between the two leaves a valid folder under its final name, which `adopt` tells of later.
So output is committed exactly once, with exactly one `committed` event.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from models.job import Manifest
from models.queue import Job
from models.workflow import EventType, Output, Status, StepState
from services import advance, durable, reuse
from services.edit import Edit
from services.executors.sealing import MANIFEST
from services.process_errors import OutputRejected
from services.templates import EXPAND
from services.worker.context import Context
from services.worker.places import committed_folder, manifest_path
from services.worker.running import Running


def verify(folder: Path, job: str, fence: int) -> Manifest:
    """The manifest of a step's folder, if the folder holds exactly what it says.

    Raises:
        OutputRejected: the manifest is missing, unreadable or another job's; a file is missing, has another
            size, or is not listed.
    """
    manifest = _manifest(folder / MANIFEST)
    if (manifest.job, manifest.fence) != (job, fence):
        raise OutputRejected(
            f"The folder is that of {manifest.job}, fence {manifest.fence}, not of {job}, fence {fence}.",
            where={"path": str(folder)},
        )
    listed = {output.path: output.size for output in manifest.outputs}
    try:
        found = dict(_files(os.fspath(folder)))
    except OSError as error:
        raise OutputRejected(
            f"The folder can't be read: {error.strerror}.", where={"path": str(folder)}
        ) from error
    found.pop(MANIFEST, None)
    if listed != found:
        raise OutputRejected(_difference(listed, found), where={"path": str(folder)})
    return manifest


def _manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise OutputRejected(
            f"The manifest can't be read: {type(error).__name__}.", where={"path": str(path)}
        ) from error


def _files(folder: str, below: str = "") -> Iterator[tuple[str, int]]:
    """All that is below the folder but folders: (relative path, size); -1 for what is no regular file."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{below}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path, f"{name}/")
            else:
                facts = entry.stat(follow_symlinks=False)
                yield name, facts.st_size if stat.S_ISREG(facts.st_mode) else -1


def _difference(listed: dict[str, int], found: dict[str, int]) -> str:
    for path in sorted(listed.keys() | found.keys()):
        if path not in found:
            return f"{path} is listed in the manifest, but not there."
        if path not in listed:
            return f"{path} is there, but not listed in the manifest."
        if listed[path] != found[path]:
            return f"{path} should have {listed[path]:,} bytes, and has {found[path]:,}."
    return "The folder does not hold what its manifest says."


def commit(ctx: Context, running: Running) -> tuple[Status, list[Job]]:
    """Commit what the job has made, unless it was cancelled before; can be repeated after a failure.

    Returns the step's new status (completed, or cancelled) and the jobs to enqueue.

    Raises:
        OutputRejected: the folder did not pass the check.
        StaleFence: another attempt has taken over.
        StorageFailed, LockTimeout: nothing is told yet; try again.
    """
    request = running.request
    final = committed_folder(running.partial.parent, request.step)
    here = running.partial if running.partial.exists() else final
    manifest = verify(here, request.job, request.fence)
    with ctx.states.edit(request.workflow) as edit:
        step = running.step_in(edit.state)
        if here is not final and step.status is Status.CANCELLING:
            edit.move_step(step.name, Status.CANCELLED)
        else:
            if here is not final:
                durable.rename_folder(here, final)
            complete(edit, step, manifest)
        status, jobs = step.status, advance.after_step(edit)
    if status is Status.COMPLETED and request.reuse_key:
        reuse.remember(ctx.settings.reuse_dir, request.reuse_key, request.workflow)
    return status, jobs


def adopt(edit: Edit, step: StepState, folder: Path) -> bool:
    """Complete a step whose folder was renamed but never told of; False if there is no such folder.

    Raises OutputRejected if what stands there is not what the step's last attempt has made.
    """
    final = committed_folder(folder, step.name)
    if not os.path.lexists(final):
        return False
    complete(edit, step, verify(final, f"{edit.state.id}.{step.name}", step.fence))
    return True


def complete(edit: Edit, step: StepState, manifest: Manifest) -> None:
    """Tell of a committed folder: the step is completed, and this is what it has made."""
    edit.move_step(
        step.name,
        Status.COMPLETED,
        outputs=[_in_workflow(step.name, output) for output in manifest.outputs],
        warnings=list(manifest.warnings),
        counters=dict(manifest.counters),
        manifest=manifest_path(step.name),
        cached_from=cached_from(manifest),
    )
    edit.state.cached_from = cached_from(manifest)
    edit.note(EventType.COMMITTED, step=step.name)
    if step.kind == EXPAND:
        edit.state.children = {}
        for warning in manifest.warnings:
            edit.warn(warning)


def cached_from(manifest: Manifest) -> str | None:
    """The workflow whose output a step has taken over."""
    found = (manifest.model_extra or {}).get("cached_from")
    return found if isinstance(found, str) else None


def _in_workflow(step: str, output: Output) -> Output:
    return output.model_copy(update={"path": f"{step}/{output.path}"})

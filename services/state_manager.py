"""Workflow folders: making, reading, changing and deleting them. `state.json` is the truth about a run.

Readers take no lock: a file is replaced whole. Writers take the lock of the workflow, read, change, write.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from loguru import logger
from pydantic import ValidationError

from config import Settings
from models.base import utc_now
from models.job import ProgressEvent
from models.queue import Job
from models.request import Request
from models.workflow import Event, EventType, WorkflowState
from services import advance, durable, event_log, filesystems
from services.edit import Edit
from services.errors import LockTimeout, StateUnreadable, StorageFailed, WorkflowNotFound
from services.ids import is_id
from services.locks import Locks, lock
from services.progress import PROGRESS_SECONDS, PendingProgress
from services.state_files import EVENTS, REQUEST, STATE, Files, dump, files_of, load, not_readable


class Version(NamedTuple):
    """Changes with each write of a file."""

    inode: int
    mtime_ns: int


class StateManager:
    """The folders below WORKFLOWS_DIR. Any number of processes may use them at a time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.locks = Locks(settings)
        self._progress = PendingProgress()

    def prepare(self) -> None:
        """Make the run-time folders. Raises StorageFailed; NetworkFileSystem unless that is allowed."""
        settings = self.settings
        for path in (settings.workflows_dir, settings.run_dir, settings.trash_dir):
            durable.make_folders(path)
            if not settings.allow_network_fs:
                filesystems.check(path)
        if settings.trash_dir.stat().st_dev != settings.workflows_dir.stat().st_dev:
            raise StorageFailed(
                "TRASH_DIR is on another file system than WORKFLOWS_DIR.",
                where={"path": str(settings.trash_dir)},
                hint="A run that is deleted is moved there in one step: choose one beside WORKFLOWS_DIR.",
            )

    def folder(self, workflow: str) -> Path:
        """The workflow's folder, whether or not it is there. Raises WorkflowNotFound for what is no id."""
        return self._files(workflow).folder

    def exists(self, workflow: str) -> bool:
        """Whether there is a folder of this id."""
        return is_id(workflow) and self.folder(workflow).is_dir()

    def ids(self, *, newest_first: bool = True) -> list[str]:
        """The ids of all workflow folders, by age; what is not named by an id is passed over."""
        try:
            with os.scandir(self.settings.workflows_dir) as entries:
                found = [entry.name for entry in entries if is_id(entry.name) and _is_folder(entry)]
        except FileNotFoundError:
            return []
        return sorted(found, reverse=newest_first)

    def create(
        self,
        state: WorkflowState,
        request: Request,
        files: Mapping[str, bytes] | None = None,
        *,
        intend: Callable[[Collection[str]], object] | None = None,
    ) -> list[Job]:
        """Make the folder of a new workflow, whole and durable; `files` are more files for it, by name.

        `intend` is the queue's, called with the id before there is a folder. The ready steps are queued in
        `state` (changed in place): the jobs to enqueue are returned. Raises OutputExists if there is such a
        folder.
        """
        folder = self.folder(state.id)
        edit = Edit(state)
        edit.note(EventType.CREATED)
        jobs = advance.queue_ready(edit)
        edit.seal()
        content = {
            STATE: dump(state),
            REQUEST: durable.json_bytes(request),
            EVENTS: b"".join(event_log.lines(state.last_events)),
        }
        with self.locks.workflow(state.id):
            if intend:
                intend([state.id])
            durable.make_folder(folder.parent, folder.name, content | dict(files or {}))
        return jobs

    def read(self, workflow: str) -> WorkflowState:
        """The state as it is now. Raises WorkflowNotFound, StateUnreadable."""
        path = self._files(workflow).state
        state = load(path, WorkflowState)
        if state.id != workflow:
            raise StateUnreadable(
                f"The state.json is that of {state.id}",
                where={"path": str(path)},
                hint="Somebody copied the folder; give the copy a folder outside WORKFLOWS_DIR.",
            )
        return state

    def request(self, workflow: str) -> Request:
        """The request as accepted. Raises WorkflowNotFound, StateUnreadable."""
        return load(self._files(workflow).request, Request)

    def version(self, workflow: str) -> Version:
        """A token that changes with each write of the state. Raises WorkflowNotFound, StateUnreadable."""
        path = self._files(workflow).state
        try:
            stat = os.stat(path)  # noqa: PTH116 - faster than Path's
        except OSError as error:
            raise not_readable(path, error) from error
        return Version(stat.st_ino, stat.st_mtime_ns)

    def events(self, workflow: str, after_seq: int = 0) -> list[Event]:
        """The events after number `after_seq`, oldest first. Raises WorkflowNotFound, StateUnreadable."""
        # The state is read first: an event that only stands there so far is then not missed.
        newest = self.read(workflow).last_events
        events = event_log.read(self._files(workflow).events)
        last = events[-1].seq if events else 0
        events += [event for event in newest if event.seq > last]
        return [event for event in events if event.seq > after_seq]

    @contextmanager
    def edit(self, workflow: str) -> Iterator[Edit]:
        """Change a workflow: what the block leaves in the Edit is written, durably, if anything changed.

        An exception in the block leaves everything as it was. Edits do not nest. Raises WorkflowNotFound,
        StateUnreadable (the bad file is set aside), IllegalTransition, LockTimeout, StorageFailed.
        """
        with self.locks.workflow(workflow):
            edit = Edit(self._settled(workflow))
            yield edit
            if edit.changed:
                self._write(edit)

    def progress(self, workflow: str, step: str, fence: int, event: ProgressEvent) -> bool:
        """Note how far a running step is; True if it was written.

        Written at most once a second for a workflow, neither durable nor an event; what came in between is
        written along with the next. Of no effect if the step does not run with this fencing number.
        """
        if not self._progress.due(workflow, step, fence, event):
            return False
        try:
            with self.locks.workflow(workflow, timeout=PROGRESS_SECONDS):
                state = self.read(workflow)
                if not self._progress.apply(state):
                    return False
                state.revision += 1
                state.updated_at = utc_now()
                durable.write_bytes(self._files(workflow).state, dump(state), sync=False)
        except LockTimeout:  # the next one will tell
            return False
        return True

    def repair(self, workflow: str) -> None:
        """Make good what a crash left half-done in the folder's files.

        Raises WorkflowNotFound; StateUnreadable, after the bad file was set aside.
        """
        with self.locks.workflow(workflow):
            durable.sweep_temporaries(self._files(workflow).state)
            self._settled(workflow)

    def trash(self, workflow: str, check: Callable[[WorkflowState], None] | None = None) -> None:
        """Delete a workflow's folder: moved out of sight durably, then removed. Raises WorkflowNotFound.

        `check` may raise to keep it; it is asked under the lock, unless the state can't be read at all.
        """
        folder = self.folder(workflow)
        target = self.settings.trash_dir / workflow
        with self.locks.workflow(workflow):
            if not folder.is_dir():
                raise WorkflowNotFound(where={"workflow": workflow})
            if check:
                with suppress(StateUnreadable):
                    check(self.read(workflow))
            durable.remove_tree(target)
            durable.rename_folder(folder, target)
        durable.remove_tree(target)

    def tidy(self, workflow: str) -> None:
        """Remove what crashed writers left in a workflow's folder. Raises WorkflowNotFound, StorageFailed."""
        with self.locks.workflow(workflow):
            durable.sweep_temporaries(self.folder(workflow))

    def sweep(self) -> None:
        """Remove what crashes left beside the workflows: folders never finished, the rest of deleted ones."""
        folder = self.settings.workflows_dir
        names = [name for name in _names(folder) if name.startswith(durable.BORN)]
        for workflow in filter(is_id, (name.removeprefix(durable.BORN) for name in names)):
            with self.locks.workflow(workflow):  # whoever is making one holds its lock
                _remove(folder / f"{durable.BORN}{workflow}")
        if self.settings.idempotency_dir.exists():
            with lock(self.settings.keys_lock):
                durable.sweep_temporaries(self.settings.idempotency_dir)
        self.empty_trash()

    def empty_trash(self) -> None:
        """Remove deleted workflows whose removal was interrupted; anything else in that folder stays."""
        for name in filter(is_id, _names(self.settings.trash_dir)):
            _remove(self.settings.trash_dir / name)

    def _files(self, workflow: str) -> Files:
        return files_of(self.settings.workflows_dir, workflow)

    def _settled(self, workflow: str) -> WorkflowState:
        """The state, its events all in events.jsonl. The caller holds the lock."""
        try:
            state = self.read(workflow)
        except StateUnreadable as error:
            self._set_aside(workflow, error)
            raise
        seq = event_log.settle(self._files(workflow).events, state.last_events)
        state.events_seq = max(state.events_seq, seq)
        return state

    def _set_aside(self, workflow: str, error: StateUnreadable) -> None:
        path, log = self._files(workflow).state, self._files(workflow).events
        if not isinstance(error.__cause__, ValidationError):
            return  # missing, not to be opened, or of a newer program: the file itself is not bad
        aside = durable.set_aside(path)
        seq = event_log.settle(log, ())
        detail = f"state.json could not be read and is now {aside.name}"
        event_log.append(log, [Event(seq=seq + 1, at=utc_now(), type=EventType.SET_ASIDE, detail=detail)])
        logger.warning("{}: {}", workflow, detail)

    def _write(self, edit: Edit) -> None:
        """Write the state: from here on the change is made. Its events follow."""
        state = edit.seal()
        files = self._files(state.id)
        durable.write_bytes(files.state, dump(state))
        if state.status.ended:
            self._progress.forget(state.id)
        if not edit.events:
            return
        try:
            event_log.append(files.events, edit.events)
        except StorageFailed as error:  # the state has them, and the next change adds them
            logger.warning("{}: events not written yet: {}", state.id, error)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link in a loop is none, and no error."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise durable.storage_failed(folder, error) from error


def _remove(folder: Path) -> None:
    """Remove a leftover; one that can't be removed must not keep a worker from starting."""
    try:
        durable.remove_tree(folder)
    except StorageFailed as error:
        logger.warning("{} is of no use and could not be removed: {}", folder.name, error)

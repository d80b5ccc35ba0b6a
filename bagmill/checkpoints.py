"""What a conversion notes now and then, so that it can go on after an interruption.

At places that depend on the messages alone all open files are finished, in every run. So the files that stand
there then are those of an uninterrupted run, and whoever goes on makes the others. It reads what is done once
more, which tells what is damaged, but neither decodes nor writes it.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from bagmill import __version__
from bagmill.errors import OutputFailed
from bagmill.probe import shown
from bagmill.report import CHECKPOINT

EVERY_BYTES = 4 << 30
"""Bytes of messages from one checkpoint to the next: some seconds' work, and files of a good size."""

Facts = dict[str, Any]


class Checkpoint(NamedTuple):
    """How many blocks are done, what was found out about each table, and the finished files of each folder.

    Each file is a list that begins with its name and its size in bytes.
    """

    blocks: int
    tables: Sequence[Facts]
    files: Mapping[str, Sequence[Sequence[Any]]]


class Checkpoints:
    """The checkpoints of one conversion in its output folder; `about` is all that its files depend on."""

    def __init__(self, output: Path, about: Mapping[str, Any], every_bytes: int = EVERY_BYTES) -> None:
        self._output = output
        self._path = output / CHECKPOINT
        text = json.dumps([__version__, pa.__version__, every_bytes, about], sort_keys=True, default=str)
        self._key = hashlib.sha256(text.encode()).hexdigest()
        self._every_bytes = every_bytes
        self._bytes = 0
        self._synced: set[Path] = set()

    def take_up(self) -> Checkpoint | None:
        """What an interrupted run of the same conversion has left, its other files removed; None if nothing.

        A run of another conversion is removed wholly; a folder without any checkpoint is left as it is.

        Raises OutputFailed.
        """
        with self._telling():
            return self._taken_up()

    def _taken_up(self) -> Checkpoint | None:
        if not self._path.exists():
            return None
        found = self._load()
        kept = {self._path} if found else set()
        for folder, files in (found.files if found else {}).items():
            kept |= {self._output / folder / str(file[0]) for file in files}
        for folder, _, names in os.walk(self._output, topdown=False):
            for name in names:
                if (path := Path(folder, name)) not in kept:
                    path.unlink()
            if Path(folder) != self._output and not any(Path(folder).iterdir()):
                Path(folder).rmdir()
        return found

    def is_due(self, size: int) -> bool:
        """Whether it is time after another block, of so many bytes."""
        self._bytes += size
        if self._bytes < self._every_bytes:
            return False
        self._bytes = 0
        return True

    def save(self, checkpoint: Checkpoint) -> None:
        """Note what is done: first the files are brought to the disk. Raises OutputFailed."""
        with self._telling():
            for folder, files in checkpoint.files.items():
                for file in files:
                    self._sync(self._output / folder / str(file[0]))
                _sync(self._output / folder)
            _sync(self._output)
            temporary = self._path.with_suffix(".tmp")
            temporary.write_text(json.dumps({"key": self._key, **checkpoint._asdict()}), "utf-8")
            _sync(temporary)
            temporary.replace(self._path)

    def remove(self) -> None:
        """Remove the note: all is done. Raises OutputFailed."""
        with self._telling():
            self._path.unlink(missing_ok=True)

    def _sync(self, file: Path) -> None:
        """Bring a finished file to the disk, once."""
        if file not in self._synced:
            self._synced.add(file)
            _sync(file)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise OutputFailed(f"writing failed: {reason}", where={"path": shown(self._output)}) from error

    def _load(self) -> Checkpoint | None:
        try:
            content = json.loads(self._path.read_bytes())
            if content.pop("key") != self._key:
                return None
            found = Checkpoint(**content)
            whole = all(
                (self._output / folder / file[0]).stat().st_size == file[1]
                for folder, files in found.files.items()
                for file in files
            )
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None
        return found if whole else None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

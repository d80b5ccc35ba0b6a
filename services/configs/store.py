"""The files of configs.

    configs/grasping/
      rev-0001.yaml     a spec, never changed again
      rev-0002.yaml
      log.jsonl         one `LogEntry` a line

A revision is there when its file is. Its line in the log is written first, so that each has one; a line
without a file is of a write that a crash ended, and says nothing. Numbers are never given twice, not even
those. One lock, in the folder itself, guards all writes; readers need none.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from loguru import logger
from pydantic import ValidationError

from bagmill.dataset.spec import Spec, parse_spec, spec_hash
from bagmill.dataset.spec.load import MAX_BYTES
from bagmill.errors import OutputExists, SpecError
from bagmill.suggestions import did_you_mean
from models.config import LogEntry
from services import durable
from services.configs.names import is_name
from services.errors import (
    ConfigChanged,
    ConfigExists,
    ConfigNotFound,
    ConfigUnreadable,
    RevisionNotFound,
)
from services.ids import new_id
from services.locks import lock

LOG = "log.jsonl"
LOCK = ".lock"
GONE = ".gone-"
"""Prefix of a deleted config's folder, until it is removed."""
_FILE = re.compile(r"rev-(\d{4,9})\.yaml")
_CACHED = 1024


class Stored(NamedTuple):
    """A revision as it stands on the disk. `hash`: sha256 (hex) of what the spec means."""

    text: str
    spec: Spec
    hash: str


class ConfigStore:
    """The configs in one folder. Any number of processes may use it at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """The names of all configs, in the order of the alphabet."""
        try:
            with os.scandir(self.folder) as entries:
                found = [entry.name for entry in entries if is_name(entry.name) and entry.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise durable.storage_failed(self.folder, error) from error
        return sorted(found, key=lambda name: (name.lower(), name))

    def find(self, name: str) -> str:
        """The name as it is written on the disk; case does not matter. Raises ConfigNotFound."""
        names = self.names()
        same = [one for one in names if one.lower() == name.lower()]
        if not same:
            raise ConfigNotFound(
                f"There is no config {name[:100]!r}.",
                where={"config": name[:100]},
                hint=did_you_mean(name, names) if names else None,
            )
        return name if name in same else same[0]

    def revisions(self, name: str) -> list[int]:
        """The numbers of the revisions that there are, in order. Raises ConfigNotFound if there is none."""
        try:
            found = [_FILE.fullmatch(file.name) for file in (self.folder / name).iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            found = []
        except OSError as error:
            raise durable.storage_failed(self.folder / name, error) from error
        numbers = sorted(int(match[1]) for match in found if match)
        if not numbers:
            raise ConfigNotFound(f"The config {name!r} has no revision.", where={"config": name})
        return numbers

    def read(self, name: str, revision: int) -> Stored:
        """A revision. Raises RevisionNotFound, ConfigUnreadable."""
        path = self.path(name, revision)
        try:
            facts = path.stat()
            if not S_ISREG(facts.st_mode) or facts.st_size > MAX_BYTES:
                raise ConfigUnreadable(f"{path.name} is no spec.", where={"path": str(path)})
            return _read(path, (facts.st_ino, facts.st_mtime_ns, facts.st_size))
        except (FileNotFoundError, NotADirectoryError):
            raise RevisionNotFound(
                f"The config {name!r} has no revision {revision}.", where={"config": name}
            ) from None
        except OSError as error:
            raise ConfigUnreadable(f"{error.strerror}.", where={"path": str(path)}) from error

    def log(self, name: str) -> dict[int, LogEntry]:
        """What the log says, by revision; lines that can't be read are left out."""
        try:
            content = (self.folder / name / LOG).read_bytes()
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                logger.warning("the log of config {} can't be read: {}", name, error)
            return {}
        return {entry.revision: entry for entry in _entries(content)}

    def path(self, name: str, revision: int) -> Path:
        """The file of a revision."""
        return self.folder / name / f"rev-{revision:04d}.yaml"

    def prepare(self) -> None:
        """Remove what crashes left. Raises StorageFailed."""
        with self._lock():
            for left in _left(self.folder):
                durable.remove_tree(left)

    def create(self, name: str, text: str, entry: LogEntry) -> None:
        """Make a config with its first revision. Raises ConfigExists, StorageFailed."""
        with self._lock():
            if same := [one for one in self.names() if one.lower() == name.lower()]:
                raise ConfigExists(f"There is a config {same[0]!r}.", where={"config": same[0]})
            files = {LOG: durable.json_line(entry), self.path(name, 1).name: text.encode()}
            try:
                durable.make_folder(self.folder, name, files)
            except OutputExists:
                raise ConfigExists(
                    f"Something else is in {name!r}.",
                    where={"path": str(self.folder / name)},
                    hint="Choose another name, or look at what is there.",
                ) from None

    def add(self, name: str, base: int, text: str, entry: LogEntry) -> int:
        """Make the next revision; its number, which `entry` gets too.

        Raises:
            ConfigChanged: there is a newer revision than `base` by now.
            ConfigNotFound, StorageFailed.
        """
        with self._lock():
            newest = self.revisions(name)[-1]
            if newest != base:
                raise changed(name, newest, base)
            log = self.folder / name / LOG
            entry.revision = max([newest, *self.log(name)]) + 1
            _end_line(log)
            durable.append_lines(log, [durable.json_line(entry)])
            path = self.path(name, entry.revision)
            if not durable.create_exclusive(path, text.encode()):
                raise changed(name, entry.revision, base)
        return entry.revision

    def delete(self, name: str, base: int | None = None) -> None:
        """Remove a config with all its revisions; it is out of sight at once.

        Raises:
            ConfigChanged: there is a newer revision than `base`.
            ConfigNotFound, StorageFailed.
        """
        gone = self.folder / f"{GONE}{new_id()}"
        with self._lock():
            if base is not None and (newest := self.revisions(name)[-1]) != base:
                raise changed(name, newest, base)
            if not (self.folder / name).is_dir():
                raise ConfigNotFound(where={"config": name})
            durable.rename_folder(self.folder / name, gone)
        durable.remove_tree(gone)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with lock(self.folder / LOCK):
            yield


def changed(name: str, newest: int, base: int) -> ConfigChanged:
    """The exception for a write that is based on another revision than the newest."""
    return ConfigChanged(
        f"Revision {newest} of {name!r} is the newest, and this is a change of revision {base}.",
        where={"config": name, "revision": newest},
    )


def _left(folder: Path) -> Iterator[Path]:
    """What a crash can leave: folders never finished or half removed, and files never renamed."""
    try:
        for entry in folder.iterdir():
            if entry.name.startswith((durable.BORN, GONE)):
                yield entry
            elif is_name(entry.name) and entry.is_dir():
                yield from entry.glob(".rev-*.tmp")
    except OSError as error:
        raise durable.storage_failed(folder, error) from error


def _end_line(log: Path) -> None:
    """Cut off a last line that a crash tore."""
    try:
        content = log.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise durable.storage_failed(log, error) from error
    if not content.endswith(b"\n") and content:
        durable.truncate(log, content.rfind(b"\n") + 1)


def _entries(content: bytes) -> Iterator[LogEntry]:
    for line in content.splitlines(keepends=True):
        try:
            yield LogEntry.model_validate_json(line)
        except ValidationError:
            continue


@lru_cache(maxsize=_CACHED)
def _read(path: Path, _facts: Sequence[int]) -> Stored:
    """The spec in a file, kept for as long as the file is the same one."""
    data = path.read_bytes()
    try:
        spec = parse_spec(data)
        return Stored(data.decode(), spec, spec_hash(spec))
    except (SpecError, UnicodeDecodeError) as error:
        reason = error.message if isinstance(error, SpecError) else "it is not UTF-8"
        raise ConfigUnreadable(
            f"{path.name} is no spec that can be read: {reason.removesuffix('.')}.",
            where={"path": str(path)},
        ) from error

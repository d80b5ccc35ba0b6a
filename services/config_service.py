"""What can be done with saved configs, without HTTP."""

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from loguru import logger

from bagmill.dataset.spec import Spec, dump_spec, plain, spec_hash
from bagmill.faults import Fault
from config import Settings
from models.api import Unreadable
from models.base import utc_now
from models.config import (
    MAX_CHANGED,
    Action,
    ChangedConfig,
    Config,
    ConfigInfo,
    ConfigList,
    Diff,
    DuplicatedConfig,
    LogEntry,
    NewConfig,
    Origin,
    RestoredConfig,
    RevisionInfo,
    RevisionList,
)
from services import filesystems
from services.configs.diff import changes, unified
from services.configs.given import described, written
from services.configs.names import check_name
from services.configs.store import ConfigStore, Stored, changed
from services.errors import ConfigChanged, ConfigUnreadable, InvalidRequest, MissingError, StateError
from services.problems import problem_of


class Resolved(NamedTuple):
    """What the name of a config stands for. `hash`: sha256 (hex) of what the spec means."""

    config: str
    revision: int
    spec: Spec
    hash: str


def resolve(configs_dir: Path, config: str, revision: int | None = None, pointer: str = "") -> Resolved:
    """The spec of a saved config; without a revision, the newest.

    `pointer` is where `config` and `revision` stand in the request.

    Raises:
        InvalidRequest: there is no such config or revision.
        ConfigUnreadable: its file is no spec.
    """
    store, place = ConfigStore(configs_dir), "config"
    try:
        name = store.find(config)
        number = store.revisions(name)[-1] if revision is None else revision
        place = "revision"
        found = store.read(name, number)
    except MissingError as error:
        raise InvalidRequest(items=[Fault(f"{pointer}/{place}", error.message, error.hint)]) from error
    return Resolved(name, number, found.spec, found.hash)


class ConfigService:
    """The configs of one CONFIGS_DIR. Making one touches no file; `prepare` makes the folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._store = ConfigStore(settings.configs_dir)

    def prepare(self) -> None:
        """Make the folder, and tidy it. Raises NetworkFileSystem unless that is allowed."""
        folder = self.settings.configs_dir
        if not self.settings.allow_network_fs:
            filesystems.check(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._store.prepare()
        except (OSError, StateError) as error:  # all else works without configs
            logger.warning("CONFIGS_DIR can't be used: {}", error)

    def all(self) -> ConfigList:
        """All configs; what can't be read is told of beside the others."""
        found = ConfigList(items=[], unreadable=[])
        for name in self._store.names():
            try:
                found.items.append(self._info(name))
            except (MissingError, StateError) as error:
                found.unreadable.append(Unreadable(id=name, problem=problem_of(error)))
        return found

    def get(self, name: str, revision: int | None = None) -> Config:
        """A config at a revision, or at its newest. Raises MissingError, ConfigUnreadable."""
        name = self._store.find(name)
        newest = self._store.revisions(name)[-1]
        number = newest if revision is None else revision
        stored = self._store.read(name, number)
        facts = _facts(name, number, stored, self._store.log(name).get(number))
        return Config(**facts, newest=newest, spec=plain(stored.spec), text=stored.text)

    def create(self, asked: NewConfig) -> Config:
        """Make a config. Raises InvalidRequest, SpecError, ConfigExists."""
        name = check_name(asked.name, "/name")
        text, spec = written(asked.spec)
        self._store.create(name, text, _entry(asked, Action.CREATED, spec))
        return self.get(name)

    def change(self, name: str, asked: ChangedConfig, base: int | None = None) -> Config:
        """Make a new revision, unless nothing is different; `base`: the one that is changed, if it matters.

        Raises:
            ConfigChanged: another revision is the newest.
            InvalidRequest, SpecError, MissingError.
        """
        if asked.spec is None and asked.description is None:
            raise InvalidRequest(
                "The body names nothing to change.", hint='Send {"spec": {...}} or {"description": "..."}.'
            )
        if None not in (base, asked.revision) and base != asked.revision:
            raise InvalidRequest(
                items=[Fault("/revision", f"`If-Match` names revision {base}, and this another one.")]
            )
        given = None if asked.spec is None else described(asked.spec, asked.description)

        def make(name: str, newest: int) -> tuple[str, Spec]:
            if given:
                return given
            stored = self._store.read(name, newest)
            spec = stored.spec.model_copy(update={"description": asked.description})
            return dump_spec(spec), spec

        return self._add(name, asked.revision if base is None else base, make, asked, Action.CHANGED)

    def restore(self, name: str, asked: RestoredConfig, base: int | None = None) -> Config:
        """Make an earlier revision the newest again, as a new one. Raises as `change`."""
        name = self._store.find(name)
        stored = self._store.read(name, asked.revision)
        origin = Origin(config=name, revision=asked.revision)
        return self._add(name, base, lambda *_: (stored.text, stored.spec), asked, Action.RESTORED, origin)

    def duplicate(self, name: str, asked: DuplicatedConfig) -> Config:
        """Make a new config of a revision of another. Raises InvalidRequest, ConfigExists, MissingError."""
        name, copy = self._store.find(name), check_name(asked.name, "/name")
        number = self._store.revisions(name)[-1] if asked.revision is None else asked.revision
        stored = self._store.read(name, number)
        entry = _entry(asked, Action.DUPLICATED, stored.spec)
        entry.origin = Origin(config=name, revision=number)
        self._store.create(copy, stored.text, entry)
        return self.get(copy)

    def delete(self, name: str, base: int | None = None) -> None:
        """Remove a config with all revisions. Raises ConfigNotFound, ConfigChanged."""
        self._store.delete(self._store.find(name), base)

    def revisions(self, name: str) -> RevisionList:
        """What the log says of each revision that there is, newest first. Raises ConfigNotFound."""
        name = self._store.find(name)
        numbers, log = self._store.revisions(name), self._store.log(name)
        return RevisionList(name=name, items=[_line(one, log.get(one)) for one in reversed(numbers)])

    def diff(self, name: str, before: int | None, after: int | None) -> Diff:
        """What is different between two revisions: by default the newest and the one before it.

        Raises MissingError, ConfigUnreadable.
        """
        name = self._store.find(name)
        numbers = self._store.revisions(name)
        after = numbers[-1] if after is None else after
        before = max([one for one in numbers if one < after], default=after) if before is None else before
        old, new = self._store.read(name, before), self._store.read(name, after)
        return Diff(
            name=name,
            before=before,
            after=after,
            same_meaning=old.hash == new.hash,
            changes=changes(old.spec, new.spec),
            text=unified(old.text, new.text, (f"{name} {before}", f"{name} {after}")),
        )

    def _info(self, name: str) -> ConfigInfo:
        number = self._store.revisions(name)[-1]
        return ConfigInfo(
            **_facts(name, number, self._store.read(name, number), self._store.log(name).get(number))
        )

    def _add(
        self,
        name: str,
        base: int | None,
        make: Callable[[str, int], tuple[str, Spec]],
        asked: ChangedConfig | RestoredConfig,
        action: Action,
        origin: Origin | None = None,
    ) -> Config:
        """Make a revision of what `make` says; if nothing was said of a base, of whichever is the newest."""
        name = self._store.find(name)
        while True:
            newest = self._store.revisions(name)[-1]
            if base is not None and base != newest:
                raise changed(name, newest, base)
            text, spec = make(name, newest)
            old = self._readable(name, newest)
            if old and _same(old, text, spec):
                return self.get(name)
            entry = _entry(asked, action, spec, old.spec if old else None)
            entry.origin = origin
            try:
                return self.get(name, self._store.add(name, newest, text, entry))
            except ConfigChanged:
                if base is not None:
                    raise

    def _readable(self, name: str, revision: int) -> Stored | None:
        try:
            return self._store.read(name, revision)
        except ConfigUnreadable:
            return None


def _same(old: Stored, text: str, spec: Spec) -> bool:
    """Whether nothing is different; how a spec was written counts if the new one was written by hand."""
    return old.text == text or (old.spec == spec and dump_spec(spec) == text)


def _entry(
    asked: NewConfig | ChangedConfig | RestoredConfig | DuplicatedConfig,
    action: Action,
    spec: Spec,
    before: Spec | None = None,
) -> LogEntry:
    pointers = [change.pointer for change in changes(before, spec)] if before else []
    return LogEntry(
        revision=1,
        at=utc_now(),
        author=asked.author or _user(),
        action=action,
        note=asked.note,
        hash=spec_hash(spec),
        changed=pointers[:MAX_CHANGED],
        changed_total=len(pointers),
    )


def _user() -> str:
    """The user that this process runs as."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a number that has no name, as in containers
        return "unknown"


def _facts(name: str, number: int, stored: Stored, entry: LogEntry | None) -> dict[str, Any]:
    """The fields of a `ConfigInfo`."""
    return {
        "name": name,
        "description": stored.spec.description,
        "revision": number,
        "hash": stored.hash,
        "author": entry.author if entry else None,
        "at": entry.at if entry else None,
        "note": entry.note if entry else "",
    }


def _line(number: int, entry: LogEntry | None) -> RevisionInfo:
    if entry is None:
        nothing = {"action": None, "author": None, "at": None, "note": "", "hash": None, "origin": None}
        return RevisionInfo(revision=number, changed=[], changed_total=0, **nothing)
    return RevisionInfo.model_validate(entry.model_dump())

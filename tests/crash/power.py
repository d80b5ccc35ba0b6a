"""What a power cut may leave of a whole tree of folders: as `tests/support/power.py` says, and further:

A change of a name is on the disk after a sync of the folder that it is in; a rename from one folder to
another after a sync of either. What others than `services/disk.py` have written counts from its sync on.
"""

import random
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.disk import Call, Op
from tests.support.power import File

Tree = dict[str, bytes | None]
"""Contents by path; None for a folder."""

BLOCK = 4096


@dataclass(eq=False)
class _Folder:
    """A folder: its names as programs see them, and as they surely are on the disk."""

    now: "_Names" = field(default_factory=dict)
    synced: "_Names" = field(default_factory=dict)


_Names = dict[str, "File | _Folder"]
_Change = list[tuple[_Folder, str, "File | _Folder | None"]]
"""Names that come to name something, or (None) nothing: all of them at once, or none."""


class Recorder:
    """Follows the calls of one process below one folder. Give `see` to `disk.observe`."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.calls: list[Call | str] = []

    def see(self, call: Call) -> None:
        """Record a call that will change anything; a sync with what the file has, whoever wrote it."""
        needs_it = call.op in {Op.UNLINK, Op.RENAME, Op.LINK, Op.REMOVE_TREE}
        if call.op in {Op.LOCK, Op.UNLOCK} or (needs_it and not Path(call.path).exists()):
            return
        if call.op is Op.SYNC and Path(call.path).is_file():
            call = replace(call, data=Path(call.path).read_bytes(), size=1)
        self.calls.append(call)

    def mark(self, what: str) -> None:
        """Record that something was acknowledged."""
        self.calls.append(what)

    def marks(self, calls: int) -> list[str]:
        """What was acknowledged before call number `calls`."""
        return [one for one in self.calls[:calls] if isinstance(one, str)]

    def left(self, limit: int, choose: random.Random) -> list[Tree]:
        """What may be left after all calls."""
        state = _State(self.folder)
        for call in self.calls:
            if isinstance(call, Call):
                state.do(call)
        return list(state.left(limit, choose))

    def cuts(self, limit: int, choose: random.Random) -> Iterator[tuple[int, Tree]]:
        """Before which call, and what may be left then: some `limit` trees for each call, each once."""
        state = _State(self.folder)
        seen: set[int] = set()
        for number, call in enumerate([*self.calls, ""]):
            if isinstance(call, str) and number < len(self.calls):
                continue
            for tree in state.left(limit, choose):
                known = hash((len(self.marks(number)), tuple(sorted(tree.items()))))
                if known not in seen:
                    seen.add(known)
                    yield number, tree
            if isinstance(call, Call):
                state.do(call)


class _State:
    """The tree while calls are carried out: as programs see it, as it surely is on the disk, and between."""

    def __init__(self, folder: str) -> None:
        self._place = folder
        self._root = _Folder()
        self._changes: list[_Change] = []

    def do(self, call: Call) -> None:
        """Carry a call out."""
        match call.op:
            case Op.CREATE:
                self._add(call.path, File())
            case Op.WRITE:
                file = self._file(call.path)
                file.since.append((len(file.now), call.data))
            case Op.TRUNCATE:
                self._file(call.path).since.append((call.size, None))
            case Op.SYNC if call.size:
                file = self._file(call.path)
                file.synced, file.since = call.data, []
            case Op.SYNC:
                self._sync(self._folder(call.path))
            case _:
                self._rename(call)

    def _rename(self, call: Call) -> None:
        folder, name = self._at(call.path)
        match call.op:
            case Op.MKDIR:
                self._folder(call.path)
            case Op.RENAME:
                target, new = self._at(call.target)
                self._change([(folder, name, None), (target, new, folder.now[name])])
            case Op.LINK:
                target, new = self._at(call.target)
                self._change([(target, new, folder.now[name])])
            case Op.UNLINK:
                self._change([(folder, name, None)])
            case Op.REMOVE_TREE:
                self._remove(folder, name)
            case _:
                raise AssertionError(f"{call.op} is not modelled")

    def _remove(self, folder: _Folder, name: str) -> None:
        node = folder.now[name]
        for below in list(node.now) if isinstance(node, _Folder) else ():
            assert isinstance(node, _Folder)
            self._remove(node, below)
        self._change([(folder, name, None)])

    def _at(self, path: str) -> tuple[_Folder, str]:
        parent, _, name = path.rpartition("/")
        return self._folder(parent), name

    def _folder(self, path: str) -> _Folder:
        """The folder of a path; made, with those above it, if it is not there."""
        if path == self._place:
            return self._root
        parent, name = self._at(path)
        if name not in parent.now:
            self._change([(parent, name, _Folder())])
        found = parent.now[name]
        assert isinstance(found, _Folder), path
        return found

    def _file(self, path: str) -> File:
        """The file of a path; made if it is not there, for others may have made it."""
        folder, name = self._at(path)
        if name not in folder.now:
            self._add(path, File())
        found = folder.now[name]
        assert isinstance(found, File), path
        return found

    def _add(self, path: str, node: File) -> None:
        folder, name = self._at(path)
        self._change([(folder, name, node)])

    def _change(self, change: _Change) -> None:
        self._changes.append(change)
        for folder, name, node in change:
            _set(folder.now, name, node)

    def _sync(self, synced: _Folder) -> None:
        rest = []
        for change in self._changes:
            if any(folder is synced for folder, _, _ in change):
                for folder, name, node in change:
                    _set(folder.synced, name, node)
            else:
                rest.append(change)
        self._changes = rest

    def left(self, limit: int, choose: random.Random) -> Iterator[Tree]:
        """What may be on the disk now: nothing of what is not synced, all of it, and some of the rest."""
        count = len(self._changes)
        chosen = [[False] * count, [True] * count]
        chosen += [[choose.random() < 0.5 for _ in range(count)] for _ in range(limit)]
        for happened in chosen[:limit]:
            names: dict[int, _Names] = {}
            for change, did in zip(self._changes, happened, strict=True):
                for folder, name, node in change if did else ():
                    _set(names.setdefault(id(folder), dict(folder.synced)), name, node)
            yield dict(_walk(self._place, self._root, names, choose))


def _set(names: _Names, name: str, node: "File | _Folder | None") -> None:
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def _walk(
    path: str, node: File | _Folder, names: Mapping[int, _Names], choose: random.Random
) -> Iterator[tuple[str, bytes | None]]:
    """A node and all below it; of what is not synced of a file's bytes, one of the ways."""
    if isinstance(node, File):
        yield path, choose.choice(node.left(BLOCK, 2, choose)) if node.since else node.synced
        return
    yield path, None
    for name, below in names.get(id(node), node.synced).items():
        yield from _walk(f"{path}/{name}", below, names, choose)


def put(tree: Tree, folder: Path) -> None:
    """Make the tree on the disk, in the place of what is there."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, data in sorted(tree.items()):
        if data is None:
            Path(path).mkdir(parents=True, exist_ok=True)
        else:
            Path(path).write_bytes(data)

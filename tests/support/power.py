"""What a power cut may leave: the calls of `services/disk.py`, recorded, and all a disk may have of them.

A file's bytes are on the disk after a sync of the file, its name after a sync of the folder. Of what was not
synced, each block may be there in any of its versions, the size may be any that the file has had since, and
each change of a name may have come or not. That is more than real file systems do, and all that POSIX forbids
none of (as ALICE models it: Pillai et al., OSDI 2014).
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.disk import Call, Op

Files = dict[str, bytes]
"""Contents by path."""


@dataclass
class File:
    """A file: what is surely on the disk, and what was done to it since (offset and data, or a size)."""

    synced: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    @property
    def now(self) -> bytes:
        """Its content as programs see it."""
        return self.versions()[-1]

    def versions(self) -> list[bytes]:
        """Its content after each change."""
        content = self.synced
        found = [content]
        for offset, data in self.since:
            content = content[:offset] if data is None else content[:offset].ljust(offset, b"\0") + data
            found.append(content)
        return found

    def left(self, block: int, limit: int, choose: random.Random) -> list[bytes]:
        """What a power cut may leave of it; at most about `limit` of it all."""
        versions = self.versions()
        longest = max(map(len, versions))
        changed = [
            start
            for start in range(0, longest, block)
            if len({version[start : start + block] for version in versions}) > 1
        ]
        sizes = sorted({len(version) for version in versions})
        count = len(sizes) * len(versions) ** len(changed)
        ways: Iterator[tuple[int, tuple[bytes, ...]]]
        if count <= limit:
            ways = ((size, way) for size in sizes for way in itertools.product(versions, repeat=len(changed)))
        else:
            ways = (
                (choose.choice(sizes), tuple(choose.choice(versions) for _ in changed)) for _ in range(limit)
            )
        found = {self._mixed(size, dict(zip(changed, way, strict=True)), block) for size, way in ways}
        return sorted(found | set(versions))

    def _mixed(self, size: int, chosen: dict[int, bytes], block: int) -> bytes:
        content = bytearray(size)
        for start in range(0, size, block):
            part = chosen.get(start, self.synced if start < len(self.synced) else b"")[start : start + block]
            content[start : start + len(part)] = part
        return bytes(content[:size])


class Recorder:
    """Follows the calls of one process on the files of one folder. Give `see` to `disk.observe`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: list[Call | str] = []
        self._start = {str(path): path.read_bytes() for path in folder.iterdir() if path.is_file()}

    def see(self, call: Call) -> None:
        """Record a call. An unlink of nothing is none."""
        if call.op in {Op.LOCK, Op.UNLOCK} or (call.op is Op.UNLINK and not Path(call.path).exists()):
            return
        self.calls.append(call)

    def mark(self, what: str) -> None:
        """Record that something was acknowledged."""
        self.calls.append(what)

    def marks(self, calls: int) -> list[str]:
        """What was acknowledged before call number `calls`."""
        return [one for one in self.calls[:calls] if isinstance(one, str)]

    def left(self, calls: int, *, block: int, limit: int, choose: random.Random) -> Iterator[Files]:
        """What a power cut before call number `calls` may leave of the folder; about `limit` at most."""
        state = _State(self._start)
        for call in self.calls[:calls]:
            if isinstance(call, Call):
                state.do(call)
        yield from state.left(block, limit, choose)


class _State:
    """The files while calls are carried out."""

    def __init__(self, start: Files) -> None:
        self._names = {path: File(data) for path, data in start.items()}
        self._synced_names = dict(self._names)
        self._changes: list[tuple[str | None, str | None, File | None]] = []

    def do(self, call: Call) -> None:
        """Carry a call out. A change of names is: which goes, which comes, and what it names."""
        match call.op:
            case Op.CREATE:
                self._change(None, call.path, File())
            case Op.WRITE:
                file = self._names[call.path]
                file.since.append((len(file.now), call.data))
            case Op.TRUNCATE:
                self._names[call.path].since.append((call.size, None))
            case Op.RENAME:
                self._change(call.path, call.target, self._names[call.path])
            case Op.LINK:
                self._change(None, call.target, self._names[call.path])
            case Op.UNLINK:
                self._change(call.path, None, None)
            case Op.SYNC if call.path in self._names:
                file = self._names[call.path]
                file.synced, file.since = file.now, []
            case Op.SYNC:
                self._synced_names, self._changes = dict(self._names), []
            case _:
                raise AssertionError(f"{call.op} is not modelled")

    def _change(self, gone: str | None, come: str | None, file: File | None) -> None:
        self._changes.append((gone, come, file))
        _apply(self._names, gone, come, file)

    def left(self, block: int, limit: int, choose: random.Random) -> Iterator[Files]:
        """What may be on the disk now."""
        for names in self._left_names(limit):
            files = list({id(file): file for file in names.values()}.values())
            contents = [file.left(block, limit, choose) for file in files]
            for way in ways(contents, limit, choose):
                content = {id(file): data for file, data in zip(files, way, strict=True)}
                yield {path: content[id(file)] for path, file in names.items()}

    def _left_names(self, limit: int) -> Iterator[dict[str, File]]:
        seen: set[tuple[tuple[str, int], ...]] = set()
        for chosen in itertools.islice(itertools.product((True, False), repeat=len(self._changes)), limit):
            names = dict(self._synced_names)
            for (gone, come, file), happened in zip(self._changes, chosen, strict=True):
                if happened:
                    _apply(names, gone, come, file)
            key = tuple(sorted((path, id(file)) for path, file in names.items()))
            if key not in seen:
                seen.add(key)
                yield names


def _apply(names: dict[str, File], gone: str | None, come: str | None, file: File | None) -> None:
    if gone is not None:
        names.pop(gone, None)
    if come is not None and file is not None:
        names[come] = file


def ways(
    contents: Sequence[Sequence[bytes]], limit: int, choose: random.Random
) -> Iterator[tuple[bytes, ...]]:
    count = 1
    for versions in contents:
        count *= len(versions)
    if count <= limit:
        yield from itertools.product(*contents)
    else:
        for _ in range(limit):
            yield tuple(choose.choice(versions) for versions in contents)

"""Recordings as the user names them: what a path alone tells, and which files a folder or a glob stands for.

Relative paths start at `base` (RECORDINGS_DIR).
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bagmill.errors import RecordingUnreadable
from bagmill.probe import explain, look
from models.workflow import SourceStamp

SUFFIX = ".mcap"
_WILD = frozenset("*?[")
_LONGEST = 4096
"""Bytes of a path; no system takes longer ones."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a list, a folder or a glob stands for.

    `recordings` are as params name them (relative to `base` where they are below it), in order; `unnamed` are
    files whose names are not UTF-8, so that no JSON can name them, printed with escapes.
    """

    recordings: tuple[str, ...]
    unnamed: tuple[str, ...] = ()


def stamp(recording: str, base: Path) -> SourceStamp:
    """What a recording is now: its absolute path, size (bytes), mtime (ns) and inode.

    Raises:
        RecordingError: one of its kinds; the path or the first bytes show that there is nothing to read.
    """
    path = locate(recording, base)
    facts = look(path)
    return SourceStamp(path=str(path), size=facts.st_size, mtime_ns=facts.st_mtime_ns, inode=facts.st_ino)


def locate(recording: str, base: Path) -> Path:
    """The absolute path of a recording as params name it.

    Raises:
        RecordingUnreadable: the text can be no path: a NUL in it, no UTF-8, too long.
    """
    if "\0" in recording:
        raise RecordingUnreadable(
            "The path has a NUL character in it.", hint="Send the path as it is on the disk."
        )
    try:
        size = len(recording.encode())
    except UnicodeEncodeError:
        raise RecordingUnreadable(
            "The path is not valid UTF-8.", hint="Rename the file, or make a link to it with a UTF-8 name."
        ) from None
    if size > _LONGEST:
        raise RecordingUnreadable(
            f"The path has {size} bytes, more than any path can have.",
            hint="Check that it is a path, and not something else that was pasted.",
        )
    return base / recording


def find(recordings: list[str] | str, base: Path) -> Found:
    """The recordings of a batch: a list as it stands, or what a folder or a glob holds now, sorted.

    Folders are searched whole, without following links to folders. Both take `*.mcap` only (in any case), and
    no hidden files. A path without wildcards that is no folder stands for itself.

    Raises:
        RecordingUnreadable: the text can be no path, or the glob no glob.
    """
    if isinstance(recordings, list):
        return Found(tuple(recordings))
    search = _search(recordings, base)
    return Found((recordings,)) if search is None else _named(search, base)


def finds_nothing(recordings: str, base: Path) -> bool:
    """Whether a folder or a glob stands for no recording at all; stops at the first. Raises as `find`."""
    search = _search(recordings, base)
    return search is not None and next(search, None) is None


def names_one(recordings: str, base: Path) -> bool:
    """Whether the text is neither a folder nor a glob, and so can only be one recording."""
    return _search(recordings, base) is None


def _search(recordings: str, base: Path) -> Iterator[Path] | None:
    path = locate(recordings, base)
    if os.path.isdir(path):  # noqa: PTH112 - unlike Path.is_dir it raises nothing
        return _below(path)
    if _WILD.isdisjoint(recordings) or os.path.lexists(path):
        return None
    return _matches(path)


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in files if _is_recording(name))


def _matches(pattern: Path) -> Iterator[Path]:
    fixed = next(number for number, part in enumerate(pattern.parts) if _WILD.intersection(part))
    start, rest = Path(*pattern.parts[:fixed]), str(Path(*pattern.parts[fixed:]))
    hidden_wanted = any(part.startswith(".") for part in pattern.parts[fixed:])
    try:
        for path in start.glob(rest):
            hidden = any(part.startswith(".") for part in path.relative_to(start).parts)
            if _is_recording(path.name) and (hidden_wanted or not hidden) and path.is_file():
                yield path
    except OSError as error:
        explain(pattern, error)
    except ValueError as error:
        raise RecordingUnreadable(
            f"This is no glob: {error}.",
            where={"path": str(pattern)},
            hint="`**` stands for any folders and must be alone between two slashes: `**/*.mcap`.",
        ) from error


def _is_recording(name: str) -> bool:
    return name.lower().endswith(SUFFIX) and not name.startswith(".")


def _named(paths: Iterable[Path], base: Path) -> Found:
    """The paths as params name them; two names of one file (links) count once."""
    named: dict[str, str] = {}
    unnamed: list[str] = []
    for path in sorted(paths):
        name = str(path.relative_to(base) if path.is_relative_to(base) else path)
        try:
            name.encode()
        except UnicodeEncodeError:
            unnamed.append(name.encode("utf-8", "backslashreplace").decode())
        else:
            named.setdefault(os.path.realpath(path), name)
    return Found(tuple(named.values()), tuple(unnamed))

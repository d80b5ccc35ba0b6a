"""What a path and a file's first bytes tell, before anything is read: needs only the standard library.

The API refuses with this what the conversion core would refuse later, in the same words.
"""

import errno
import os
import stat
from pathlib import Path
from typing import NoReturn

from bagmill.errors import (
    EmptyRecording,
    LfsPointer,
    NotARecordingFile,
    NotMcap,
    RecordingDamaged,
    RecordingNotFound,
    RecordingUnreadable,
)

MAGIC = b"\x89MCAP0\r\n"
"""First and last eight bytes of every file; the `0` is the major version."""

FIRST_BYTES = 256
"""As many as are needed to tell what kind of file it is."""

_NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_LFS = b"version https://git-lfs.github.com/spec/"
_TEXT_MODE = (b"\x89MCAP0\n", b"\x89MCAP0\r\r\n", b"\xef\xbf\xbdMCAP0", b"\xc2\x89MCAP0")
_TEXT_MODE_HINT = (
    "Copy it again as a binary: use scp, rsync or binary FTP, and mark *.mcap as `binary` in .gitattributes."
)
_UNPACK = "Unpack it first and give the path of the .mcap file."
_OTHERS: tuple[tuple[bytes, str, str | None], ...] = (
    (b"#ROSBAG V", "It is a ROS 1 bag.", "Convert it first: `mcap convert in.bag out.mcap`."),
    (b"SQLite format 3\0", "It is an SQLite database.", "Convert it first: `mcap convert in.db3 out.mcap`."),
    (b"\x28\xb5\x2f\xfd", "It is compressed with zstd as a whole.", _UNPACK),
    (b"\x04\x22\x4d\x18", "It is compressed with lz4 as a whole.", _UNPACK),
    (b"\x1f\x8b", "It is compressed with gzip.", _UNPACK),
    (b"PK\x03\x04", "It is a zip archive.", _UNPACK),
    (b"RRF2", "It is a Rerun recording (.rrd).", "Give the .mcap file that it was made from."),
    (b"RRF1", "It is a Rerun recording (.rrd).", "Give the .mcap file that it was made from."),
    (
        b"<!doctype html",
        "It is a web page.",
        "The download gave a page in place of the file; download it again.",
    ),
    (b"<html", "It is a web page.", "The download gave a page in place of the file; download it again."),
)


def shown(path: Path | str) -> str:
    """Write a path so that it can stand in JSON: bytes that aren't UTF-8 become `\\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def look(path: Path) -> os.stat_result:
    """What the file at `path` is now; it is a recording as far as its first bytes tell.

    Raises:
        RecordingError: as `open_file` and `check_first_bytes`.
    """
    descriptor = open_file(path)
    try:
        facts = os.fstat(descriptor)
        check_first_bytes(os.pread(descriptor, FIRST_BYTES, 0), facts.st_size, path)
    except OSError as exc:
        explain(path, exc, 0)
    finally:
        os.close(descriptor)
    return facts


def open_file(path: Path) -> int:
    """Open a regular file that is not empty, and return the descriptor; never waits for a pipe's writer.

    Raises:
        RecordingNotFound: nothing is there.
        NotARecordingFile: a folder, pipe, socket or device.
        EmptyRecording: 0 bytes.
        RecordingUnreadable: no permission, a loop of symlinks, an I/O error.
    """
    try:
        _refuse_other_kinds(path, path.stat())
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as exc:
        explain(path, exc)
    try:
        facts = os.fstat(descriptor)
        _refuse_other_kinds(path, facts)
        if facts.st_size == 0:
            raise EmptyRecording(where={"path": shown(path)})
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def check_first_bytes(first: bytes, size: int, path: Path) -> None:
    """Check the magic bytes at the start. `first`: up to 256 bytes; `size`: of the file, in bytes.

    Raises:
        LfsPointer: the file is a Git LFS pointer.
        RecordingDamaged: the file ends inside the magic bytes.
        NotMcap: it is something else; message and hint say what, where that can be told.
    """
    if first.startswith(MAGIC):
        return
    where: dict[str, str | int] = {"path": shown(path), "offset": 0}
    if first.startswith(_LFS):
        raise LfsPointer(where=where)
    if MAGIC.startswith(first):
        raise RecordingDamaged(
            f"The file ends after {size} bytes: nothing readable is in it.",
            where=where,
            hint="Copy the file again from where it was recorded.",
        )
    message, hint = _tell(first)
    raise NotMcap(message, where=where, hint=hint)


def explain(path: Path, exc: OSError | ValueError, offset: int | None = None) -> NoReturn:
    """Raise what the operating system said as one of the project's errors."""
    where: dict[str, str | int] = {"path": shown(path)}
    if offset is not None:
        where["offset"] = offset
    number = exc.errno if isinstance(exc, OSError) else errno.ENOENT
    if number in _NOWHERE:
        raise RecordingNotFound(where=where) from exc
    if number == errno.ELOOP:
        raise RecordingUnreadable(
            "The path is a loop of symbolic links.", where=where, hint="Give the path of the file itself."
        ) from exc
    if number in {errno.EACCES, errno.EPERM}:
        raise RecordingUnreadable(
            "There is no permission to read the file.", where=where, hint="Check the permissions."
        ) from exc
    reason = os.strerror(number) if number else str(exc)
    raise RecordingUnreadable(f"The file can't be read: {reason}.", where=where) from exc


def _refuse_other_kinds(path: Path, info: os.stat_result) -> None:
    kind = stat.S_IFMT(info.st_mode)
    if kind != stat.S_IFREG:
        what = _KINDS.get(kind, "no regular file")
        raise NotARecordingFile(
            f"A recording is a regular file, and this is {what}.", where={"path": shown(path)}
        )


def _tell(first: bytes) -> tuple[str | None, str | None]:
    if first.startswith(_TEXT_MODE):
        return "The MCAP went through a transfer that changes line ends, which destroys it.", _TEXT_MODE_HINT
    if first[:5] == MAGIC[:5] and first[6:8] == MAGIC[6:]:
        version = first[5:6].decode("ascii", "backslashreplace")
        return f"It is an MCAP of major version {version}, and only version 0 is known.", None
    if not any(first):
        return "The file begins with zeros: it was never written, or not copied to its end.", None
    for start, message, hint in _OTHERS:
        if first[: len(start)].lower() == start.lower():
            return f"The file is not an MCAP. {message}", hint
    return None, None

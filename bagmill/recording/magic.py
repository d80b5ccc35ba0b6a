"""What kind of file is this? Tells an MCAP from what people have under that name."""

from bagmill.errors import LfsPointer, NotMcap, RecordingDamaged
from bagmill.recording.parse import read_header
from bagmill.recording.records import HEAD, HEAD_SIZE, MAGIC, Header, Malformed, Opcode
from bagmill.recording.source import Source, shown

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


def check_magic(source: Source) -> None:
    """Check the first eight bytes.

    Raises:
        LfsPointer: the file is a Git LFS pointer.
        RecordingDamaged: the file ends inside the magic bytes.
        NotMcap: it is something else; message and hint say what, where that can be told.
    """
    first = source.read(0, min(source.size, 256))
    if first.startswith(MAGIC):
        return
    where: dict[str, str | int] = {"path": shown(source.path), "offset": 0}
    if first.startswith(_LFS):
        raise LfsPointer(where=where)
    if MAGIC.startswith(first):
        raise RecordingDamaged(
            f"The file ends after {source.size} bytes: nothing readable is in it.",
            where=where,
            hint="Copy the file again from where it was recorded.",
        )
    message, hint = _explain(first)
    raise NotMcap(message, where=where, hint=hint)


def _explain(first: bytes) -> tuple[str | None, str | None]:
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


def read_file_header(source: Source) -> tuple[Header, int] | None:
    """Read the Header record behind the magic bytes.

    Returns:
        the header and the offset behind it; None if no readable Header stands there.
    """
    at = len(MAGIC)
    if source.size < at + HEAD_SIZE:
        return None
    opcode, length = HEAD.unpack(source.read(at, HEAD_SIZE))
    start = at + HEAD_SIZE
    if opcode != Opcode.HEADER or length > source.size - start:
        return None
    try:
        # A header holds two strings; what is longer than a MiB is extension fields or damage.
        return read_header(source.read(start, min(length, 1 << 20))), start + length
    except Malformed:
        return None

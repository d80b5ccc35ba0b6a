"""What kind of file is this? Tells an MCAP from what people have under that name."""

from bagmill.probe import FIRST_BYTES, MAGIC, check_first_bytes
from bagmill.recording.parse import read_header
from bagmill.recording.records import HEAD, HEAD_SIZE, Header, Malformed, Opcode
from bagmill.recording.source import Source


def check_magic(source: Source) -> None:
    """Check the first eight bytes.

    Raises:
        LfsPointer: the file is a Git LFS pointer.
        RecordingDamaged: the file ends inside the magic bytes.
        NotMcap: it is something else; message and hint say what, where that can be told.
    """
    check_first_bytes(source.read(0, min(source.size, FIRST_BYTES)), source.size, source.path)


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

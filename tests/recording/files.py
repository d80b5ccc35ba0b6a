"""Whole files of some messages, to be damaged."""

import struct

from tests.recording.making import MAGIC, Maker, Message, attachment, messages, metadata

CONTENT = messages(40, channels=2)


def chunks(codec: str, content: list[Message] = CONTENT, *, summary: bool = True) -> bytes:
    """The messages in four chunks, the definitions in the first."""
    made = Maker.plain(2)
    each = len(content) // 4
    for first in range(0, len(content), each):
        made.chunk(content[first : first + each], codec, define=first == 0)
    made.add(attachment("notes", b"some notes")).add(metadata("m", {"k": "v"}))
    return made.finish(summary=summary)


def loose(content: list[Message] = CONTENT, *, summary: bool = True) -> bytes:
    """The messages outside of chunks."""
    made = Maker.plain(2)
    made.add(made.definitions()).loose(content)
    return made.finish(summary=summary, data_crc=True)


SMALL = messages(20, channels=2, size=8)
FILES: dict[str, bytes] = {
    "stored": chunks("", SMALL),
    "zstd": chunks("zstd", SMALL),
    "lz4": chunks("lz4", SMALL),
    "zstd without summary": chunks("zstd", SMALL, summary=False),
    "stored without summary": chunks("", SMALL, summary=False),
    "outside of chunks": loose(SMALL),
    "outside of chunks, without summary": loose(SMALL, summary=False),
}
"""Files of `SMALL`."""


def chunk_starts(made: bytes) -> list[int]:
    """Offsets of the chunks of a file made by `chunks`."""
    starts, at = [], len(MAGIC)
    while at < len(made) - len(MAGIC):
        opcode, length = struct.unpack_from("<BQ", made, at)
        if opcode == 6:
            starts.append(at)
        at += 9 + length
    return starts


def flip(made: bytes, at: int, bits: int = 0xFF) -> bytes:
    return made[:at] + bytes([made[at] ^ bits]) + made[at + 1 :]

"""Codecs and encodings under the names that the Parquet library knows."""

from collections.abc import Mapping
from typing import NamedTuple, Self

from bagmill.choices import Compression

DICTIONARY = "DICTIONARY"
PLAIN = "PLAIN"
SPLIT = "BYTE_STREAM_SPLIT"
DELTA = "DELTA_BINARY_PACKED"
PREFIX = "DELTA_BYTE_ARRAY"

DICTIONARY_BYTES = 1 << 20
"""Bytes at which the library gives up a dictionary."""

WORTH = 0.92
"""A codec is used where it leaves less than this of the bytes."""


class Codec(NamedTuple):
    """A codec, its usual level, and a level that is faster and nearly as good on split floats."""

    name: str
    level: int | None = None
    fast: int | None = None

    @property
    def is_none(self) -> bool:
        """Whether it leaves bytes as they are."""
        return self.name == "none"


NO_CODEC = Codec("none")

CODECS: Mapping[Compression, Codec] = {
    Compression.ZSTD: Codec("zstd", 1, -1),
    Compression.LZ4: Codec("lz4"),
    Compression.SNAPPY: Codec("snappy"),
    Compression.GZIP: Codec("gzip", 6, 1),
    Compression.NONE: NO_CODEC,
}


class Choice(NamedTuple):
    """How a leaf column is stored: its encoding, and the name and level of its codec."""

    encoding: str
    codec: str = NO_CODEC.name
    level: int | None = None

    @classmethod
    def of(cls, encoding: str, codec: Codec) -> Self:
        """With a codec's usual level."""
        return cls(encoding, codec.name, codec.level)

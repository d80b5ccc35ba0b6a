"""Serialized ROS messages of one size as numpy records, so that many are made at once.

CDR (ROS 2): a header of 4 bytes, values aligned to their size behind it, strings end in a zero (OMG
DDS-XTypes 7.4, XCDR1). ROS 1: the same without header, alignment and zeros.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

CDR_HEADER = b"\x00\x01\x00\x00"
Rows = NDArray[np.void]


class Dialect(Enum):
    """How ROS messages are serialized."""

    CDR = "cdr"
    ROS1 = "ros1"


@dataclass
class Layout:
    """The fields of a message in their order; strings and lengths are the same in all messages.

    The name of a field is its path (`pose.pose.position.x`). Fields of the elements of a list are called
    `path@0`, `path@1` and so on.
    """

    dialect: Dialect
    _image: bytearray = field(default_factory=bytearray)
    _fields: dict[str, tuple[np.dtype[Any], int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.dialect is Dialect.CDR:
            self._image += CDR_HEADER

    def add(self, kind: str, *names: str, count: int | None = None) -> None:
        """Add numbers of a numpy type; `count` makes each of them a fixed array."""
        for name in names:
            self._align(np.dtype(kind).itemsize)
            place = np.dtype(kind) if count is None else np.dtype((kind, (count,)))
            self._fields[name] = (place, len(self._image))
            self._image += bytes(np.dtype(kind).itemsize * (count or 1))

    def length(self, count: int) -> None:
        """Add the length of a list."""
        self._align(4)
        self._image += count.to_bytes(4, "little")

    def array(self, kind: str, name: str, count: int) -> None:
        """Add a list of numbers."""
        self.length(count)
        self.add(kind, name, count=count)

    def text(self, value: str) -> None:
        """Add a string."""
        data = value.encode() + (b"\0" if self.dialect is Dialect.CDR else b"")
        self.length(len(data))
        self._image += data

    def header(self, path: str, frame: str, mark: str = "") -> None:
        """Add a `std_msgs/Header`; `mark` is `@0` and so on inside a list."""
        if self.dialect is Dialect.ROS1:
            self.add("<u4", f"{path}.seq{mark}", f"{path}.stamp.sec{mark}", f"{path}.stamp.nanosec{mark}")
        else:
            self.add("<i4", f"{path}.stamp.sec{mark}")
            self.add("<u4", f"{path}.stamp.nanosec{mark}")
        self.text(frame)

    def rows(self, values: Mapping[str, Any], count: int) -> Rows:
        """Messages with these values; fields that are not given stay zero."""
        kind = np.dtype(
            {
                "names": list(self._fields),
                "formats": [kind for kind, _ in self._fields.values()],
                "offsets": [offset for _, offset in self._fields.values()],
                "itemsize": len(self._image),
            }
        )
        rows = np.frombuffer(bytearray(self._image) * count, kind)
        for name, value in values.items():
            rows[name] = value
        return rows

    def _align(self, size: int) -> None:
        if self.dialect is Dialect.CDR:
            self._image += bytes(-(len(self._image) - len(CDR_HEADER)) % size)

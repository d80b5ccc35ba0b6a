"""The 4 bytes before a CDR message, and what may follow its last field (OMG DDSI-RTPS 2.5, 10.2).

The first two are an identifier. Version 2 of CDR has two sets of them (OMG DDS-XTypes 1.3, 7.6.3.1.2 and
7.4.3.4). Its last bit is the byte order, if it is true.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from bagmill.decoders.base import Buffer, Offsets, UnreadableMessage
from bagmill.decoders.columnar.walked import Mask
from bagmill.decoders.wire import Wire
from bagmill.schemas import tree
from bagmill.schemas.tree import Extensibility, Kind, Mapping, Primitive, Struct, Type, children

HEADER = 4
SHORT = -1
"""Stands for the identifier of a message that is too short to have one."""

_LITTLE = 1
_FORMS = {
    0x0000: (1, Extensibility.FINAL),
    0x0002: (1, Extensibility.MUTABLE),
    0x0006: (2, Extensibility.FINAL),
    0x0008: (2, Extensibility.APPENDABLE),
    0x000A: (2, Extensibility.MUTABLE),
    0x0010: (2, Extensibility.FINAL),
    0x0012: (2, Extensibility.MUTABLE),
    0x0014: (2, Extensibility.APPENDABLE),
}
_PARAMETER_LISTS = (0x0002, 0x0003)
_MOST_PADDING = 3


def identifiers(buffer: Buffer, start: Offsets, end: Offsets) -> Offsets:
    """The identifier of each message."""
    rows = np.flatnonzero(end - start >= HEADER)
    found = np.full(len(start), SHORT)
    if len(rows):
        found[rows] = np.ndarray((buffer.size - 1,), ">u2", buffer, strides=(1,))[start[rows]]
    return found


def identifier(payload: bytes) -> int:
    """The identifier of one message.

    Raises:
        UnreadableMessage: there is none, or it is one that is not decoded.
    """
    if len(payload) < HEADER:
        raise UnreadableMessage(f"{len(payload)} bytes are no CDR message: the header alone has {HEADER}")
    found = int.from_bytes(payload[:2], "big")
    if not is_decoded(found):
        raise UnreadableMessage(f"encapsulation {found:04x} is not decoded")
    return found


def is_decoded(identifier: int) -> bool:
    """Whether messages with this identifier are decoded."""
    return identifier & ~_LITTLE in _FORMS


def is_little(identifier: int) -> bool:
    """Whether an identifier says little-endian."""
    return bool(identifier & _LITTLE)


def is_parameter_list(identifier: int) -> bool:
    """Whether an identifier says that members have headers of version 1."""
    return identifier in _PARAMETER_LISTS


class Wires:
    """The ways in which messages of a type may lie in the bytes, by their identifier, best first."""

    def __init__(self, root: Struct) -> None:
        found = set(_ambiguities(root))
        self._wides = (4, 2, 1) if "wide" in found else (4,)
        self._enums = (True, False) if "enums" in found else (True,)
        self._mutable = root.extensibility is Extensibility.MUTABLE
        self._ranked: dict[int, list[Wire]] = {}

    def of(self, identifier: int, order: str) -> list[Wire]:
        """The ways to try, one after the other."""
        kind = identifier & ~_LITTLE
        return [wire._replace(order=order) for wire in self._ranked.get(kind) or self._possible(kind)]

    def must_be_ranked(self, identifier: int) -> bool:
        """Whether there are several ways, and nobody knows which is meant."""
        kind = identifier & ~_LITTLE
        return kind not in self._ranked and len(self._possible(kind)) > 1

    def rank(self, identifier: int, readable: Sequence[int]) -> None:
        """Put first the way in which most messages can be read; `readable`: in the order of `of`."""
        kind = identifier & ~_LITTLE
        order = sorted(range(len(readable)), key=lambda number: -readable[number])
        self._ranked[kind] = [self._possible(kind)[number] for number in order]

    def _possible(self, kind: int) -> list[Wire]:
        version, form = _FORMS[kind]
        if version == 2:
            return [Wire("<", version, wide, enums, form) for enums in self._enums for wide in self._wides]
        # Some writers say "parameter list" and write plain CDR.
        forms = [Extensibility.FINAL]
        if form is Extensibility.MUTABLE and self._mutable:
            forms.insert(0, form)
        return [Wire("<", version, wide, root=form) for form in forms for wide in self._wides]


def _ambiguities(root: Struct) -> Iterator[str]:
    """What types are in a message that implementations write in several ways."""
    waiting: list[Type] = [root]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        below = [child for _, child in children(node)]
        waiting.extend(below)
        if isinstance(node, Primitive) and node.kind is Kind.WSTRING:
            yield "wide"
        if isinstance(node, tree.Sequence | Mapping) and any(
            isinstance(child, Primitive) and child.enum is not None for child in below
        ):
            yield "enums"


def check_end(payload: bytes, position: int) -> None:
    """Refuse bytes after the last field, but for padding.

    The header's last two bits tell how many bytes of padding follow (OMG DDS-XTypes 1.3, 7.6.3.1.2). Writers
    that leave them 0 pad all the same: up to 3 zero bytes, to a length that is a multiple of 4, are padding.
    """
    left = payload[position:]
    if not left or len(left) == payload[HEADER - 1] & 3:
        return
    if len(left) > _MOST_PADDING or len(payload) % 4 or any(left):
        raise UnreadableMessage(f"{len(left)} bytes are left over after the last field")


def ends_well(buffer: Buffer, position: Offsets, start: Offsets, end: Offsets) -> Mask:
    """Which messages end with their last field, which ends at `position`, or with padding: `check_end`."""
    left = end - position
    fine: Mask = left == 0
    if fine.all():
        return fine
    fine |= left == (buffer[start + HEADER - 1] & 3)
    padded = np.flatnonzero((left > 0) & (left <= _MOST_PADDING) & ((end - start) % 4 == 0))
    zero = np.ones(len(padded), np.bool_)
    for back in range(1, _MOST_PADDING + 1):
        zero &= (left[padded] < back) | (buffer[end[padded] - back] == 0)
    fine[padded[zero]] = True
    return fine

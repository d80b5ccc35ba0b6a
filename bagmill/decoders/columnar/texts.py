"""All texts of a column at once: checked together, and one by one only where something is wrong."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.arrays import pieces
from bagmill.decoders.columnar.leaves import Int32s, Leaves, offsets_of
from bagmill.decoders.columnar.plan import Text
from bagmill.decoders.wire import wide_text

_ASCII = 128
_MOST = (1 << 31) - 1
"""Most bytes that a column of texts can hold. Of wide characters a text may have more than its message."""


def read_texts(texts: Iterable[Text], leaves: Leaves) -> tuple[dict[int, pa.Array], dict[int, Offsets]]:
    """The columns of texts, by the slot of their places; and of each, the numbers of those that are none."""
    found, wrong = {}, {}
    for text in texts:
        offsets, data = leaves.ragged(text)
        if text.width is None:
            bad = _not_utf8(offsets, data)
        else:
            offsets, data, bad = _transcode(offsets, data, leaves.order, text.width)
        if text.terminated:
            bad.extend(np.flatnonzero(leaves.marks(text)).tolist())
        found[text.place] = pieces(text.type, offsets, data)
        if bad:
            wrong[text.place] = np.array(bad)
    return found, wrong


def _not_utf8(offsets: Int32s, data: Buffer) -> list[int]:
    """The numbers of the texts that are no UTF-8."""
    if not data.size or int(data.max()) < _ASCII:
        return []
    try:
        pieces(pa.binary(), offsets, data).cast(pa.string())
    except pa.ArrowInvalid:
        return [number for number, text in enumerate(_each(offsets, data)) if not _is_utf8(text)]
    return []


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _each(offsets: Int32s, data: Buffer) -> list[bytes]:
    view, borders = data.data, offsets.tolist()
    return [bytes(view[begin:end]) for begin, end in pairwise(borders)]


def _transcode(offsets: Int32s, data: Buffer, order: str, width: int) -> tuple[Int32s, Buffer, list[int]]:
    """Make UTF-8 of wide characters; and the numbers of the texts that are no UTF-16."""
    size = max(width, 2)
    if not (offsets % size).any():
        units = data.view(f"{order}u{size}")
        if not units.size or int(units.max()) < _ASCII:
            return offsets // np.int32(size), units.astype(np.uint8), []
    texts: list[bytes] = []
    wrong, total = [], 0
    for number, characters in enumerate(_each(offsets, data)):
        try:
            text = wide_text(characters, order, width).encode()
        except UnicodeError:
            text = b""
            wrong.append(number)
        if total + len(text) > _MOST:
            text = b""
            wrong.append(number)
        total += len(text)
        texts.append(text)
    lengths = np.array([len(text) for text in texts], np.int64)
    return offsets_of(lengths), np.frombuffer(b"".join(texts), np.uint8), wrong

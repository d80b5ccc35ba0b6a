"""All texts of a column at once: checked together, and one by one only where something is wrong."""

from itertools import pairwise

import numpy as np
import pyarrow as pa

from bagmill.decoders.base import Buffer, Offsets
from bagmill.decoders.columnar.arrays import pieces
from bagmill.decoders.columnar.plan import Plan
from bagmill.decoders.columnar.sources import Int32s, Source, offsets_of
from bagmill.decoders.wire import wide_text

_ASCII = 128
_MOST = (1 << 31) - 1
"""Most bytes that a column of texts can hold. Of wide characters a text may have more than its message."""


def read_texts(plan: Plan, source: Source, slots: list[Offsets]) -> tuple[dict[int, pa.Array], Offsets]:
    """The texts of all columns by the slot of their places; and the places of those that are none."""
    found, bad = {}, [np.zeros(0, np.int64)]
    for text in plan.texts:
        place, count = slots[text.place], slots[text.count]
        if text.width is not None:
            offsets, data = source.ragged(place, count * text.width)
            offsets, data, wrong = _transcode(offsets, data, plan.wire.order, text.width)
        else:
            if text.terminated:
                bad.append(_unterminated(source, place, count))
                count = count - (count > 0)
            offsets, data = source.ragged(place, count)
            wrong = _not_utf8(offsets, data)
        found[text.place] = pieces(text.type, offsets, data)
        if wrong:
            bad.append(place[np.array(wrong) % len(place)])
    return found, np.concatenate(bad)


def _unterminated(source: Source, place: Offsets, count: Offsets) -> Offsets:
    """The places of strings whose last byte is not NUL; those of no bytes at all are fine."""
    if not count.all():
        place, count = place[count > 0], count[count > 0]
    if not len(place):
        return place
    wrong = np.flatnonzero(source.values(place + (count - 1), 0, "u1"))
    return place[wrong % len(place)]


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
    units = data.view(f"{order}u{width}")
    if not units.size or int(units.max()) < _ASCII:
        return offsets // np.int32(width), units.astype(np.uint8), []
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

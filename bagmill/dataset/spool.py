"""Values of messages, kept until rows take them: numbers in memory, big or ragged ones in a file.

The file has no name, so nothing of it is left however a run ends.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.dataset.values import RAW_IMAGE, Mask, Values, ValueType, to_numpy
from bagmill.errors import OutputFailed
from bagmill.probe import shown

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

DENSE_BYTES = 1024
"""Bytes of a value of fixed shape from which on it goes into the file."""

GAP_BYTES = 1 << 16
"""Bytes between two values that are read along rather than passed over."""


class Spool:
    """Bytes put aside in a file in a folder, one after another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._size = 0
        self._file: Any = None

    def append(self, data: Bytes) -> int:
        """Put bytes behind all others; where they begin.

        Raises:
            OutputFailed: the disk is full or fails.
        """
        with self._failures():
            if self._file is None:
                self._file = TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - closed below
            begin, rest = self._size, data.data
            while rest:
                rest = rest[self._file.write(rest) :]
            self._size += data.size
            return begin

    def read(self, begin: int, into: Bytes) -> None:
        """Read as many bytes as there is room for, from an offset on.

        Raises:
            OutputFailed: the disk fails.
        """
        with self._failures():
            rest = into.data
            while rest:
                count = os.preadv(self._file.fileno(), [rest], begin)
                if not count:
                    raise OSError(errno.EIO, "the file is shorter than what was written")
                begin, rest = begin + count, rest[count:]

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputFailed(
                f"values can't be put aside: {error.strerror}", where={"path": shown(self._folder)}
            ) from error


class Kept(Protocol):
    """The values of a topic's messages."""

    type: ValueType

    def add(self, values: Values) -> None:
        """Keep those of the next messages."""
        ...

    def take(self, indices: Ints) -> Values:
        """Those of some messages, by number; -1 stands for a missing one."""
        ...

    def bytes_of(self, indices: Ints) -> Ints:
        """How many bytes each of them will take in memory that are not there now, int64[N]."""
        ...


def keep(type_: ValueType, spool: Spool) -> Kept:
    """What keeps values of a type."""
    if type_.is_dense:
        is_big = type_.size * type_.numpy.itemsize >= DENSE_BYTES
        return SpooledValues(type_, spool) if is_big else HeldValues(type_)
    is_one = not type_.shape and (type_.is_bytes or type_.is_text or type_.element == RAW_IMAGE)
    if is_one or (type_.shape == (None,) and type_.is_number):
        return SpooledValues(type_, spool)
    return HeldValues(type_)


class HeldValues:
    """Values in memory."""

    def __init__(self, type_: ValueType) -> None:
        self.type = type_
        self._parts: list[Values] = []

    def add(self, values: Values) -> None:
        """Keep those of the next messages."""
        self._parts.append(values)

    def take(self, indices: Ints) -> Values:
        """Those of some messages."""
        if len(self._parts) != 1:
            self._parts = [Values.concat(self._parts) if self._parts else Values.missing(0, self.type)]
        return self._parts[0].take(indices)

    def bytes_of(self, indices: Ints) -> Ints:
        """None: they are in memory."""
        return np.zeros(indices.size, np.int64)


class SpooledValues:
    """Values in the file; their places, and the facts of image messages, stay in memory."""

    def __init__(self, type_: ValueType, spool: Spool) -> None:
        self.type = type_
        self._spool = spool
        self._parts: list[tuple[Ints, Ints]] = []
        self._facts: list[pa.StructArray] = []

    def add(self, values: Values) -> None:
        """Keep those of the next messages."""
        if not len(values):
            return
        payload, starts, lengths = _payload(values)
        begin = self._spool.append(payload)
        self._parts.append((begin + starts, np.where(values.present, lengths, -1)))
        if self.type.element == RAW_IMAGE:
            self._facts.append(_facts(values.data))

    def take(self, indices: Ints) -> Values:
        """Those of some messages."""
        starts, lengths = self._places()
        known = indices >= 0
        known[known] = lengths[indices[known]] >= 0
        wanted = indices[known]
        if (wanted[1:] > wanted[:-1]).all():
            payload = self._in_order(starts[wanted], lengths[wanted], known)
        else:
            wanted, inverse = np.unique(wanted, return_inverse=True)
            rows = np.full(indices.size, -1, np.int64)
            rows[known] = inverse
            items = self._in_order(starts[wanted], lengths[wanted], np.ones(wanted.size, np.bool_))
            payload = items.take(pa.array(rows, mask=~known))
        return _rebuilt(payload, self.type, lambda: self._facts_of(np.where(known, indices, -1)))

    def bytes_of(self, indices: Ints) -> Ints:
        """How many bytes each will take."""
        _, lengths = self._places()
        if not lengths.size:
            return np.zeros(indices.size, np.int64)
        return np.where(indices >= 0, np.maximum(lengths[indices], 0), 0)

    def _places(self) -> tuple[Ints, Ints]:
        """Where each message's value begins, and its bytes: -1 where there is none."""
        if len(self._parts) != 1:
            none = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
            starts, lengths = zip(*(self._parts or none), strict=True)
            self._parts = [(np.concatenate(starts), np.concatenate(lengths))]
        return self._parts[0]

    def _in_order(self, starts: Ints, lengths: Ints, known: Mask) -> pa.LargeBinaryArray:
        """Values that stand one behind the other, as those rows that are known."""
        gaps = starts[1:] - (starts[:-1] + lengths[:-1])
        if ((gaps == 0) | (gaps > GAP_BYTES)).all():
            sizes = np.zeros(known.size, np.int64)
            sizes[known] = lengths
            return _binary(self._read(starts, lengths, gaps > 0), sizes, known)
        # What lies between is read along, as elements of its own that nobody takes.
        between = np.where(gaps <= GAP_BYTES, gaps, 0)
        sizes = np.zeros(2 * starts.size - 1, np.int64)
        sizes[::2], sizes[1::2] = lengths, between
        data = self._read(starts, lengths + np.append(between, 0), gaps > GAP_BYTES)
        rows = np.full(known.size, -1, np.int64)
        rows[known] = 2 * np.arange(starts.size)
        return _binary(data, sizes, None).take(pa.array(rows, mask=~known))

    def _read(self, starts: Ints, sizes: Ints, breaks: Mask) -> Bytes:
        """Read runs of bytes that follow each other but where one breaks."""
        offsets = _offsets(sizes)
        data = np.empty(offsets[-1], np.uint8)
        borders = np.concatenate([[0], np.flatnonzero(breaks) + 1, [starts.size]])
        for first, last in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
            if last > first:
                self._spool.read(int(starts[first]), data[offsets[first] : offsets[last]])
        return data

    def _facts_of(self, indices: Ints) -> pa.StructArray:
        if len(self._facts) != 1:
            self._facts = [pa.concat_arrays(self._facts)] if self._facts else [pa.nulls(0, _FACTS)]
        return self._facts[0].take(pa.array(indices, mask=indices < 0))


def _offsets(sizes: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)])


def _binary(data: Bytes, sizes: Ints, valid: Mask | None) -> pa.LargeBinaryArray:
    """Values of these sizes, one after another, null where not valid."""
    bits = None if valid is None or valid.all() else pa.array(valid).buffers()[1]
    buffers = [bits, pa.py_buffer(_offsets(sizes)), pa.py_buffer(data)]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), sizes.size, buffers)


_FACTS = pa.struct([field for field in RAW_IMAGE if field.name != "data"])


def _facts(images: pa.StructArray) -> pa.StructArray:
    columns = [images.field(field.name) for field in _FACTS]
    return pa.StructArray.from_arrays(columns, fields=list(_FACTS))


def _payload(values: Values) -> tuple[Bytes, Ints, Ints]:
    """The bytes of all values, and where those of each begin and how many there are."""
    if values.type.is_dense:
        size = values.type.size * values.type.numpy.itemsize
        starts = np.arange(len(values), dtype=np.int64) * size
        return values.data.reshape(-1).view(np.uint8), starts, np.full(len(values), size, np.int64)
    array = values.data.field("data") if values.type.element == RAW_IMAGE else values.data
    if values.type.shape:
        width = values.type.numpy.itemsize
        items, offsets = to_numpy(array.values), array.offsets.to_numpy().astype(np.int64) * width
        payload = np.ascontiguousarray(items).view(np.uint8)
    else:
        array = array.cast(pa.binary())
        _, places, data = array.buffers()
        offsets = np.frombuffer(places, np.int32, len(array) + 1, array.offset * 4).astype(np.int64)
        payload = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
    first, last = int(offsets[0]), int(offsets[-1])
    return payload[first:last], offsets[:-1] - first, np.diff(offsets)


def _rebuilt(payload: pa.LargeBinaryArray, type_: ValueType, facts: Any) -> Values:
    """Values from the bytes of each; null where there is none."""
    present = payload.is_valid().to_numpy(zero_copy_only=False).astype(np.bool_, copy=False)
    if type_.element == RAW_IMAGE:
        parts = facts()
        columns = [
            payload.cast(pa.binary()) if field.name == "data" else parts.field(field.name)
            for field in RAW_IMAGE
        ]
        mask = pa.array(~present)
        return Values.sparse(pa.StructArray.from_arrays(columns, fields=list(RAW_IMAGE), mask=mask), type_)
    if not type_.shape and not type_.is_dense:
        return Values.sparse(payload.cast(pa.binary()).cast(type_.element), type_)
    _, places, data = payload.buffers()
    offsets = np.frombuffer(places, np.int64, len(payload) + 1, payload.offset * 8)
    items = np.frombuffer(data or b"", np.uint8)[: offsets[-1]].view(type_.numpy)
    if type_.is_dense:
        whole = np.zeros((len(payload), *type_.sizes), type_.numpy)
        whole[present] = items.reshape(-1, *type_.sizes)
        return Values(whole, present, type_)
    kept = pa.array((offsets // type_.numpy.itemsize).astype(np.int32))
    mask = None if present.all() else pa.array(~present)
    lists = pa.ListArray.from_arrays(kept, pa.array(items), type=type_.arrow, mask=mask)
    return Values.sparse(lists, type_)

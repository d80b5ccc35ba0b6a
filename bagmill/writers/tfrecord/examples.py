"""Rows of a table as serialized `tf.train.Example`s (tensorflow/core/example/feature.proto)."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from bagmill.writers.tfrecord.column import Column, Mask
from bagmill.writers.tfrecord.contents import FIELD, content_of
from bagmill.writers.tfrecord.features import DType
from bagmill.writers.tfrecord.rows import Ragged, Rows
from bagmill.writers.tfrecord.varints import Size, varint, varint_size, width_of

VALUE = b"\x12"
"""The tag of field 2 with a length: of a map's value."""

_LISTS = {DType.BYTES: b"\x0a", DType.FLOAT: b"\x12", DType.INT64: b"\x1a"}
"""The tags of the three lists of a feature."""


class Entry:
    """An entry of an example's map of features: tags, lengths and the key around the content."""

    def __init__(self, column: Column, rows: int) -> None:
        feature = column.feature
        # Packed numbers and a single string are one field of the list; each of several strings is one.
        is_field = feature.dtype is not DType.BYTES or not feature.shape
        self._content = content_of(column, rows)
        content = self._content.size
        self._head, self.size = (
            _head_of_all(feature.key, feature.dtype, is_field, content)
            if isinstance(content, int)
            else _head(feature.key, feature.dtype, is_field, content)
        )

    def put(self, rows: Rows) -> None:
        """Add the entry to each row."""
        _put(self._head, rows)
        self._content.put(rows)


class PartialEntry:
    """An entry that only some rows have."""

    def __init__(self, column: Column, present: Mask) -> None:
        some = np.flatnonzero(present)
        rows = Rows(some.size)
        Entry(column.take(some), some.size).put(rows)
        joined = rows.join()
        sizes = np.zeros(present.size, np.int64)
        sizes[some] = joined.size
        self._data = Ragged(np.concatenate([[0], np.cumsum(sizes)]), joined.data)
        self.size: Size = sizes

    def put(self, rows: Rows) -> None:
        """Add the entry to each row that has it."""
        rows.ragged(self._data)


class Examples:
    """The examples of some rows."""

    def __init__(self, columns: Iterable[Column], rows: int) -> None:
        self._entries = [
            Entry(column, rows) if column.present is None else PartialEntry(column, column.present)
            for column in columns
        ]
        self._features: Size = 0
        for entry in self._entries:
            self._features = self._features + entry.size
        self.size = _field_size(self._features)
        """Bytes of each."""

    def put(self, rows: Rows) -> None:
        """Add an example to each row."""
        rows.constant(FIELD)
        rows.varint(self._features)
        for entry in self._entries:
            entry.put(rows)


def _field_size(content: Size) -> Size:
    """Bytes of a field's tag, its length and its content."""
    width = varint_size(content) if isinstance(content, int) else width_of(content.view(np.uint64))
    return 1 + width + content


def _head(key: str, dtype: DType, is_field: bool, content: Size) -> tuple[Sequence[bytes | Size], Size]:
    """What stands before the content of an entry: bytes, and numbers for varints; and all bytes of it."""
    name = key.encode()
    inner = _field_size(content) if is_field else content
    feature = _field_size(inner)
    entry = len(FIELD) + varint_size(len(name)) + len(name) + _field_size(feature)
    before = [FIELD, entry, FIELD + varint(len(name)) + name + VALUE, feature, _LISTS[dtype], inner]
    return [*before, FIELD, content] if is_field else before, _field_size(entry)


@lru_cache(maxsize=4096)
def _head_of_all(key: str, dtype: DType, is_field: bool, content: int) -> tuple[Sequence[bytes | Size], Size]:
    """The same, joined, where all rows have as many bytes: in most columns, and as many as in rows before."""
    parts, size = _head(key, dtype, is_field, content)
    one = Rows(1)
    _put(parts, one)
    return [one.join().data.tobytes()], size


def _put(parts: Sequence[bytes | Size], rows: Rows) -> None:
    for part in parts:
        if isinstance(part, bytes):
            rows.constant(part)
        else:
            rows.varint(part)

"""Rows of a table as serialized `tf.train.Example`s (tensorflow/core/example/feature.proto)."""

import numpy as np
import pyarrow as pa

from bagmill.writers.tfrecord.contents import FIELD, content_of
from bagmill.writers.tfrecord.features import DType, Plan
from bagmill.writers.tfrecord.flatten import Column, Mask, columns
from bagmill.writers.tfrecord.rows import Ragged, Rows
from bagmill.writers.tfrecord.varints import Ints, Size, varint, varint_size, width_of

VALUE = b"\x12"
"""The tag of field 2 with a length: of a map's value."""

_LISTS = {DType.BYTES: b"\x0a", DType.FLOAT: b"\x12", DType.INT64: b"\x1a"}
"""The tags of the three lists of a feature."""


class Entry:
    """An entry of an example's map of features: tags, lengths and the key around the content."""

    def __init__(self, column: Column, rows: int) -> None:
        feature = column.feature
        self._key = FIELD + varint(len(feature.key.encode())) + feature.key.encode()
        self._list = _LISTS[feature.dtype]
        # Packed numbers and a single string are one field of the list; each of several strings is one.
        self._is_field = feature.dtype is not DType.BYTES or not feature.shape
        self._content = content_of(column, rows)
        self._values = self._content.size
        self._inner = _field_size(self._values) if self._is_field else self._values
        self._feature = _field_size(self._inner)
        self._entry = len(self._key) + _field_size(self._feature)
        self.size = _field_size(self._entry)
        """Bytes of each row."""

    def put(self, rows: Rows) -> None:
        """Add the entry to each row."""
        rows.constant(FIELD)
        rows.varint(self._entry)
        rows.constant(self._key + VALUE)
        rows.varint(self._feature)
        rows.constant(self._list)
        rows.varint(self._inner)
        if self._is_field:
            rows.constant(FIELD)
            rows.varint(self._values)
        self._content.put(rows)


class PartialEntry:
    """An entry that only some rows have."""

    def __init__(self, column: Column, present: Mask) -> None:
        some = np.flatnonzero(present)
        rows = Rows(some.size)
        Entry(_take(column, some), some.size).put(rows)
        joined = rows.join()
        sizes = np.zeros(present.size, np.int64)
        sizes[some] = joined.size
        self._data = Ragged(np.concatenate([[0], np.cumsum(sizes)]), joined.data)
        self.size: Size = sizes

    def put(self, rows: Rows) -> None:
        """Add the entry to each row that has it."""
        rows.ragged(self._data)


class Examples:
    """The examples of a batch."""

    def __init__(self, plan: Plan, batch: pa.RecordBatch) -> None:
        self._entries = [
            Entry(column, batch.num_rows)
            if column.present is None or column.present.all()
            else PartialEntry(column, column.present)
            for column in columns(plan, batch)
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


def _take(column: Column, rows: Ints) -> Column:
    """The values of some rows."""
    bounds = column.bounds
    if isinstance(bounds, int):
        places = (rows[:, np.newaxis] * bounds + np.arange(bounds)).reshape(-1)
        return Column(column.feature, column.values.take(pa.array(places)), bounds, None)
    lists = pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), column.values).take(pa.array(rows))
    offsets = np.frombuffer(lists.buffers()[1], np.int32, len(lists) + 1, lists.offset * 4).astype(np.int64)
    return Column(column.feature, lists.values, offsets, None)


def _field_size(content: Size) -> Size:
    """Bytes of a field's tag, its length and its content."""
    width = varint_size(content) if isinstance(content, int) else width_of(content.view(np.uint64))
    return 1 + width + content

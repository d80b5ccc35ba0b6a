"""Parquet files of row groups that were encoded apart, each as a file of its own in memory.

The bytes of a row group are the same wherever it stands; what changes are the offsets in the footer and in
the page index. So the file is the same as if it had been written by one writer.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from struct import Struct as Packed
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow._parquet import ParquetWriter

from bagmill.writers.thrift import Reader, Struct, write_struct

_ROOM = 4 << 20
"""Bytes for pages' heads, page index and footer."""

_MAGIC = b"PAR1"
_LENGTH = Packed("<I")
_BINARY = 8
"""The type of texts."""

# Fields of the structs of parquet.thrift.
_NUM_ROWS, _ROW_GROUPS, _KEY_VALUES = 3, 4, 5
_COLUMNS, _GROUP_OFFSET = 1, 5
_META_DATA, _OFFSET_INDEX, _OFFSET_LENGTH, _COLUMN_INDEX, _COLUMN_LENGTH = 3, 4, 5, 6, 7
_PAGE_OFFSETS = (9, 10, 11)
_LOCATIONS, _LOCATION = 1, 1


class Group(NamedTuple):
    """A row group that was encoded apart: its pages, what its footer says, and its page index by columns.

    `memory` is used again once it was written.
    """

    pages: pa.Buffer
    memory: pa.Buffer
    footer: Struct
    column_indexes: Sequence[bytes]
    offset_indexes: Sequence[Struct]


class Stitched:
    """A file of row groups, all of one schema and encoded with the same settings."""

    def __init__(
        self, file: pa.NativeFile, schema: pa.Schema, settings: Mapping[str, Any], room: int = _ROOM
    ) -> None:
        """`room`: bytes of a row group beyond those of its values that there is memory for at first."""
        self._room = room
        self._file = file
        self._schema = schema
        self._settings = settings
        self._footer: Struct = {}
        self._groups: list[Struct] = []
        self._column_indexes: list[Sequence[bytes]] = []
        self._offset_indexes: list[Sequence[Struct]] = []
        self._rows = 0
        self._spare: deque[pa.Buffer] = deque()
        file.write(_MAGIC)

    def encode(self, table: pa.Table) -> Group:
        """Encode a table as one row group; in any thread."""
        memory = self._memory(table.nbytes + table.nbytes // 64 + self._room)
        sink = pa.FixedSizeBufferWriter(memory)
        try:
            size = self._encode(table, sink)
            file = memory[:size]
        except OSError:  # there was not enough: what nests deep has levels beside its values
            growing = pa.BufferOutputStream()
            size = self._encode(table, growing)
            file = growing.getvalue()
        return _group(file, memory)

    def _memory(self, size: int) -> pa.Buffer:
        """Memory that was used before, if there is some: new pages cost as much as what is put there."""
        try:
            memory = self._spare.popleft()
        except IndexError:
            memory = None
        return memory if memory is not None and memory.size >= size else pa.allocate_buffer(size)

    def _encode(self, table: pa.Table, sink: pa.NativeFile) -> int:
        writer = ParquetWriter(sink, self._schema, **self._settings)
        writer.write_table(table, row_group_size=max(1, table.num_rows))
        writer.close()
        return int(sink.tell())

    def append(self, group: Group) -> None:
        """Write a row group."""
        moved = self._file.tell() - len(_MAGIC)
        self._file.write(group.pages)
        self._spare.append(group.memory)
        (row_group,) = group.footer[_ROW_GROUPS][1][1]
        _move(row_group, _GROUP_OFFSET, moved)
        for column in _columns(row_group):
            for offset in _PAGE_OFFSETS:
                _move(column[_META_DATA][1], offset, moved)
        for index in group.offset_indexes:
            for location in index[_LOCATIONS][1][1]:
                _move(location, _LOCATION, moved)
        self._footer = self._footer or group.footer
        self._rows += group.footer[_NUM_ROWS][1]
        self._groups.append(row_group)
        self._column_indexes.append(group.column_indexes)
        self._offset_indexes.append(group.offset_indexes)

    def close(self, metadata: Mapping[str, str]) -> None:
        """Write the page index and the footer, with metadata of the file before what it has."""
        for group, indexes in zip(self._groups, self._column_indexes, strict=True):
            self._write_indexes(group, indexes, _COLUMN_INDEX, _COLUMN_LENGTH)
        for group, locations in zip(self._groups, self._offset_indexes, strict=True):
            written = [write_struct(index) for index in locations]
            self._write_indexes(group, written, _OFFSET_INDEX, _OFFSET_LENGTH)
        footer = self._footer
        footer[_NUM_ROWS] = footer[_NUM_ROWS][0], self._rows
        kind, (element, _) = footer[_ROW_GROUPS]
        footer[_ROW_GROUPS] = kind, (element, self._groups)
        footer[_KEY_VALUES][1][1][:0] = [
            {1: (_BINARY, key.encode()), 2: (_BINARY, value.encode())} for key, value in metadata.items()
        ]
        data = write_struct(footer)
        self._file.write(data + _LENGTH.pack(len(data)) + _MAGIC)

    def _write_indexes(self, group: Struct, indexes: Sequence[bytes], offset: int, length: int) -> None:
        for column, index in zip(_columns(group), indexes, strict=True):
            if index:
                column[offset] = column[offset][0], self._file.tell()
                column[length] = column[length][0], len(index)
                self._file.write(index)


def _group(file: pa.Buffer, memory: pa.Buffer) -> Group:
    view = memoryview(file).cast("B")
    end = len(view) - len(_MAGIC) - _LENGTH.size
    (size,) = _LENGTH.unpack_from(view, end)
    footer = Reader(view[end - size : end]).struct()
    (group,) = footer[_ROW_GROUPS][1][1]
    columns = _columns(group)
    places = [
        [_place(column, offset, length) for column in columns]
        for offset, length in ((_COLUMN_INDEX, _COLUMN_LENGTH), (_OFFSET_INDEX, _OFFSET_LENGTH))
    ]
    stop = min(place.start for kind in places for place in kind if place.stop)
    return Group(
        file[len(_MAGIC) : stop],
        memory,
        footer,
        [bytes(view[place]) for place in places[0]],
        [Reader(view[place]).struct() for place in places[1]],
    )


def _columns(group: Struct) -> Sequence[Struct]:
    columns: Sequence[Struct] = group[_COLUMNS][1][1]
    return columns


def _place(column: Struct, offset: int, length: int) -> slice:
    """Where an index of a column stands in its file; an empty place if there is none."""
    if offset not in column:
        return slice(0, 0)
    begin: int = column[offset][1]
    return slice(begin, begin + column[length][1])


def _move(fields: Struct, number: int, by: int) -> None:
    if number in fields:
        kind, offset = fields[number]
        fields[number] = kind, offset + by

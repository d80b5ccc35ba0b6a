"""Columns out of decoded messages, for peers that make a Python object of each.

From the first message of a topic, code is generated that appends every leaf of a message to a list of its
own; a batch of lists becomes Arrow arrays. That is about the fastest that objects can be turned into columns.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.peers.output import Tables

ROWS = 20_000
BLOB_BYTES = 16 << 20
"""A batch ends with so many rows, or bytes of blobs."""

Message = tuple[str, int, int, Any]
"""Topic, log time and publish time in ns, decoded message."""


def write(output: Path, messages: Iterable[Message]) -> None:
    """Write decoded messages, a table for each topic."""
    topics: dict[str, Columns] = {}
    with Tables(output) as tables:
        for topic, log_time, publish_time, message in messages:
            columns = topics.get(topic)
            if columns is None:
                columns = topics[topic] = Columns(message)
            columns.append(log_time, publish_time, message)
            if columns.rows >= columns.most:
                tables.write(topic, columns.batch())
        for topic, columns in topics.items():
            if columns.rows:
                tables.write(topic, columns.batch())


class Columns:
    """The columns of a topic whose messages are all like the first one, in which no list may be empty."""

    def __init__(self, first: Any) -> None:
        self._lists: list[list[Any]] = []
        self._lines: list[str] = []
        self._size = 0
        self._names = 0
        self._times = [self._leaf("log_time", 1), self._leaf("publish_time", 1)]
        self._root = self._struct(first, "message", 1)
        self.rows = 0
        self.most = max(1, min(ROWS, BLOB_BYTES // max(1, self._size)))
        self._append = self._compiled()

    def append(self, log_time: int, publish_time: int, message: Any) -> None:
        """Add a message."""
        self._append(log_time, publish_time, message)
        self.rows += 1

    def batch(self) -> pa.RecordBatch:
        """All rows so far; begins anew."""
        times = [pa.array(build(), pa.int64()) for build in self._times]
        fields = {name: build() for name, build in self._root.items()}
        columns = {"log_time": times[0], "publish_time": times[1]}
        batch = pa.RecordBatch.from_pydict(columns | fields)
        for each in self._lists:
            each.clear()
        self.rows = 0
        return batch

    def _compiled(self) -> Callable[[int, int, Any], None]:
        places = {f"put{place}": each.append for place, each in enumerate(self._lists)}
        source = "def append(log_time, publish_time, message):\n" + "\n".join(self._lines)
        exec(source, places)
        result: Callable[[int, int, Any], None] = places["append"]  # type: ignore[assignment]
        return result

    def _struct(self, example: Any, source: str, depth: int) -> dict[str, Callable[[], Any]]:
        """Code for the members of an object; returns what makes their arrays."""
        members = {}
        for name in names_of(example):
            by_key = isinstance(example, Mapping)
            path = f"{source}[{name!r}]" if by_key else f"{source}.{name}"
            members[name] = self._any(example[name] if by_key else getattr(example, name), path, depth)
        return members

    def _any(self, example: Any, source: str, depth: int) -> Callable[[], Any]:
        if is_object(example):
            name = self._name()
            self._line(f"{name} = {source}", depth)
            members = self._struct(example, name, depth)
            return lambda: pa.StructArray.from_arrays([build() for build in members.values()], list(members))
        if isinstance(example, str | int | float | np.generic):
            return self._leaf(source, depth)
        if is_bytes(example):
            self._size += len(example)
            return self._blob(source, depth)
        if is_object(example[0]):
            return self._objects(example[0], source, depth)
        return self._numbers(example, source, depth)

    def _leaf(self, source: str, depth: int) -> Callable[[], Any]:
        values = self._put(source, depth)
        return lambda: pa.array(values)

    def _blob(self, source: str, depth: int) -> Callable[[], Any]:
        values = self._put(source, depth)
        return lambda: joined(values, pa.binary())

    def _numbers(self, example: Any, source: str, depth: int) -> Callable[[], Any]:
        """A list of numbers or strings; arrays are joined as bytes."""
        values = self._put(source, depth)
        if not is_buffer(example):
            return lambda: listed(values, pa.array(list(chain.from_iterable(values))))
        kind = np.asarray(example).dtype
        return lambda: listed(values, pa.array(np.frombuffer(b"".join(values), kind)))

    def _objects(self, example: Any, source: str, depth: int) -> Callable[[], Any]:
        lists, name = self._put(source, depth), self._name()
        self._line(f"for {name} in {source}:", depth)
        members = self._struct(example, name, depth + 1)

        def build() -> Any:
            arrays = [build() for build in members.values()]
            return listed(lists, pa.StructArray.from_arrays(arrays, list(members)))

        return build

    def _put(self, source: str, depth: int) -> list[Any]:
        """Code that appends a value to a new list."""
        self._line(f"put{len(self._lists)}({source})", depth)
        self._lists.append([])
        return self._lists[-1]

    def _line(self, text: str, depth: int) -> None:
        self._lines.append("    " * depth + text)

    def _name(self) -> str:
        self._names += 1
        return f"value{self._names}"


def names_of(example: Any) -> Sequence[str]:
    """Names of an object's members."""
    if isinstance(example, Mapping):
        return list(example)
    if hasattr(example, "DESCRIPTOR"):
        return [field.name for field in example.DESCRIPTOR.fields]
    if hasattr(example, "__dataclass_fields__"):
        return [name for name in example.__dataclass_fields__ if not name.startswith("__")]
    return [name for name in example.__slots__ if not name.startswith("_")]


def is_object(example: Any) -> bool:
    """Whether something has members."""
    if isinstance(example, str | int | float | np.generic | np.ndarray):
        return False
    own = ("DESCRIPTOR", "__dataclass_fields__", "__slots__")
    return isinstance(example, Mapping) or any(hasattr(example, name) for name in own)


def is_buffer(example: Any) -> bool:
    """Whether an array gives its bytes."""
    try:
        memoryview(example)
    except TypeError:
        return False
    return True


def is_bytes(example: Any) -> bool:
    """Whether something is bytes, or an array of them."""
    return is_buffer(example) and memoryview(example).format == "B"


def joined(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Blobs as one array, without a copy of each."""
    data = b"".join(values)
    return pa.Array.from_buffers(kind, len(values), [None, offsets(values), pa.py_buffer(data)])


def listed(values: Sequence[Any], content: pa.Array) -> pa.Array:
    """Lists of these lengths over their content laid end to end."""
    return pa.ListArray.from_arrays(
        pa.Array.from_buffers(pa.int32(), len(values) + 1, [None, offsets(values)]), content
    )


def offsets(values: Sequence[Any]) -> pa.Buffer:
    """Where each begins, and the end."""
    ends = np.zeros(len(values) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, values), np.int32, len(values)), out=ends[1:])
    return pa.py_buffer(ends)

"""The leaf columns of nested tables: those that Parquet stores one by one."""

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from bagmill.kernels import call
from bagmill.writers.base import SomeRows


class Leaf(NamedTuple):
    """A leaf column: its path as Parquet names it, its type, and whether a list stands above it."""

    path: str
    type: pa.DataType
    repeated: bool

    @property
    def is_number(self) -> bool:
        """Whether its values are integers, times or floats."""
        return bool(pa.types.is_primitive(self.type) and not pa.types.is_boolean(self.type))

    @property
    def is_blob(self) -> bool:
        """Whether its values are bytes."""
        return bool(pa.types.is_binary(self.type) or pa.types.is_fixed_size_binary(self.type))


def leaves(schema: pa.Schema) -> list[Leaf]:
    """All leaf columns, in order."""
    return [leaf for field in schema for leaf in _below(field.name, field.type, repeated=False)]


def _below(path: str, kind: pa.DataType, *, repeated: bool) -> Iterator[Leaf]:
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _below(f"{path}.{field.name}", field.type, repeated=repeated)
    elif pa.types.is_map(kind):
        yield from _below(f"{path}.key_value.key", kind.key_type, repeated=True)
        yield from _below(f"{path}.key_value.value", kind.item_type, repeated=True)
    elif _is_list(kind):
        yield from _below(f"{path}.list.element", kind.value_type, repeated=True)
    else:
        yield Leaf(path, kind, repeated)


def leaf_arrays(rows: SomeRows) -> list[pa.Array | pa.ChunkedArray]:
    """The values of each leaf column, lists joined to one; no bytes are copied where no list is null.

    What a table has in several chunks, which is nothing nested, stays so.
    """
    return [array for column in rows.columns for array in _arrays(column)]


def _arrays(array: pa.Array | pa.ChunkedArray) -> Iterator[pa.Array | pa.ChunkedArray]:
    if isinstance(array, pa.ChunkedArray) and array.num_chunks == 1:
        array = array.chunk(0)
    kind = array.type
    if pa.types.is_struct(kind):
        for child in array.flatten():
            yield from _arrays(child)
    elif pa.types.is_map(kind):
        # The children of a slice are those of the whole.
        first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
        yield from _arrays(array.keys.slice(first, last - first))
        yield from _arrays(array.items.slice(first, last - first))
    elif _is_list(kind):
        yield from _arrays(call("list_flatten", array))
    else:
        yield array


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind))

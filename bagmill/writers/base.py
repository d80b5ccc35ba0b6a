"""The seam between columns and files: what every format of a dataset can do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import pyarrow as pa

SomeRows: TypeAlias = pa.RecordBatch | pa.Table
"""Some rows of a table. A `pa.Table`, which only Parquet takes, has long values as chunks of their own."""

LONG_BYTES = 128 << 10
"""From this mean length on values may be chunks of their own: that costs less than to copy them together."""


class Part(NamedTuple):
    """A finished file and how many rows it holds; `None`: it is no file of rows."""

    path: Path
    rows: int | None


class TableWriter(Protocol):
    """Writes one table into the part files of one folder.

    Calls come one after the other, but each may come from another thread.
    """

    def write(self, batches: Sequence[SomeRows]) -> None:
        """Write a group of rows, at least one; the next file begins where one is big enough."""
        ...

    def park(self) -> None:
        """Finish the open file, which is a resource, if there is one; later rows go into the next."""
        ...

    def finished(self) -> list[list[Any]]:
        """The finished files so far, ready for JSON: each begins with its name."""
        ...

    def restore(self, finished: Sequence[Sequence[Any]]) -> None:
        """Go on after these files, which an earlier writer of the same table has finished."""
        ...

    def close(self) -> Sequence[Part]:
        """Finish; a table without rows still makes a file."""
        ...

    def abandon(self) -> None:
        """Let go of the open file as it is; the table is of no use any more. Never fails."""
        ...


@runtime_checkable
class EncodesAhead(Protocol):
    """A writer of which some of the work of `write` can be done before its turn."""

    def encode(self, batches: Sequence[SomeRows]) -> None:
        """Encode what will be given to `write` later, if that is worth it; in any thread, beside `write`."""
        ...


class Format(Protocol):
    """Makes the writers of one format."""

    @property
    def group_bytes(self) -> int:
        """Bytes of Arrow data that are best written at a time."""
        ...

    def table(self, folder: Path, schema: pa.Schema, *, going_on: bool = False) -> TableWriter:
        """Begin a table in a folder, which is made, or with `going_on` may be there.

        `schema` carries the metadata of its files.

        Raises:
            SchemaError: the format has no place for such columns.
        """
        ...

"""The seam between columns and files: what every format of a dataset can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Part:
    """A finished file and how many rows it holds."""

    path: Path
    rows: int


class TableWriter(Protocol):
    """Writes one table into the part files of one folder."""

    @property
    def pending(self) -> int:
        """Bytes of Arrow data that are held back."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether a file is open, which is a resource."""
        ...

    def write(self, batch: pa.RecordBatch) -> None:
        """Take rows; they may be held back until there are enough."""
        ...

    def flush(self) -> None:
        """Write what is held back."""
        ...

    def park(self) -> None:
        """Finish the open file, if there is one; later rows go into the next."""
        ...

    def close(self) -> Sequence[Part]:
        """Write what is left and finish; a table without rows still makes a file that has its columns."""
        ...

    def abandon(self) -> None:
        """Let go of the open file as it is; the table is of no use any more. Never fails."""
        ...


class Format(Protocol):
    """Makes the writers of one format."""

    def table(self, folder: Path, schema: pa.Schema) -> TableWriter:
        """Begin a table in a folder, which is made; `schema` carries the metadata of its files."""
        ...

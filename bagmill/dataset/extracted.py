"""What `extract` leaves of one recording: rows in Parquet, and `rows.json`, which says what they are.

The folder holds `rows/part-00000.parquet` and so on. Their columns: `time_ns` (int64), `episode` (int64,
counts within the recording), `frame_index` (int64, counts within the episode), then each feature under its
name, followed by `<name>.present` (bool) if the spec wants it, then each label. Rows stand in the order of
their times. A value is null where there is none: `null`, `zeros` and `constant` are left to `collect`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from bagmill.errors import OutputFailed, RecordingUnreadable
from bagmill.probe import shown

ROWS_FILE = "rows.json"
ROWS_FOLDER = "rows"
TIME, EPISODE, FRAME = OWN = ("time_ns", "episode", "frame_index")
"""The columns before those of the spec."""

SCHEMA_VERSION: Final = 1
BATCH_ROWS = 1 << 16
BATCH_BYTES = 32 << 20
"""Bytes of values that are read at a time, about."""


class _Facts(BaseModel):
    """Names that are not known are passed over, as a later version may have added them."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SourceFacts(_Facts):
    """Which recording it was. `start_ns` and `end_ns`: its first and last log time; null without messages."""

    name: str
    size: int
    sha256: str
    start_ns: int | None = None
    end_ns: int | None = None


class ColumnFacts(_Facts):
    """A feature or label over the candidates: all rows that lie in an episode, dropped or not.

    `type` is what `ValueType.to_json` says of the stored values. `missing` counts candidates without a value,
    `filled` rows that got an earlier one by `forward_fill`, `nan` values with NaN or infinity. `present`
    counts rows that were kept and have a value of their own.
    """

    name: str
    kind: Literal["feature", "label"]
    type: dict[str, JsonValue]
    present: int
    missing: int
    filled: int = 0
    nan: int = 0


class EpisodeFacts(_Facts):
    """An episode: its number within the recording, the times of its first and last row, how many rows."""

    index: int
    first_ns: int
    last_ns: int
    rows: int


class StatisticsFacts(_Facts):
    """Statistics of the stored values of a column over a group of rows, as `Statistics.facts` tells them.

    `group`: its name; `bagmill.dataset.splits.groups_of` says which groups there are.
    """

    column: str
    group: str
    values: dict[str, JsonValue]


class WarnFacts(_Facts):
    """A warning, as in `bagmill.report.Warn`."""

    code: str
    message: str
    where: dict[str, str | int] = {}


class RowsFacts(_Facts):
    """What stands in `rows.json`.

    `candidates` counts rows in episodes before any was dropped, `bad` those of them that were dropped or lack
    a feature or label; `drops` says why rows are missing: `missing:<column>`, `nan:<column>` and, not among
    the candidates, `outside_episodes`. `topics` counts the messages that were read of each topic.
    `looks_ahead` names the columns with values of messages later than their row.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    source: SourceFacts
    spec_hash: str
    tool: str
    rows: int
    candidates: int
    bad: int
    columns: tuple[ColumnFacts, ...]
    episodes: tuple[EpisodeFacts, ...]
    drops: dict[str, int] = {}
    topics: dict[str, int] = {}
    looks_ahead: tuple[str, ...] = ()
    statistics: tuple[StatisticsFacts, ...] = ()
    warnings: tuple[WarnFacts, ...] = ()
    complete: bool = Field(True, description="Whether no message was missing or unreadable.")
    files: tuple[str, ...]

    def column(self, name: str) -> ColumnFacts:
        """The facts of a column."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True, slots=True)
class Extracted:
    """A folder that `extract` has filled."""

    folder: Path
    facts: RowsFacts

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read `rows.json`.

        Raises:
            RecordingUnreadable: it is not there, or is not what `extract` writes.
        """
        path = folder / ROWS_FILE
        try:
            return cls(folder, RowsFacts.model_validate_json(path.read_bytes()))
        except OSError as error:
            raise _unusable(path, error.strerror or str(error)) from error
        except ValidationError as error:
            raise _unusable(path, "it was written by another version, or is damaged") from error

    @property
    def schema(self) -> pa.Schema:
        """The columns of the rows."""
        return pq.read_schema(self.folder / self.facts.files[0])

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows in order, about `BATCH_BYTES` at a time; `columns`: some of them only."""
        for name in self.facts.files:
            with pq.ParquetFile(self.folder / name) as file:
                yield from file.iter_batches(_rows_at_a_time(file.metadata), columns=columns)


def write_facts(folder: Path, facts: RowsFacts) -> None:
    """Write `rows.json`.

    Raises:
        OutputFailed: the disk is full or fails.
    """
    plain: Any = facts.model_dump(mode="json")
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=1)
    try:
        (folder / ROWS_FILE).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputFailed(
            f"writing failed: {error.strerror}", where={"path": shown(folder / ROWS_FILE)}
        ) from error


def _rows_at_a_time(file: pq.FileMetaData) -> int:
    groups = (file.row_group(number) for number in range(file.num_row_groups))
    size = int(sum(group.total_byte_size for group in groups))
    return max(1, min(BATCH_ROWS, BATCH_BYTES * int(file.num_rows) // max(1, size)))


def _unusable(path: Path, reason: str) -> RecordingUnreadable:
    return RecordingUnreadable(
        f"The extracted rows can't be read: {reason}.",
        where={"path": shown(path)},
        hint="Extract the recording again.",
    )

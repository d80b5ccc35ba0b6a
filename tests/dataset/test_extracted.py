"""The folder that `extract` leaves: what was written is what is read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagmill.dataset.extracted import (
    BATCH_ROWS,
    ROWS_FILE,
    ColumnFacts,
    EpisodeFacts,
    Extracted,
    RowsFacts,
    SourceFacts,
    StatisticsFacts,
    write_facts,
)
from bagmill.errors import OutputFailed, RecordingUnreadable

FACTS = RowsFacts(
    source=SourceFacts(name="a.mcap", size=5, sha256="ab", start_ns=1, end_ns=9),
    spec_hash="cd",
    tool="1",
    rows=BATCH_ROWS + 1,
    candidates=BATCH_ROWS + 2,
    bad=1,
    columns=(ColumnFacts(name="x", kind="feature", type={"element": "double"}, present=3, missing=1),),
    episodes=(EpisodeFacts(index=0, first_ns=0, last_ns=1 << 62, rows=BATCH_ROWS + 1),),
    drops={"missing:x": 1},
    statistics=(StatisticsFacts(column="x", group="train", values={"count": 2, "mean": [0.1]}),),
    files=("rows/part-00000.parquet",),
)


def folder_of_rows(folder: Path) -> Path:
    (folder / "rows").mkdir()
    table = pa.table({"time_ns": range(FACTS.rows), "x": [0.5] * FACTS.rows})
    pq.write_table(table, folder / FACTS.files[0])
    write_facts(folder, FACTS)
    return folder


def test_what_was_written_is_read(tmp_path: Path) -> None:
    extracted = Extracted.open(folder_of_rows(tmp_path))

    assert extracted.facts == FACTS
    assert extracted.facts.column("x").present == 3
    assert extracted.schema.names == ["time_ns", "x"]


def test_rows_come_in_order_and_some_columns_alone(tmp_path: Path) -> None:
    batches = list(Extracted.open(folder_of_rows(tmp_path)).batches(["time_ns"]))

    assert pa.Table.from_batches(batches).to_pydict() == {"time_ns": list(range(FACTS.rows))}
    assert len(batches) == 2


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"schema_version": 2}'])
def test_a_folder_without_usable_facts_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / ROWS_FILE).write_bytes(content)

    with pytest.raises(RecordingUnreadable) as failure:
        Extracted.open(tmp_path)

    assert failure.value.where == {"path": str(tmp_path / ROWS_FILE)}


def test_facts_that_can_not_be_written_are_an_error_of_the_output(tmp_path: Path) -> None:
    with pytest.raises(OutputFailed):
        write_facts(tmp_path / "absent", FACTS)

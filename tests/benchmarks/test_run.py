"""`make bench` at a size that takes seconds, and the check that every output goes through."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagmill.convert import convert
from bagmill.options import ConvertOptions
from benchmarks.check import check, tfrecord_rows
from benchmarks.pages import replace
from benchmarks.recordings.catalog import facts_of, recording
from benchmarks.recordings.facts import Facts
from benchmarks.report import markdown, summary
from config import ROOT


@pytest.mark.slow
def test_a_run_measures_checks_and_writes_down(tmp_path: Path) -> None:
    small = {"BENCH_SCALE": "0.003", "RUNS": "1", "BENCH_ONLY": "json", "BENCH_PEERS": ""}
    places = {"BENCH_RESULTS": str(tmp_path / "results"), "BENCH_OUTPUT": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks"],
        cwd=ROOT,
        env={**os.environ, **small, **places},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    (written,) = (tmp_path / "results").glob("*.json")
    case: dict[str, Any] = json.loads(written.read_text())["cases"]["json"]
    ours = case["results"]["bagmill"]

    assert case["messages"] == 750
    assert "json: 750 messages" in run.stdout
    assert ours["wrong"] == ours["missing"] == []
    assert ours["runs"] == 1
    assert set(case["limit"]["parts"]) == {"read", "decompress", "crc", "parse", "write"}
    assert case["limit"]["size"] == pytest.approx(case["limit"]["own_size"], rel=0.02)
    assert not list(tmp_path.glob("bagmill-bench-*"))

    page = tmp_path / "page.md"
    page.write_text("before <!-- results -->old<!-- /results --> after")
    replace(page, markdown("json", case), "results")
    assert page.read_text().startswith("before <!-- results -->\n### json\n")
    assert page.read_text().endswith("<!-- /results --> after")
    assert "\n| **bagmill** | " in page.read_text()
    assert "old" not in page.read_text()


@pytest.mark.parametrize(
    ("peers", "compared"),
    [
        ({}, ""),
        ({"rosbags": {"wall": 90.0}, "mcap_support": {"failure": "no"}}, ": 30.0 times faster than rosbags"),
    ],
    ids=["alone", "with peers"],
)
def test_the_line_for_the_readme(peers: dict[str, Any], compared: str) -> None:
    results = {"cases": {"telemetry": {"messages": 1000, "results": {"bagmill": {"wall": 3.0}, **peers}}}}

    line = f"A recording of 1,000 messages becomes Parquet in 3.0 s{compared} "
    assert summary(results) == f"{line}([benchmarks](docs/benchmarks.md))."


def test_records_of_tfrecord_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "part-00000.tfrecord"
    path.write_bytes(b"".join(struct.pack("<QI", size, 0) + bytes(size + 4) for size in (0, 7, 300)))

    assert tfrecord_rows(path) == 3


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> tuple[Facts, Path]:
    """What is known of a small recording, and what this project makes of it."""
    folder = tmp_path_factory.mktemp("dataset")
    (path,) = recording("protobuf", folder, 0.003)
    (folder / "output").mkdir()
    convert(path, folder / "output", ConvertOptions())
    return Facts.read(facts_of(path)), folder / "output"


def changed(dataset: Path, target: Path, change: Any) -> Path:
    """The dataset with one table changed."""
    for path in dataset.glob("topic=*/*.parquet"):
        place = target / path.relative_to(dataset)
        place.parent.mkdir()
        table = pq.read_table(path, partitioning=None)
        pq.write_table(change(table) if "gps" in str(path) else table, place)
    return target


def test_what_is_right_passes(dataset: tuple[Facts, Path]) -> None:
    assert check(*dataset) == ([], [])


@pytest.mark.parametrize(
    ("change", "wrong", "missing"),
    [
        (lambda table: table.slice(1), ["/gps: 49 rows of 50 messages"], []),
        (lambda table: table.drop_columns("altitude"), [], ["/gps altitude"]),
        (
            lambda table: table.set_column(
                table.column_names.index("altitude"),
                "altitude",
                table["altitude"].cast(pa.float32(), safe=False),
            ),
            ["/gps altitude"],
            [],
        ),
        (
            lambda table: table.set_column(
                table.column_names.index("frame_id"),
                "frame_id",
                pa.array(["gpt"] + ["gps"] * (len(table) - 1)),
            ),
            ["/gps frame_id"],
            [],
        ),
    ],
    ids=["a row less", "a column less", "less precision", "another letter"],
)
def test_what_is_not_is_found(
    dataset: tuple[Facts, Path], tmp_path: Path, change: Any, wrong: list[str], missing: list[str]
) -> None:
    facts, output = dataset

    assert check(facts, changed(output, tmp_path, change)) == (wrong, missing)

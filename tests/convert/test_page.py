"""The page on Parquet: what it shows to type is typed here."""

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from config import ROOT
from tests.convert.making import START, Sent, Stream, dataset, point, points, record

PAGE = (ROOT / "docs" / "parquet.md").read_text("utf-8")
BLOCKS = re.findall(r"```(sql|python)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the dataset `drive` that the page speaks of."""
    acceleration = "Vector linear_acceleration\n===\nMSG: pkg/Vector\nfloat64 x\nfloat64 y"
    sent = [Sent(point(n, -n), START + 10 - n) for n in range(3)]
    imu = Stream("/imu/data", ("pkg/msg/Imu", "ros2msg", acceleration.encode()), "cdr", sent)
    dataset(record(tmp_path / "drive.mcap", imu, points("/other", 2)), tmp_path / "drive")
    return tmp_path


def test_there_is_a_line_for_each_reader() -> None:
    text = "\n".join(block for _, block in BLOCKS)

    assert [name for name in ("duckdb", "polars", "pandas") if name not in text] == []
    assert [kind for kind, _ in BLOCKS].count("sql") == 1


@pytest.mark.parametrize("block", [block for kind, block in BLOCKS if kind == "python"])
def test_lines_of_python(block: str, place: Path) -> None:
    lines = block.strip().splitlines()
    shown = "\n".join([*lines[:-1], f"print({lines[-1]})"])

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", shown], cwd=place, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "topic" in done.stdout or "linear_acceleration" in done.stdout


def test_the_line_of_sql(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    (query,) = [block for kind, block in BLOCKS if kind == "sql"]

    with duckdb.connect() as connection:
        rows = connection.execute(query).fetchall()

    assert rows == [(START + 8, 2.0), (START + 9, 1.0), (START + 10, 0.0)]


def test_the_line_for_the_metadata(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place / "drive" / "topic=%2Fimu%2Fdata")
    (query,) = re.findall(r"`(select [^`]*parquet_kv_metadata[^`]*)`", PAGE)

    with duckdb.connect() as connection:
        ((value,),) = connection.execute(query).fetchall()

    assert '"topic":"/imu/data"' in value

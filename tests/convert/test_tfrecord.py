"""Conversions to TFRecord, and the page on them: what it shows to type is typed here."""

import json
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bagmill.choices import BadChoices, choose
from bagmill.errors import FeatureCollision
from config import ROOT
from tests.convert.making import START, Sent, Stream, dataset, point, points, record
from tests.writers.test_tfrecord import parsed

PAGE = (ROOT / "docs" / "tfrecord.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```(tensorflow|python)\n(.*?)```", PAGE, re.DOTALL))


def imu(count: int) -> Stream:
    """The topic that the page speaks of."""
    acceleration = "Vector linear_acceleration\n===\nMSG: pkg/Vector\nfloat64 x\nfloat64 y"
    sent = [Sent(point(n, -n), START + 10 - n) for n in range(count)]
    return Stream("/imu/data", ("pkg/msg/Imu", "ros2msg", acceleration.encode()), "cdr", sent)


def js(*values: Any) -> Stream:
    return Stream("/j", None, "json", [Sent(json.dumps(value).encode(), START) for value in values])


def test_each_topic_is_a_folder_of_records_and_how_to_parse_them(tmp_path: Path) -> None:
    made = dataset(record(tmp_path / "a.mcap", imu(3), points("/p", 0)), tmp_path / "d", format="tfrecord")

    assert made.topics["/imu/data"]["files"] == [
        "topic=%2Fimu%2Fdata/part-00000.tfrecord",
        "topic=%2Fimu%2Fdata/features.json",
    ]
    assert made.topics["/imu/data"]["sorted"] is False
    assert [(item.path, item.rows) for item in made.report.outputs] == [
        ("topic=%2Fimu%2Fdata/part-00000.tfrecord", 3),
        ("topic=%2Fimu%2Fdata/features.json", None),
        ("topic=%2Fp/part-00000.tfrecord", 0),
        ("topic=%2Fp/features.json", None),
    ]
    assert made.report.body["options"]["format"] == "tfrecord"
    assert made.report.body["options"]["compression"] == "none"
    rows = parsed(made.folder / made.topics["/imu/data"]["files"][0])
    assert [row["linear_acceleration/y"] for row in rows] == [("float_list", [float(-n)]) for n in range(3)]
    assert [row["log_time_ns"][1] for row in rows] == [[START + 10 - n] for n in range(3)]


def test_unreadable_messages_are_kept_as_parquet(tmp_path: Path) -> None:
    bad = Stream("/bad", imu(0).schema, "cdr", [Sent(b"\x00\x01\x00\x00xyz", START)])
    made = dataset(record(tmp_path / "a.mcap", bad), tmp_path / "d", format="tfrecord")

    assert made.report.body["unreadable"] == ["unreadable/part-00000.parquet"]
    assert [row["topic"] for row in made.unreadable] == ["/bad"]
    assert not made.report.complete


@pytest.mark.parametrize(
    "number", [b"\1\0\0\0\0\0\xf0\x7f", b"\xff" * 8, b"\xff\xff\xff\xff\xff\xff\xef\x7f"]
)
def test_numbers_that_float32_does_not_have_are_taken_in_silence(tmp_path: Path, number: bytes) -> None:
    text = b"float64 one\nfloat64[] many"
    payload = b"\0\1\0\0" + number + struct.pack("<II", 1, 0) + number
    stream = Stream("/p", ("pkg/msg/P", "ros2msg", text), "cdr", [Sent(payload, START)])

    made = dataset(record(tmp_path / "a.mcap", stream), tmp_path / "d", format="tfrecord")

    assert made.topics["/p"]["rows"] == 1


def test_equal_options_give_equal_bytes(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.mcap", imu(50), points("/p", 20), js({"a": [1, None]}, {"b": "x"}))
    made = [dataset(recording, tmp_path / name, format="tfrecord", compression="gzip") for name in "ab"]

    contents = [
        {path.relative_to(one.folder): path.read_bytes() for path in one.folder.rglob("*") if path.is_file()}
        for one in made
    ]
    assert contents[0] == contents[1]
    assert len(contents[0]) == 6


def test_json_whose_names_would_collide_is_refused(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.mcap", js({"a/b": 1, "a": {"b": 2}}))

    with pytest.raises(FeatureCollision, match=r"a\.b") as failure:
        dataset(recording, tmp_path / "d", format="tfrecord")

    assert failure.value.where == {"topic": "/j"}
    assert dataset(recording, tmp_path / "p").topics["/j"]["rows"] == 1


@pytest.mark.parametrize("compression", ["zstd", "lz4", "snappy"])
def test_codecs_that_tensorflow_does_not_know_are_refused(compression: str) -> None:
    with pytest.raises(BadChoices, match="compression: a TFRecord file is compressed with gzip, or none"):
        choose({"format": "tfrecord", "compression": compression})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the dataset `drive`."""
    dataset(record(tmp_path / "drive.mcap", imu(3)), tmp_path / "drive", format="tfrecord")
    return tmp_path


def test_the_lines_for_tensorflow_are_those_of_the_sidecar(place: Path) -> None:
    sidecar = json.loads((place / "drive" / "topic=%2Fimu%2Fdata" / "features.json").read_text("utf-8"))

    assert sidecar["tensorflow"] == BLOCKS["tensorflow"].splitlines()
    compile(BLOCKS["tensorflow"], "features.json", "exec")


def test_the_lines_of_python(place: Path) -> None:
    lines = BLOCKS["python"].strip().splitlines()
    shown = "\n".join([*lines[:-1], f"print({lines[-1]})"])

    done = subprocess.run(
        [sys.executable, "-c", shown], cwd=place, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr, done.stdout) == (0, "", "[0.]\n")

"""The command line as a user calls it: exit codes, stdout and stderr."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

import bagmill
from bagmill.cli import app
from bagmill.staging import MANIFEST
from tests.convert.making import POINT, SECOND, START, Sent, Stream, point, points, record, texts


def run(*arguments: str | Path) -> Result:
    """Call the program in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return record(tmp_path / "drive.mcap", points("/p", 3), points("/q", 2), texts("/j", b'{"a": 1}'))


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    whole = record(tmp_path / "whole.mcap", points("/p", 2000), chunk_size=2000)
    path = tmp_path / "cut.mcap"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return path


def test_convert_writes_a_dataset(recording: Path, tmp_path: Path) -> None:
    done = run("convert", recording, "--output", tmp_path / "out" / "drive")

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == f"{recording} -> {tmp_path / 'out' / 'drive'}: 3 topics, 6 rows"
    folder = tmp_path / "out" / "drive"
    assert pq.read_table(folder / "topic=%2Fp" / "part-00000.parquet", partitioning=None).num_rows == 3
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    assert (manifest["schema_version"], manifest["kind"], manifest["complete"]) == (1, "convert", True)
    assert manifest["topics"]["/p"]["rows"] == 3
    assert manifest["outputs"][1] == {
        "path": "topic=%2Fp/part-00000.parquet",
        "size": (folder / "topic=%2Fp" / "part-00000.parquet").stat().st_size,
        "rows": 3,
        "schema": "pkg/msg/Point",
    }
    assert sorted(path.name for path in folder.parent.iterdir()) == ["drive"]


def test_json_is_the_manifest(recording: Path, tmp_path: Path) -> None:
    done = run("convert", recording, "--output", tmp_path / "d", "--json")

    printed = json.loads(done.stdout)
    manifest = json.loads((tmp_path / "d" / MANIFEST).read_text("utf-8"))
    assert printed == {"recording": str(recording), "output": str(tmp_path / "d"), **manifest}
    assert len(done.stdout.splitlines()) == 1


def test_every_flag_does_what_it_says(recording: Path, tmp_path: Path) -> None:
    flags = [
        "--topics",
        "/p",
        "--topics",
        "/q",
        "--exclude-topics",
        "/q",
        "--start-time",
        str(START + SECOND),
    ]
    flags += ["--end-time", "2023-11-14T22:13:22Z", "--compression", "gzip", "--on-corrupt", "fail"]

    done = run("convert", recording, "--output", tmp_path / "d", "--format", "parquet", "--json", *flags)

    manifest = json.loads(done.stdout)
    assert {name: topic["rows"] for name, topic in manifest["topics"].items()} == {"/p": 1}
    assert manifest["options"] == {
        "format": "parquet",
        "topics": ["/p", "/q"],
        "exclude_topics": ["/q"],
        "start_time": str(START + SECOND),
        "end_time": str(START + 2 * SECOND),
        "compression": "gzip",
        "on_corrupt": "fail",
    }
    column = pq.read_metadata(tmp_path / "d" / "topic=%2Fp" / "part-00000.parquet").row_group(0).column(0)
    assert column.compression == "GZIP"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "Missing option '--output'"),
        (["--output", "d", "--compression", "best"], "--compression"),
        (["--output", "d", "--on-corrupt", "maybe"], "--on-corrupt"),
        (["--output", "d", "--format", "csv"], "--format: the format is parquet or tfrecord"),
        (["--output", "d", "--start-time", "2024-05-15"], "--start-time: a time needs an offset"),
        (["--output", "d", "--topics", ""], "--topics: a glob is not empty"),
        (["--output", "d", "--no-such-flag"], "No such option"),
        (["--output", "d", "--topics", "/P"], "Did you mean /p?"),
        (["--output", "d", "--exclude-topics", "*"], "exclude_topics leaves out"),
        (
            ["--output", "d", "--start-time", "5", "--end-time", "4"],
            "--end-time: the end lies after the start",
        ),
    ],
)
def test_bad_usage(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)

    done = run("convert", recording, *arguments)

    assert (done.exit_code, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "d").exists()
    assert not (tmp_path / "d.partial").exists()


def test_an_error_says_what_where_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty.mcap").touch()

    done = run("convert", tmp_path / "empty.mcap", "--output", tmp_path / "d")

    assert done.exit_code == 1
    what, where, what_to_do = done.stderr.splitlines()
    assert what == "error: The file is empty: 0 bytes."
    assert where == f"  where: path {tmp_path / 'empty.mcap'}"
    assert what_to_do.startswith("  what to do: ")


def test_an_error_as_json(tmp_path: Path) -> None:
    done = run("convert", tmp_path / "no.mcap", "--output", tmp_path / "d", "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["code"] == "recording_not_found"


@pytest.mark.parametrize("name", ["d", "d.partial"])
def test_nothing_is_overwritten(recording: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "precious").touch()

    done = run("convert", recording, "--output", tmp_path / "d")

    assert done.exit_code == 2
    assert "already there" in done.stderr or "unfinished output" in done.stderr
    assert [path.name for path in (tmp_path / name).iterdir()] == ["precious"]
    assert not (tmp_path / ("d" if name == "d.partial" else "d.partial")).exists()


def test_a_failed_conversion_leaves_nothing(damaged: Path, tmp_path: Path) -> None:
    done = run("convert", damaged, "--output", tmp_path / "d", "--on-corrupt", "fail")

    assert done.exit_code == 1
    assert not (tmp_path / "d").exists()
    assert not (tmp_path / "d.partial").exists()


def test_an_output_that_can_not_be_made(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = run("convert", recording, "--output", tmp_path / "file" / "d")

    assert done.exit_code == 1
    assert "error: writing failed: Not a directory" in done.stderr


def test_missing_messages_are_told_and_end_with_3(damaged: Path, tmp_path: Path) -> None:
    done = run("convert", damaged, "--output", tmp_path / "d")

    assert done.exit_code == 3
    assert done.stderr.startswith("warning: ")
    assert json.loads((tmp_path / "d" / MANIFEST).read_text("utf-8"))["complete"] is False


def test_unreadable_messages_end_with_3_and_raw_topics_with_0(tmp_path: Path) -> None:
    schema = ("pkg/msg/P", "ros2msg", POINT.encode())
    short = Stream("/p", schema, "cdr", [Sent(b"short", START), Sent(point(1, 2), START)])
    raw = Stream("/r", None, "mystery", [Sent(b"?", START)])

    unreadable = run("convert", record(tmp_path / "a.mcap", short), "--output", tmp_path / "a")
    kept = run("convert", record(tmp_path / "b.mcap", raw), "--output", tmp_path / "b")

    assert (unreadable.exit_code, kept.exit_code) == (3, 0)
    assert "warning: 1 of 2 messages of /p are unreadable" in unreadable.stderr
    assert "warning: /r is kept as raw bytes" in kept.stderr
    assert "(raw bytes)" in kept.stdout


def test_many_warnings_are_not_all_printed(tmp_path: Path) -> None:
    streams = [Stream(f"/r{n}", None, "mystery", [Sent(b"?", START)]) for n in range(30)]

    done = run("convert", record(tmp_path / "a.mcap", *streams), "--output", tmp_path / "d")

    assert len(done.stderr.splitlines()) == 21
    assert "and 10 more" in done.stderr


def test_several_recordings_each_get_a_folder(recording: Path, damaged: Path, tmp_path: Path) -> None:
    done = run("convert", recording, tmp_path / "no.mcap", damaged, "--output", tmp_path / "out", "--json")

    found = json.loads(done.stdout)["recordings"]
    assert done.exit_code == 1
    assert [item.get("error", {}).get("code") for item in found] == [None, "recording_not_found", None]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cut", "drive"]


def test_recordings_of_one_name_are_refused(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    other = record(tmp_path / "sub" / "Drive.mcap", points("/p", 1))

    done = run("convert", recording, other, "--output", tmp_path / "out")

    assert done.exit_code == 2
    assert "would both become" in done.stderr
    assert not (tmp_path / "out").exists()


def test_info(recording: Path) -> None:
    done = run("info", recording)

    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "recording:   drive.mcap" in lines
    assert "messages:    6" in lines
    assert [line.split() for line in lines if line.startswith("  /p")] == [
        ["/p", "3", "1.00", "pkg/msg/Point", "[cdr]"]
    ]


def test_info_as_json(recording: Path) -> None:
    found: dict[str, Any] = json.loads(run("info", recording, "--json").stdout)

    assert found["messages"] == 6
    assert found["topics"]["/p"]["messages"] == 3


def test_info_of_an_empty_and_of_a_damaged_recording(tmp_path: Path, damaged: Path) -> None:
    assert run("info", record(tmp_path / "empty.mcap")).exit_code == 0
    assert run("info", damaged).exit_code == 3


def test_info_of_what_is_no_recording(tmp_path: Path) -> None:
    text, as_json = run("info", tmp_path), run("info", tmp_path, "--json")

    assert (text.exit_code, text.stdout) == (1, "")
    assert text.stderr.startswith("error: ")
    assert json.loads(as_json.stdout)["error"]["code"] == "not_a_recording_file"


def call(*arguments: str | bytes | Path, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Call the program as a process of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "bagmill", *arguments],
        capture_output=True,
        text=True,
        check=False,
        **settings,
    )


def test_as_a_module(recording: Path, tmp_path: Path) -> None:
    place = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(Path(bagmill.__file__).parents[1])}}

    done = call("convert", recording.name, "--output", "größer d", **place)

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "größer d" / MANIFEST).is_file()
    assert call(**place).returncode == 2


def test_help_costs_no_heavy_imports() -> None:
    heavy = "{'pyarrow', 'numpy', 'google.protobuf', 'rich'} & set(sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", f"import sys, bagmill.cli; print({heavy})"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "set()"


def test_a_path_that_is_not_utf8(recording: Path, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.mcap"
    try:
        Path(os.fsdecode(path)).write_bytes(recording.read_bytes())
    except OSError:
        return  # macOS has no such names

    done = call("convert", path, "--output", os.fsencode(tmp_path) + b"/out\xe9", "--json")
    missing = call("info", os.fsencode(tmp_path) + b"/\xff.mcap")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["source"]["name"] == "caf\\xe9.mcap"
    assert missing.returncode == 1
    assert "\\xff.mcap" in missing.stderr

"""The program as a process: signals, pipes, terminals, exit codes, what goes to which stream."""

import json
import os
import pty
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bagmill.staging import MANIFEST
from config import ROOT
from tests.convert.making import START, Sent, Stream, points, record
from tests.support.waiting import wait_for

PROGRAM = [sys.executable, "-W", "error", "-m", "bagmill"]


def call(*arguments: str | Path, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run the program to its end; everything it writes is kept."""
    how: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": ROOT} | settings
    return subprocess.run([*PROGRAM, *map(str, arguments)], text=True, check=False, **how)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("drive") / "drive.mcap", points("/ü", 3), points("/q", 2))


@pytest.fixture(scope="module")
def damaged(recording: Path) -> Path:
    whole = record(recording.with_name("whole.mcap"), points("/p", 2000), chunk_size=2000)
    path = recording.with_name("cut.mcap")
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return path


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that takes seconds with gzip: 80 MB that do not shrink."""
    noise = random.Random(1).randbytes(1 << 20)
    sent = [Sent(noise[n:] + noise[:n], START + n) for n in range(80)]
    path = tmp_path_factory.mktemp("slow") / "slow.mcap"
    return record(path, Stream("/blob", None, "blob", sent))


@contextmanager
def stopped(*files: Path, output: Path, unfinished: Path) -> Iterator[subprocess.Popen[str]]:
    """A conversion that is frozen in the middle of its work."""
    words = ["convert", *map(str, files), "--output", str(output), "--compression", "gzip", "--json"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # Whoever runs the tests may have asked for SIGHUP to be ignored, which is inherited.
    pipes |= {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)}
    with subprocess.Popen([*PROGRAM, *words], cwd=ROOT, text=True, **pipes) as process:
        try:
            wait_for(lambda: any(unfinished.rglob("*.parquet")), "the first file of the dataset")
            process.send_signal(signal.SIGSTOP)
            assert unfinished.exists()
            assert process.poll() is None
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_leaves_nothing(slow: Path, tmp_path: Path, number: signal.Signals, code: int) -> None:
    partial = tmp_path / "out" / "d.partial"
    with stopped(slow, output=tmp_path / "out" / "d", unfinished=partial) as process:
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        said, complained = process.communicate(timeout=60)

    assert process.returncode == code
    assert said == ""
    assert complained == f"interrupted by {number.name}; what was unfinished is removed\n"
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_the_whole_list_and_keeps_what_is_finished(
    recording: Path, slow: Path, tmp_path: Path
) -> None:
    partial = tmp_path / "slow.partial"
    with stopped(recording, slow, recording.with_name("no"), output=tmp_path, unfinished=partial) as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)

    assert process.returncode == 130
    assert [path.name for path in tmp_path.iterdir()] == ["drive"]
    assert json.loads((tmp_path / "drive" / MANIFEST).read_text("utf-8"))["complete"] is True


def test_a_killed_run_leaves_its_partial_folder_and_no_dataset(slow: Path, tmp_path: Path) -> None:
    with stopped(slow, output=tmp_path / "d", unfinished=tmp_path / "d.partial") as process:
        process.kill()
        process.wait()

    again = call("convert", slow, "--output", tmp_path / "d")

    assert [path.name for path in tmp_path.iterdir()] == ["d.partial"]
    assert again.returncode == 2
    assert "remove it and try again" in again.stderr


def test_exit_codes_and_streams(recording: Path, damaged: Path, tmp_path: Path) -> None:
    runs = {
        0: call("convert", recording, "--output", tmp_path / "0"),
        1: call("convert", recording.with_name("none"), "--output", tmp_path / "1"),
        2: call("convert", recording, "--output", tmp_path / "2", "--topics", "/none"),
        3: call("convert", damaged, "--output", tmp_path / "3"),
    }

    assert {code: done.returncode for code, done in runs.items()} == {0: 0, 1: 1, 2: 2, 3: 3}
    assert [bool(done.stdout) for done in runs.values()] == [True, False, False, True]
    assert [bool(done.stderr) for done in runs.values()] == [False, True, True, True]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "3"]


def test_several_recordings_end_with_the_worst_code_and_all_are_told(
    recording: Path, damaged: Path, tmp_path: Path
) -> None:
    done = call(
        "convert", recording.with_name("none"), damaged, recording, "--output", tmp_path / "out", "--json"
    )

    found = json.loads(done.stdout)["recordings"]
    assert done.returncode == 1
    assert [item.get("complete") for item in found] == [None, False, True]
    assert found[0] == {"recording": str(recording.with_name("none")), "error": found[0]["error"]}
    assert set(found[0]["error"]) == {"code", "message", "where", "hint"}
    manifest = json.loads((tmp_path / "out" / "drive" / MANIFEST).read_text("utf-8"))
    assert found[2] == {"recording": str(recording), "output": str(tmp_path / "out" / "drive"), **manifest}


@pytest.mark.parametrize("command", ["info", "doctor"])
def test_the_other_commands_end_alike(recording: Path, damaged: Path, command: str) -> None:
    fine, broken = call(command, recording, "--json"), call(command, damaged)
    missing, misused = call(command, recording.with_name("no"), "--json"), call(command)

    assert [done.returncode for done in (fine, broken, missing, misused)] == [0, 3, 1, 2]
    assert json.loads(fine.stdout)["recording"] == "drive.mcap"
    assert json.loads(missing.stdout)["recording"] == str(recording.with_name("no"))
    assert missing.stderr.startswith("error: ")
    assert (misused.stdout, "Missing argument" in misused.stderr) == ("", True)


def through_a_terminal(stream: str, *arguments: str | Path) -> tuple[str, subprocess.CompletedProcess[str]]:
    """Run the program with one of its streams a terminal; what was seen there, and the rest."""
    ours, theirs = pty.openpty()
    try:
        done = call(*arguments, **{stream: theirs}, env=os.environ | {"TERM": "xterm", "COLUMNS": "100"})
    finally:
        os.close(theirs)
    seen = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        while part := _read(terminal.fileno()):
            seen += part
    return seen.decode(), done


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # how Linux says that nobody has the other side any more
        return b""


def test_progress_is_drawn_on_a_terminal_only(recording: Path, tmp_path: Path) -> None:
    seen, done = through_a_terminal("stderr", "convert", recording, "--output", tmp_path / "a", "--json")
    piped = call("convert", recording, "--output", tmp_path / "b", "--json")

    assert "drive.mcap" in seen
    assert "\x1b" in seen
    assert json.loads(done.stdout)["complete"] is True
    assert (piped.stderr, done.returncode, piped.returncode) == ("", 0, 0)


def test_findings_are_a_table_on_a_terminal_only(damaged: Path) -> None:
    seen, _ = through_a_terminal("stdout", "doctor", damaged)
    piped = call("doctor", damaged)

    assert "━" in seen
    assert "truncated" in seen
    assert "error: truncated: " in piped.stdout
    assert "\x1b" not in piped.stdout


def test_a_reader_that_goes_away_stops_nothing(recording: Path, tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        done = call("convert", recording, "--output", tmp_path / "d", stdout=theirs)
    finally:
        os.close(theirs)

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "d" / MANIFEST).is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_result_that_can_not_be_written_is_a_failure(recording: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = call("info", recording, "--json", stdout=full)

    assert done.returncode == 1
    assert done.stderr == "error: the result could not be written: No space left on device\n"


def test_closed_streams_do_no_harm(recording: Path, tmp_path: Path) -> None:
    command = 'exec "$0" "$@" >&- 2>&-'
    words = [*PROGRAM, "convert", str(recording), "--output", str(tmp_path / "d")]

    done = subprocess.run(["sh", "-c", command, *words], cwd=ROOT, check=False)

    assert done.returncode == 0
    assert (tmp_path / "d" / MANIFEST).is_file()


def test_json_in_a_world_without_unicode(recording: Path) -> None:
    plain = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}

    as_json, as_text = call("info", recording, "--json", env=plain), call("info", recording, env=plain)

    assert "/ü" in json.loads(as_json.stdout)["topics"]
    assert "/\\xfc" in as_text.stdout
    assert (as_json.returncode, as_text.returncode) == (0, 0)


def test_outputs_with_awkward_names(recording: Path, tmp_path: Path) -> None:
    here: dict[str, Any] = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(ROOT)}}

    long = call("convert", recording, "--output", "x" * 250, **here)
    dot = call("convert", recording, "--output", ".", **here)

    assert (long.returncode, dot.returncode) == (1, 2)
    assert "File name too long" in long.stderr
    assert "already there" in dot.stderr
    assert list(tmp_path.iterdir()) == []

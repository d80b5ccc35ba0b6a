"""Durable files: whole or not there, never replacing what must stay, and errors that name the path."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bagmill.errors import OutputExists
from config import ROOT
from models.workflow import Output, Status
from services import durable
from services.errors import StorageFailed


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_is_replaced_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    durable.write_bytes(path, b"one")
    before = path.stat().st_ino

    durable.write_bytes(path, b"two", sync=False)

    assert path.read_bytes() == b"two"
    assert path.stat().st_ino != before
    assert names(tmp_path) == {"state.json"}


def test_a_reader_that_has_the_old_file_open_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    durable.write_bytes(path, b"old" * 1000)
    with path.open("rb") as reader:
        start = reader.read(3)
        durable.write_bytes(path, b"new" * 1000)

        assert start + reader.read() == b"old" * 1000


def test_json_is_pretty_utf8_with_a_final_newline(tmp_path: Path) -> None:
    durable.write_json(tmp_path / "a.json", {"päth": [1, Status.QUEUED]})

    assert (tmp_path / "a.json").read_text("utf-8") == '{\n  "päth": [\n    1,\n    "queued"\n  ]\n}\n'


def test_json_of_a_model_uses_the_published_names(tmp_path: Path) -> None:
    output = Output(path="a", size=1, sha256="0", schema="sensor_msgs/msg/Imu")

    assert b'"schema": "sensor_msgs/msg/Imu"' in durable.json_bytes(output)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_nan_never_gets_into_a_file(tmp_path: Path, number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        durable.write_json(tmp_path / "a.json", {"rate": number})

    assert not names(tmp_path)


def test_create_exclusive_makes_a_file_once(tmp_path: Path) -> None:
    path = tmp_path / "key"

    assert durable.create_exclusive(path, b"first")
    assert not durable.create_exclusive(path, b"second")
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == {"key"}


def test_lines_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    durable.append_lines(path, [durable.json_line({"seq": 1})])
    durable.append_lines(path, [durable.json_line({"seq": 2}), durable.json_line({"seq": 3})], sync=False)

    assert path.read_text() == '{"seq": 1}\n{"seq": 2}\n{"seq": 3}\n'


def test_a_folder_is_born_whole(tmp_path: Path) -> None:
    folder = durable.make_folder(tmp_path, "run", {"a": b"1", "b": b"2"})

    assert folder == tmp_path / "run"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"a": b"1", "b": b"2"}
    assert names(tmp_path) == {"run"}


def test_what_a_crash_left_of_a_folder_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / ".new-run").mkdir()
    (tmp_path / ".new-run" / "stale").write_bytes(b"x")

    folder = durable.make_folder(tmp_path, "run", {"a": b"1"})

    assert names(folder) == {"a"}


def test_a_folder_that_is_there_stays_and_leaves_no_other(tmp_path: Path) -> None:
    durable.make_folder(tmp_path, "run", {"a": b"1"})

    with pytest.raises(OutputExists):
        durable.make_folder(tmp_path, "run", {"a": b"2"})

    assert names(tmp_path) == {"run"}
    assert (tmp_path / "run" / "a").read_bytes() == b"1"


@pytest.mark.parametrize("kind", ["full", "empty", "file", "link", "dangling"])
def test_a_rename_never_replaces(tmp_path: Path, kind: str) -> None:
    source, target = tmp_path / "index.1.partial", tmp_path / "index"
    source.mkdir()
    if kind in {"full", "empty"}:
        target.mkdir()
    if kind == "full":
        (target / "data").write_bytes(b"kept")
    if kind == "file":
        target.write_bytes(b"kept")
    if kind in {"link", "dangling"}:
        target.symlink_to(tmp_path if kind == "link" else tmp_path / "nowhere")

    with pytest.raises(OutputExists) as caught:
        durable.rename_folder(source, target)

    assert caught.value.where == {"path": str(target)}
    assert source.is_dir()
    assert os.path.lexists(target)


def test_a_tree_is_removed_but_not_what_its_links_name(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "recording.mcap").write_bytes(b"x")
    (tmp_path / "run" / "deep").mkdir(parents=True)
    (tmp_path / "run" / "deep" / "link").symlink_to(tmp_path / "kept")

    durable.remove_tree(tmp_path / "run")
    durable.remove_tree(tmp_path / "run")  # a second time finds nothing to do

    assert names(tmp_path) == {"kept"}
    assert names(tmp_path / "kept") == {"recording.mcap"}


def test_what_stands_in_the_place_of_a_tree_is_removed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "loop").symlink_to("loop")

    for name in ("file", "link", "loop"):
        durable.remove_tree(tmp_path / name)

    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept" / "file").exists()


def test_setting_aside_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for text in ("first", "second"):
        path.write_text(text)
        durable.set_aside(path)

    assert (tmp_path / "state.json.unreadable-1").read_text() == "first"
    assert (tmp_path / "state.json.unreadable-2").read_text() == "second"
    assert not path.exists()


def test_only_the_temporary_files_of_one_file_are_swept(tmp_path: Path) -> None:
    mine = ".[q].json.0123abcd.tmp"
    others = {".state.json.0123abcd.tmp", "[q].json", ".q.json.0123abcd.tmp", "[q].json.tmp"}
    for name in {mine} | others:
        (tmp_path / name).touch()

    durable.sweep_temporaries(tmp_path / "[q].json")

    assert names(tmp_path) == others


def test_fsync_of_a_tree_reaches_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "part-00000.parquet").write_bytes(b"PAR1")

    durable.fsync_tree(tmp_path / "a")


def test_a_missing_folder_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed) as caught:
        durable.write_bytes(tmp_path / "gone" / "state.json", b"x")

    assert str(tmp_path / "gone") in str(caught.value.where["path"])
    assert caught.value.hint
    assert isinstance(caught.value.__cause__, FileNotFoundError)


FILL = """
import resource, signal, sys
from pathlib import Path
from services import durable
from services.errors import StorageFailed
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    durable.write_bytes(Path(sys.argv[1]), b"new" * 1000)
except StorageFailed as error:
    print(error.message)
"""


def test_a_write_that_does_not_fit_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    durable.write_bytes(path, b"old")

    told = subprocess.run(
        [sys.executable, "-c", FILL, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert told.stdout == "File too large.\n"
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == {"state.json"}


DENIED = """
import os, sys
from pathlib import Path
from services import durable
from services.errors import StorageFailed
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
for write in (durable.write_bytes, durable.create_exclusive, lambda p, d: durable.append_lines(p, [d])):
    try:
        write(Path(sys.argv[1]), b"new")
    except StorageFailed as error:
        print(error.message)
"""


def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o555)

    told = subprocess.run(
        [sys.executable, "-c", DENIED, str(folder / "a")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout == "Permission denied.\n" * 3
    assert not names(folder)


def test_every_call_closes_what_it_opens(tmp_path: Path) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    for number in range(20):
        durable.write_bytes(tmp_path / "a", b"x")
        durable.append_lines(tmp_path / "b", [b"x\n"])
        durable.create_exclusive(tmp_path / "c", b"x")
        durable.make_folder(tmp_path, f"f{number}", {"a": b""})

    assert len(list(Path("/dev/fd").iterdir())) == before

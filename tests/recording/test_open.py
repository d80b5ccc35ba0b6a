"""What is no recording is refused with a reason and a way out; nothing waits, nothing crashes."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bagmill.errors import (
    BagmillError,
    EmptyRecording,
    LfsPointer,
    NotARecordingFile,
    NotMcap,
    RecordingChanged,
    RecordingDamaged,
    RecordingNotFound,
    RecordingUnreadable,
)
from bagmill.recording import Recording
from bagmill.recording.source import Source
from tests.recording.making import MAGIC, Maker, header, messages

NOBODY = 65534


def refusal(path: Path, kind: type[BagmillError]) -> BagmillError:
    with pytest.raises(kind) as caught:
        Recording.open(path)
    error = caught.value
    assert type(error) is kind
    assert error.message
    assert error.hint
    assert error.where["path"]
    json.dumps({"text": str(error), "where": error.where}, ensure_ascii=False).encode("utf-8")
    return error


def test_a_missing_file(tmp_path: Path) -> None:
    refusal(tmp_path / "none.mcap", RecordingNotFound)


def test_a_path_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")

    refusal(tmp_path / "file" / "below.mcap", RecordingNotFound)


def test_a_name_too_long_for_the_file_system(tmp_path: Path) -> None:
    refusal(tmp_path / ("x" * 300), RecordingNotFound)


def test_a_path_with_a_zero_byte(tmp_path: Path) -> None:
    refusal(tmp_path / "a\0b.mcap", RecordingNotFound)


def test_a_path_that_is_not_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mcap"))

    error = refusal(path, RecordingNotFound)

    assert str(error.where["path"]).endswith("caf\\xe9.mcap")


def test_a_folder(tmp_path: Path) -> None:
    assert "folder" in refusal(tmp_path, NotARecordingFile).message


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mcap")

    assert "pipe" in refusal(tmp_path / "pipe.mcap", NotARecordingFile).message


def test_a_device() -> None:
    assert "device" in refusal(Path("/dev/zero"), NotARecordingFile).message


def test_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is at most 107 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.mcap")

        assert "socket" in refusal(tmp_path / "s.mcap", NotARecordingFile).message


def test_a_loop_of_symlinks(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")

    assert "loop" in refusal(tmp_path / "a", RecordingUnreadable).message


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read everything, so be somebody else for a while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if before == 0:
            os.seteuid(before)


def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.mcap"
    path.write_bytes(MAGIC)
    path.chmod(0)

    with unprivileged():
        assert "permission" in refusal(path, RecordingUnreadable).message


def test_a_link_to_a_recording_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.mcap").write_bytes(Maker.plain().loose(messages(1)).finish())
    (tmp_path / "link.mcap").symlink_to("real.mcap")

    with Recording.open(tmp_path / "link.mcap") as recording:
        assert recording.summary.message_count == 1


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.mcap").touch()

    refusal(tmp_path / "empty.mcap", EmptyRecording)


@pytest.mark.parametrize("length", range(1, 8))
def test_a_file_that_ends_inside_the_magic_bytes(tmp_path: Path, length: int) -> None:
    path = tmp_path / "short.mcap"
    path.write_bytes(MAGIC[:length])

    refusal(path, RecordingDamaged)


def test_a_pointer_of_git_lfs(tmp_path: Path) -> None:
    path = tmp_path / "pointer.mcap"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1900\n")

    assert "git lfs pull" in refusal(path, LfsPointer).hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a text file, nothing else\n", "MCAP"),
        (b"\x89MCAP0\n\x01\x19", "line ends"),
        (b"\x89MCAP0\r\r\n\x01\x19", "line ends"),
        (b"\x89MCAP1\r\nmore", "version 1"),
        (b"#ROSBAG V2.0\n", "ROS 1 bag"),
        (b"SQLite format 3\x00more", "SQLite"),
        (b"\x28\xb5\x2f\xfdmore of it", "zstd"),
        (b"\x1f\x8b\x08\x00more", "gzip"),
        (b"PK\x03\x04more", "zip"),
        (b"<!DOCTYPE HTML><html>", "web page"),
        (b"\0" * 100, "zeros"),
        (b"x", "MCAP"),
    ],
)
def test_other_kinds_of_files_are_called_by_their_name(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "other.mcap"
    path.write_bytes(content)

    assert said in refusal(path, NotMcap).message


def test_header_and_identity_of_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "good.mcap"
    made = Maker.plain()
    made.data = bytearray(MAGIC + header("ros2", "a library"))
    path.write_bytes(made.loose(messages(3)).finish())

    with Recording.open(path) as recording:
        assert (recording.profile, recording.library) == ("ros2", "a library")
        assert recording.size == path.stat().st_size
        assert recording.path == path


def test_a_file_that_becomes_shorter_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "shrinking.mcap"
    path.write_bytes(Maker.plain().loose(messages(50, size=1000)).finish())

    with Recording.open(path) as recording:
        assert recording.summary.message_count == 50
        os.truncate(path, 1000)
        with pytest.raises(RecordingChanged):
            list(recording.blocks())


def test_reading_across_the_size_that_was_seen_is_an_error_and_not_a_short_answer(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")

    source = Source.open(path)
    with pytest.raises(RecordingChanged):
        source.read(5, 10)
    source.close()
    source.close()

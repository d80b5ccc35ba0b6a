"""Recordings as the user names them."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bagmill.errors import (
    EmptyRecording,
    NotARecordingFile,
    NotMcap,
    RecordingError,
    RecordingNotFound,
    RecordingUnreadable,
)
from services.sources import find, finds_nothing, names_one, stamp

MCAP = b"\x89MCAP0\r\n" + bytes(20)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder of recordings with what people have in such folders."""
    for name in (
        "b.mcap",
        "a.MCAP",
        "day 1/c.mcap",
        "day 1/metadata.yaml",
        "day 1/.cache/d.mcap",
        "day 1/._c.mcap",
        "day 1/é/e.mcap",
        "[x]/f.mcap",
    ):
        path = tmp_path / "recordings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(MCAP)
    return tmp_path / "recordings"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything; this makes it somebody else for a while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_stamp_is_what_the_file_is_now(base: Path) -> None:
    found = stamp("day 1/c.mcap", base)

    facts = (base / "day 1/c.mcap").stat()
    assert found.path == str(base / "day 1" / "c.mcap")
    assert (found.size, found.mtime_ns, found.inode) == (len(MCAP), facts.st_mtime_ns, facts.st_ino)
    assert stamp(str(base / "b.mcap"), Path("/nowhere")).path == str(base / "b.mcap")


def test_a_file_that_may_not_be_read(base: Path) -> None:
    (base / "b.mcap").chmod(0)

    with as_nobody(), pytest.raises(RecordingUnreadable):
        stamp("b.mcap", base)


def test_a_folder_that_may_not_be_searched(base: Path) -> None:
    (base / "day 1").chmod(0)
    try:
        with as_nobody(), pytest.raises(RecordingUnreadable):
            stamp("day 1/c.mcap", base)
    finally:
        (base / "day 1").chmod(0o755)


def test_a_socket_is_no_recording(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(base)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind("s.mcap")
        with pytest.raises(NotARecordingFile):
            stamp("s.mcap", base)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", EmptyRecording), (b"\0" * 100, NotMcap), (b"\x89MCAP1\r\n", NotMcap), (b"<html>", NotMcap)],
)
def test_first_bytes(base: Path, content: bytes, kind: type[RecordingError]) -> None:
    (base / "x.mcap").write_bytes(content)

    with pytest.raises(kind) as caught:
        stamp("x.mcap", base)

    assert caught.value.where["path"] == str(base / "x.mcap")
    assert caught.value.hint


@pytest.mark.parametrize("path", ["a\0b", "\udcff.mcap", "\ud800"])
def test_text_that_can_be_no_path(base: Path, path: str) -> None:
    for look in (stamp, find, finds_nothing, names_one):
        with pytest.raises(RecordingError):
            look(path, base)


def test_a_list_stands_as_it_is(base: Path) -> None:
    assert find(["x", "b.mcap", "x"], base).recordings == ("x", "b.mcap", "x")


@pytest.mark.parametrize("name", [".", "", "../recordings", "{base}"])
def test_a_folder_stands_for_all_below_it(base: Path, name: str) -> None:
    named = name.format(base=base)

    found = find(named, base).recordings

    assert [Path(base, one).resolve().relative_to(base).as_posix() for one in found] == [
        "[x]/f.mcap",
        "a.MCAP",
        "b.mcap",
        "day 1/c.mcap",
        "day 1/é/e.mcap",
    ]


def test_names_are_relative_where_they_can_be(base: Path) -> None:
    elsewhere = base.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "z.mcap").write_bytes(MCAP)

    assert find("day 1", base).recordings == ("day 1/c.mcap", "day 1/é/e.mcap")
    assert find(str(base / "day 1"), base).recordings == ("day 1/c.mcap", "day 1/é/e.mcap")
    assert find(str(elsewhere), base).recordings == (str(elsewhere / "z.mcap"),)


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("*.mcap", ("b.mcap",)),
        ("*", ("a.MCAP", "b.mcap")),
        ("*/*.mcap", ("[x]/f.mcap", "day 1/c.mcap")),
        ("**/*.mcap", ("[x]/f.mcap", "b.mcap", "day 1/c.mcap", "day 1/é/e.mcap")),
        ("day ?/**/e.mcap", ("day 1/é/e.mcap",)),
        ("day 1/.cache/*.mcap", ("day 1/.cache/d.mcap",)),
        ("day 1/*.yaml", ()),
        ("day*", ()),
        ("[x]", ("[x]/f.mcap",)),
        ("[x]/*.mcap", ()),
        ("nowhere/*", ()),
    ],
)
def test_globs(base: Path, glob: str, found: tuple[str, ...]) -> None:
    assert find(glob, base).recordings == found
    assert find(str(base / glob), base).recordings == found
    assert finds_nothing(glob, base) is not bool(found)


@pytest.mark.parametrize("glob", ["*/" + "x" * 300, "x" * 300 + "/*", "[", "**x", "*\0", "x" * 5000 + "*"])
def test_globs_that_are_none(base: Path, glob: str) -> None:
    with suppress(RecordingError):
        assert find(glob, base).recordings in {(), (glob,)}


def test_a_name_without_wildcards_stands_for_itself(base: Path) -> None:
    assert find("b.mcap", base).recordings == ("b.mcap",)
    assert find("gone.mcap", base).recordings == ("gone.mcap",)
    assert names_one("gone.mcap", base)
    assert not names_one("day 1", base)
    assert not names_one("*.mcap", base)


def test_links_to_folders_are_no_way_round_in_circles(base: Path) -> None:
    for number in range(3):
        (base / f"up{number}").symlink_to(base, target_is_directory=True)
    (base / "again.mcap").symlink_to(base / "b.mcap")

    assert len(find(".", base).recordings) == 5
    assert find("**/*.mcap", base).recordings.count("b.mcap") <= 1
    assert len(find("**/*.mcap", base).recordings) == 4


def test_names_that_no_json_can_carry_are_told(base: Path) -> None:
    path = os.fsencode(base) + b"/\xff.mcap"
    try:
        Path(os.fsdecode(path)).write_bytes(MCAP)
    except OSError:  # file systems of macOS refuse such names
        return

    found = find(".", base)

    assert len(found.recordings) == 5
    assert found.unnamed == ("\\udcff.mcap",)


def test_what_is_gone_is_told_with_its_whole_path(base: Path) -> None:
    with pytest.raises(RecordingNotFound, match=str(base)):
        stamp("gone.mcap", base)

"""Power cuts at the calls to the disk of whole stories: see cuts.py and power.py."""

import json
import random
from pathlib import Path

import pytest

from services.disk import Call, Op
from tests.crash.power import Recorder, Tree
from tests.crash.stories import STORIES
from tests.support.processes import python

PARTS = 6


def trees(folder: Path, story: str, limit: int, first: int, every: int) -> int:
    """After how many power cuts all was well."""
    numbers = map(str, (limit, first, every))
    told = python("-m", "tests.crash.cuts", str(folder), story, *numbers, patience=3600)
    assert told.returncode == 0, told.stderr[-5000:]
    return int(json.loads(told.stdout)["trees"])


def test_some_power_cuts_lose_nothing(tmp_path: Path) -> None:
    assert trees(tmp_path, "steps", 3, 20, 61) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("story", STORIES)
def test_no_power_cut_loses_anything(tmp_path: Path, story: str, part: int) -> None:
    assert trees(tmp_path, story, 6, part, PARTS) >= 15


def call(op: Op, path: str, target: str = "", data: bytes = b"", size: int = 0) -> Call:
    return Call(0, op, f"/r{path}", f"/r{target}", data, size)


def left(*calls: Call) -> list[Tree]:
    """What power cuts after these calls may leave."""
    recorder = Recorder(Path("/r"))
    recorder.calls += calls
    return recorder.left(50, random.Random(1))


def names(trees: list[Tree]) -> set[str]:
    return {" ".join(path.removeprefix("/r") for path in sorted(tree)).strip() for tree in trees}


WRITTEN = [call(Op.CREATE, "/a"), call(Op.WRITE, "/a", data=b"one")]
SYNCED = [*WRITTEN, call(Op.SYNC, "/a", data=b"one", size=1)]


def test_what_is_not_synced_may_be_there_or_not() -> None:
    contents = {tree.get("/r/a", b"no file") for tree in left(*WRITTEN)}

    assert contents == {b"no file", b"", b"one", bytes(3)}, "the size may come without the bytes"


def test_a_name_needs_a_sync_of_its_folder() -> None:
    assert {"/r": None} in left(*SYNCED)
    assert {tree["/r/a"] for tree in left(*SYNCED, call(Op.SYNC, ""))} == {b"one"}


def test_a_rename_brings_all_or_nothing() -> None:
    begun = [call(Op.MKDIR, "/new"), call(Op.CREATE, "/new/f"), call(Op.WRITE, "/new/f", data=b"x")]
    synced = [call(Op.SYNC, "/new/f", data=b"x", size=1), call(Op.SYNC, "/new"), call(Op.SYNC, "")]
    renamed = call(Op.RENAME, "/new", "/done")

    assert names(left(*begun, *synced, renamed)) == {"/new /new/f", "/done /done/f"}
    assert names(left(*begun, *synced, renamed, call(Op.SYNC, ""))) == {"/done /done/f"}


def test_a_folder_that_is_removed_may_be_half_gone() -> None:
    begun = [call(Op.CREATE, f"/d/{name}") for name in "ab"]

    found = names(left(*begun, call(Op.SYNC, "/d"), call(Op.SYNC, ""), call(Op.REMOVE_TREE, "/d")))

    assert found == {"", "/d", "/d /d/a", "/d /d/b", "/d /d/a /d/b"}

"""An interrupted conversion goes on from its last checkpoint, and makes what an uninterrupted one makes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bagmill.choices import Converting
from bagmill.convert import convert
from bagmill.errors import OutputFailed
from bagmill.options import ConvertOptions
from bagmill.report import CHECKPOINT, Progress, Report
from tests.convert.making import points, record, texts

EVERY = 20 << 20


class Interrupted(Exception):
    """What ends a conversion in the middle."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Topics of several kinds, out of order and unreadable in part; big messages fill blocks of 16 MB."""
    big = [bytes(100_000)] * 800
    streams = [
        points("/points", 500),
        points("/points", 500, first=-500),
        texts("/texts", *[b'{"v": 1}', b"{", *[b'{"v": "%d"}' % number for number in range(700)], b"no"]),
        texts("/big", *big, schema=("pkg/Any", "unknown", b"?")),
        points("/more", 700),
    ]
    return record(tmp_path_factory.mktemp("recording") / "mixed.mcap", *streams)


def run(recording: Path, output: Path, options: Converting, fail_at: int = 0, threads: int = 1) -> Report:
    """Convert, and be interrupted after so many blocks."""
    output.mkdir(exist_ok=True)
    blocks = 0

    def progress(told: Progress) -> None:
        nonlocal blocks
        blocks += told.stage == "convert"
        if told.stage == "convert" and blocks == fail_at:
            raise Interrupted

    return convert(recording, output, options, progress, threads=threads, checkpoint_bytes=EVERY)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def blocks_of(recording: Path, output: Path, options: Converting) -> tuple[int, Report]:
    """How many blocks there are, and the report of an uninterrupted run."""
    counted = []

    def progress(told: Progress) -> None:
        counted.append(told.stage == "convert")

    output.mkdir()
    report = convert(recording, output, options, progress, threads=1, checkpoint_bytes=EVERY)
    return sum(counted), report


OPTIONS: dict[str, Callable[[], ConvertOptions]] = {
    "parquet": ConvertOptions,
    "tfrecord": lambda: ConvertOptions(format="tfrecord"),
    "some": lambda: ConvertOptions(topics=["/points", "/big"]),
}


@pytest.mark.parametrize(
    "name",
    ["parquet", *(pytest.param(name, marks=pytest.mark.slow) for name in OPTIONS if name != "parquet")],
)
def test_wherever_it_is_interrupted_the_result_is_the_same(
    recording: Path, tmp_path: Path, name: str
) -> None:
    options = OPTIONS[name]()
    count, report = blocks_of(recording, tmp_path / "whole", options)
    expected = tree(tmp_path / "whole")
    assert count > 3
    assert CHECKPOINT not in expected
    assert report.warnings
    noted = 0
    for place in range(1, count + 1):
        output = tmp_path / f"at-{place}"
        with pytest.raises(Interrupted):
            run(recording, output, options, place)
        if (output / CHECKPOINT).exists():
            noted += 1
        else:
            shutil.rmtree(output)
        assert run(recording, output, options, threads=1 + place % 2) == report
        assert tree(output) == expected
    assert noted


def test_what_is_finished_is_not_made_again(recording: Path, tmp_path: Path) -> None:
    count, _ = blocks_of(recording, tmp_path / "whole", ConvertOptions())
    output = tmp_path / "output"
    for place in (count - 1, count - 1, count):  # it may be interrupted again, also while it goes on
        with pytest.raises(Interrupted):
            run(recording, output, ConvertOptions(), place)
    files = json.loads((output / CHECKPOINT).read_bytes())["files"]
    before = {
        path: path.stat()
        for folder, parts in files.items()
        for path in (output / folder / part[0] for part in parts)
    }

    run(recording, output, ConvertOptions())

    assert len(before) > 3
    for path, stat in before.items():
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (stat.st_ino, stat.st_mtime_ns)
    assert tree(output) == tree(tmp_path / "whole")


def cut(output: Path) -> None:
    part = next(output.rglob("part-00000.parquet"))
    part.write_bytes(part.read_bytes()[:-1])


def lose(output: Path) -> None:
    next(output.rglob("part-00000.parquet")).unlink()


def spoil(output: Path) -> None:
    (output / CHECKPOINT).write_bytes(b'{"key": ')


@pytest.mark.parametrize(
    "spoiling", [cut, *(pytest.param(way, marks=pytest.mark.slow) for way in (lose, spoil))]
)
def test_what_is_not_as_it_was_left_is_made_anew(
    recording: Path, tmp_path: Path, spoiling: Callable[[Path], None]
) -> None:
    count, report = blocks_of(recording, tmp_path / "whole", ConvertOptions())
    output = tmp_path / "output"
    with pytest.raises(Interrupted):
        run(recording, output, ConvertOptions(), count)
    spoiling(output)

    assert run(recording, output, ConvertOptions()) == report
    assert tree(output) == tree(tmp_path / "whole")


def test_a_folder_without_a_checkpoint_is_left_alone(recording: Path, tmp_path: Path) -> None:
    mine = tmp_path / "output" / "topic=%2Fpoints" / "part-00000.parquet"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")

    with pytest.raises(OutputFailed):
        run(recording, tmp_path / "output", ConvertOptions())

    assert mine.read_bytes() == b"mine"


def test_other_options_begin_anew(recording: Path, tmp_path: Path) -> None:
    output, other = tmp_path / "output", ConvertOptions(topics=["/points"])
    count, _ = blocks_of(recording, tmp_path / "whole", ConvertOptions())
    _, report = blocks_of(recording, tmp_path / "other", other)
    with pytest.raises(Interrupted):
        run(recording, output, ConvertOptions(), count)

    assert run(recording, output, other) == report
    assert tree(output) == tree(tmp_path / "other")

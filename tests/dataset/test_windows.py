"""Windows at the start of a recording: they grow, and read no more than they may."""

from pathlib import Path

import pytest
from mcap.writer import Writer

from bagmill.dataset.windows import Window, Windows
from bagmill.recording import Recording
from tests.convert.making import SECOND, START, points, record

COUNT = 2000
END = START + (COUNT - 1) * SECOND + 1


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A message a second, in many small chunks."""
    return record(tmp_path_factory.mktemp("windows") / "x.mcap", points("/a", COUNT), chunk_size=2000)


def found(path: Path, topic: str, steps: tuple[int, ...], start: int = START, end: int = END) -> list[Window]:
    with Recording.open(path) as recording:
        channels = [one.id for one in recording.summary.channels.values() if one.topic == topic]
        windows = Windows(recording, channels, start, end)
    return [windows.of(step) for step in steps]


def test_windows_grow_until_the_whole_is_read(path: Path) -> None:
    every = found(path, "/a", (4_000, 16_000, 1 << 30))

    assert [window.whole for window in every] == [False, False, True]
    assert [window.start for window in every] == [START] * 3
    assert START < every[0].end < every[1].end < END
    assert every[2].end == END


def test_no_window_needs_more_bytes_than_it_may(path: Path) -> None:
    (window,) = found(path, "/a", (16_000,))

    with Recording.open(path) as recording:
        chunks = [chunk for chunk in recording.summary.chunks if chunk.start_time < window.end]
        rest = [chunk for chunk in recording.summary.chunks if chunk.start_time >= window.end]
    assert sum(chunk.uncompressed_size for chunk in chunks) <= 16_000
    assert rest
    assert sum(chunk.uncompressed_size for chunk in [*chunks, rest[0]]) > 16_000


def test_a_window_may_begin_later(path: Path) -> None:
    middle = START + 500 * SECOND
    first, second = found(path, "/a", (4_000, 1 << 30), start=middle, end=middle + 300 * SECOND)

    assert (first.start, first.whole) == (middle, False)
    assert second == Window(middle, middle + 300 * SECOND, whole=True)


def test_what_is_small_is_read_at_once(path: Path) -> None:
    assert found(path, "/a", (1 << 30, 1 << 40)) == [Window(START, END, whole=True)] * 2


def test_a_chunk_bigger_than_all_windows_is_read(path: Path) -> None:
    (window,) = found(path, "/a", (10,))

    assert START < window.end < END


def test_chunks_without_the_topic_cost_nothing(tmp_path: Path) -> None:
    late = points("/late", 10, first=COUNT)
    path = record(tmp_path / "x.mcap", points("/a", COUNT), chunk_size=2000)
    with_late = record(tmp_path / "y.mcap", points("/a", COUNT), late, chunk_size=2000)

    assert not found(path, "/a", (4_000,))[0].whole
    assert found(with_late, "/none", (4_000,))[0].whole


def test_a_recording_without_chunks_is_measured_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    with path.open("wb") as file:
        writer = Writer(file, use_chunking=False)
        writer.start()
        channel = writer.register_channel("/a", "json", 0)
        for number in range(COUNT):
            writer.add_message(channel, START + number * SECOND, b"{}", START)
        writer.finish()  # type: ignore[no-untyped-call]

    (window,) = found(path, "/a", (path.stat().st_size // 4,))

    assert window.end == pytest.approx(START + (END - START) // 4, abs=SECOND)
    assert not window.whole

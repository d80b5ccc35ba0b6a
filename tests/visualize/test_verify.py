from pathlib import Path

import pytest

from bagmill.errors import OutputUnverified
from bagmill.visualize.tally import Tally
from bagmill.visualize.verify import read_back, verify
from tests.conftest import Sample
from tests.visualize.rrd import show


@pytest.fixture(scope="module")
def good(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return show(sample.path, tmp_path_factory.mktemp("good") / "out").path


def test_what_was_written_is_found_again(good: Path) -> None:
    verify(good, read_back(good))


@pytest.mark.parametrize(
    "content",
    [b"", b"RRF2", b"no rerun recording at all, only text", bytes(4096)],
    ids=["empty", "head", "text", "zeros"],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "recording.rrd"
    path.write_bytes(content)

    with pytest.raises(OutputUnverified):
        verify(path, Tally())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputUnverified):
        verify(tmp_path / "recording.rrd", Tally())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(good: Path, tmp_path: Path, share: float) -> None:
    path = tmp_path / "recording.rrd"
    data = good.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])

    with pytest.raises(OutputUnverified):
        verify(path, read_back(good))


def test_a_row_too_few_is_refused(good: Path) -> None:
    expected = read_back(good)
    expected.rows["/odom", "Transform3D:translation"] += 1

    with pytest.raises(OutputUnverified, match="/odom holds"):
        verify(good, expected)


def test_a_row_too_many_is_refused(good: Path) -> None:
    expected = read_back(good)
    del expected.rows["/status", "TextLog:text"]

    with pytest.raises(OutputUnverified, match="/status holds"):
        verify(good, expected)

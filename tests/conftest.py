"""Fixtures of all areas; what they are made of stands in `tests/support/`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from config import ROOT, Settings
from tests.support.places import SHARED_RECORDINGS, settings_in
from tests.support.server import Server


@dataclass(frozen=True)
class Sample:
    """A small recording with all the kinds of topics, and its message counts by topic."""

    path: Path
    messages: dict[str, int]


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose every folder is in this test's temporary one, and a free port."""
    return settings_in(tmp_path)


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """A running API and worker in folders of their own."""
    with Server(settings) as server:
        yield server.start()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The sample recording, one second long; not to be modified."""
    from bagmill.sample import write_sample

    path = tmp_path_factory.mktemp("sample") / "sample.mcap"
    return Sample(path, write_sample(path, seconds=1.0))


@pytest.fixture(scope="session")
def shared_recordings() -> Path:
    """The folder of real recordings beside the checkout; without it the test is skipped, saying so."""
    if not SHARED_RECORDINGS.is_dir():
        pytest.skip("the shared recordings are not on this machine (looked beside the checkout)")
    return SHARED_RECORDINGS

"""One running program for all tests that only look at it."""

import shutil
from collections.abc import Iterator

import pytest

from tests.conftest import Sample
from tests.support.places import settings_in
from tests.support.server import Server


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory, sample: Sample) -> Iterator[Server]:
    """API and worker with the sample in the recordings folder, for a whole module."""
    settings = settings_in(tmp_path_factory.mktemp("server"))
    settings.recordings_dir.mkdir()
    shutil.copy(sample.path, settings.recordings_dir / "sample.mcap")
    with Server(settings) as server:
        yield server.start()

"""A real API process for the tests of HTTP; jobs are not run, unless a test starts a worker."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from config import Settings
from services.workflow_service import WorkflowService
from tests.support.places import settings_in
from tests.support.server import Server

MCAP = b"\x89MCAP0\r\n" + bytes(100)
"""Enough to be accepted: the API reads no further than the magic bytes."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An API process, one for all tests of a module, without a worker."""
    with Server(settings_in(tmp_path_factory.mktemp("api"))) as server:
        yield server.start(worker=False)


@pytest.fixture
def http(api: Server) -> httpx2.Client:
    """A client of that API."""
    return api.http


@pytest.fixture
def settings(api: Server) -> Settings:
    """The settings of that API."""
    return api.settings


@pytest.fixture
def engine(settings: Settings) -> WorkflowService:
    """The same folders from this process, as a second API process would use them."""
    return WorkflowService(settings)


@pytest.fixture
def drive(settings: Settings) -> Path:
    """A recording in RECORDINGS_DIR, named `drive.mcap`."""
    path = settings.recordings_dir / "drive.mcap"
    path.write_bytes(MCAP)
    return path

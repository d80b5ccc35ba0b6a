"""A house for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config import Settings
from tests.worker.making import House


@pytest.fixture
def house(settings: Settings, tmp_path: Path) -> Iterator[House]:
    """Folders with nothing in them."""
    house = House(settings, tmp_path)
    yield house
    house.close()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """What passes for a recording as long as nobody reads it."""
    path = tmp_path / "drive.mcap"
    path.write_bytes(b"\x89MCAP0\r\n")
    return path

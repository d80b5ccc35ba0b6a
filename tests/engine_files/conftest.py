"""Fixtures of these tests."""

import pytest

from config import Settings
from services.state_manager import StateManager


@pytest.fixture
def states(settings: Settings) -> StateManager:
    manager = StateManager(settings)
    manager.prepare()
    return manager

"""Executors that never outlive their test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.executors.local import LocalExecutor
from tests.executors.children import program

Make = Callable[..., LocalExecutor]


@pytest.fixture
def executor_of(tmp_path: Path) -> Iterator[Make]:
    """Makes executors whose jobs are the given program."""
    made: list[LocalExecutor] = []

    def make(body: str, *, slots: int = 4, cancel_grace: float = 0.3) -> LocalExecutor:
        made.append(LocalExecutor(slots, command=program(tmp_path, body), cancel_grace=cancel_grace))
        return made[-1]

    yield make
    for executor in made:
        executor.drain(0.0)

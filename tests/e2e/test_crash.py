"""Everything is killed at a random moment, and nothing is lost."""

import random
from pathlib import Path
from typing import Any

import pytest

from bagmill.sample import write_sample
from config import Settings
from tests.support.places import lose_queue
from tests.support.results import commits, ended, rows_by_topic
from tests.support.server import Server
from tests.support.waiting import wait_for

RUNS = 20
SEED = random.SystemRandom().randrange(10**6)


def committed(server: Server) -> int:
    """How many steps stand under their final names."""
    return len(list(server.settings.workflows_dir.glob("*/*/manifest.json")))


def submit_all(server: Server, recording: Path) -> list[str]:
    """Submit all runs; most only convert, which keeps the test short."""
    templates = ["ingest" if number % 4 == 0 else "convert" for number in range(RUNS)]
    return [server.submit(template, {"recording": str(recording)})["id"] for template in templates]


def check(server: Server, workflow: str, messages: dict[str, int]) -> None:
    """A completed run: each step committed once, all rows there, nothing else left."""
    state: dict[str, Any] = server.wait(workflow)
    folder = server.folder(workflow)
    assert state["status"] == "completed", (SEED, state)
    wait_for(lambda: ended(folder), "the event that ends the run")
    assert commits(folder) == {step["name"]: 1 for step in state["steps"]}, (SEED, workflow)
    assert rows_by_topic(folder / "convert") == messages
    assert not list(folder.glob("*.partial"))


@pytest.mark.parametrize("queue_file", ["kept", pytest.param("deleted", marks=pytest.mark.slow)])
def test_all_runs_complete_after_a_kill(settings: Settings, tmp_path: Path, queue_file: str) -> None:
    recording = tmp_path / "small.mcap"
    messages = write_sample(recording, seconds=0.2)
    moment = random.Random(f"{SEED} {queue_file}").randrange(RUNS // 2)
    with Server(settings) as server:
        server.start()
        workflows = submit_all(server, recording)
        wait_for(lambda: committed(server) >= moment, f"{moment} committed steps (seed {SEED})")
        server.kill()
        if queue_file == "deleted":
            lose_queue(settings)

        server.start()

        for workflow in workflows:
            check(server, workflow, messages)
        queue = server.http.get("/api/queue").json()
        assert queue["jobs"] == []

"""`make bench-queue` with few jobs, without the queues that are not installed here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.pages import replace
from benchmarks.queues.base import Acknowledging, job
from benchmarks.queues.own import Ours, PlainSqlite
from benchmarks.queues.report import markdown, ratios, sentences
from config import ROOT


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run measured."""
    folder = tmp_path_factory.mktemp("results")
    small = {
        "RUNS": "2",
        "BENCH_SECONDS": "0.01",
        "BENCH_SIZES": "3,30",
        "BENCH_WAKES": "2",
        "BENCH_IDLE": "0.1",
    }
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.queue"],
        cwd=ROOT,
        env=os.environ | small | {"BENCH_QUEUES": "bagmill,SQLite FULL", "BENCH_RESULTS": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    (written,) = folder.iterdir()
    found: dict[str, Any] = json.loads(written.read_text())
    return found


@pytest.mark.slow
def test_a_run_measures_all_operations_and_the_waking(results: dict[str, Any]) -> None:
    for name in ("bagmill", "SQLite FULL"):
        for size in ("3", "30"):
            facts = results["queues"][name][size]
            assert {"rate", "enqueue", "claim", "complete"} == set(facts)
            assert all(0 < facts[one]["p50"] <= facts[one]["p99"] for one in ("enqueue", "claim", "complete"))
    assert results["waking"]["count"] == 3
    assert set(ratios(results)) == {"flat", "sqlite"}
    assert len(sentences(results)) == 3


@pytest.mark.slow
def test_the_tables_replace_what_stood_in_the_page(results: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before <!-- queue -->old<!-- /queue --> after")

    replace(page, markdown(results), "queue")

    text = page.read_text()
    assert text.startswith("before <!-- queue -->\n")
    assert text.endswith("<!-- /queue --> after")
    assert "| **bagmill** | 30 | " in text
    assert "old" not in text
    with pytest.raises(ValueError, match="other"):
        replace(page, "new", mark="other")


@pytest.mark.parametrize("make", [Ours, PlainSqlite])
def test_those_who_are_compared_do_what_they_are_asked(make: Any, tmp_path: Path) -> None:
    queue: Acknowledging = make(tmp_path)
    queue.fill([job(number) for number in range(3)])
    queue.enqueue(job(3))

    claimed = [queue.claim() for _ in range(4)]
    for one in claimed:
        queue.complete(one)
    queue.close()

    ids = [getattr(one, "id", one) for one in claimed]
    assert ids == [job(number).id for number in range(4)]

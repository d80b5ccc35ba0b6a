"""Looking at what a run left on disk, with other eyes than those that wrote it."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq

ENDED = {"completed", "failed", "cancelled"}


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that is an object."""
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def rows_by_topic(dataset: Path) -> dict[str, int]:
    """Rows in the Parquet files of a dataset folder, by the topic that the folders' names tell."""
    rows: Counter[str] = Counter()
    for file in dataset.glob("topic=*/*.parquet"):
        name = file.parent.name.removeprefix("topic=")
        rows[unquote(name)] += pq.read_metadata(file).num_rows
    return dict(rows)


def verified(rrd: Path) -> bool:
    """Whether Rerun's own check finds one good recording; its exit code is 0 for garbage too."""
    program = Path(sys.executable).parent / "rerun"
    answer = subprocess.run(
        [str(program), "rrd", "verify", str(rrd)], capture_output=True, text=True, check=False, timeout=120
    )
    return answer.returncode == 0 and "1 file verified" in answer.stdout + answer.stderr


def events(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's events.jsonl; each must be JSON, but for one that is being written."""
    lines = (folder / "events.jsonl").read_text("utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def ended(folder: Path) -> bool:
    """Whether the history has come to the run's end; it is written just after `state.json`."""
    return any(event["type"] == "workflow" and event["to"] in ENDED for event in events(folder))


def commits(folder: Path) -> Counter[str]:
    """How often each step was committed, by the run's history."""
    return Counter(event["step"] for event in events(folder) if event["type"] == "committed")

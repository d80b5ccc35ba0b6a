"""The recordings of the benchmarks by name, made once and kept.

They stand in the folder BENCH_DATA (`benchmarks/results/recordings`), each beside a `.facts.json`.
BENCH_SCALE (1) makes them shorter. Bump VERSION when the bytes of any of them change.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import RESULTS
from benchmarks.recordings.facts import Facts
from benchmarks.recordings.foxglove import protobuf
from benchmarks.recordings.jsontexts import texts
from benchmarks.recordings.layout import Dialect
from benchmarks.recordings.recorder import Recording
from benchmarks.recordings.ros import camera, lidar, telemetry

VERSION = 1
BATCH = 500
BATCH_SECONDS = 3
"""Length of each recording of the batch, which makes 1 MB."""


@dataclass(frozen=True)
class Entry:
    """A recording: its length in seconds at full size, and how it is made."""

    seconds: int
    make: Callable[[int], Recording]


RECORDINGS: Mapping[str, Entry] = {
    "telemetry": Entry(433, telemetry),
    "telemetry-long": Entry(4330, telemetry),
    "camera": Entry(60, camera),
    "lidar": Entry(70, lidar),
    "protobuf": Entry(400, protobuf),
    "json": Entry(400, texts),
    "ros1": Entry(130, lambda seconds: telemetry(seconds, Dialect.ROS1)),
}


def recording(name: str, folder: Path, scale: float) -> list[Path]:
    """The files of a recording, made if they are not there: one, or many for `batch`."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name}-v{VERSION}-{scale:g}"
    if name != "batch":
        entry = RECORDINGS[name]
        return [_made(folder / f"{stem}.mcap", entry.make(max(1, round(entry.seconds * scale))))]
    (folder / stem).mkdir(exist_ok=True)
    return [
        _made(folder / stem / f"drive-{number:03}.mcap", telemetry(BATCH_SECONDS, seed=number + 1))
        for number in range(max(1, round(BATCH * scale)))
    ]


def facts_of(path: Path) -> Path:
    """Where the facts of a recording stand."""
    return path.with_suffix(".facts.json")


def data_folder() -> Path:
    """Where recordings are kept."""
    return Path(os.environ.get("BENCH_DATA") or RESULTS / "recordings")


def _made(path: Path, content: Recording) -> Path:
    """Write it under another name first, so that what is there is whole."""
    if not path.exists():
        part = path.with_suffix(".part")
        facts: Facts = content.write(part)
        facts.write(facts_of(path))
        part.rename(path)
    return path

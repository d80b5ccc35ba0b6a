"""`make bench-rows`: rows of datasets from recordings of doubling length. See benchmarks/README.md."""

import json
import os
import struct
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mcap.writer import CompressionType, Writer

from bagmill.startup import start_light
from benchmarks import machine
from benchmarks.measure import RESULTS, run
from benchmarks.pages import BENCHMARKS, replace
from benchmarks.queues.report import about

SECONDS = [int(one) for one in (os.environ.get("BENCH_LENGTHS") or "10,20,40,80,160").split(",")]
RUNS = int(os.environ.get("RUNS") or 7)
FULL = [10, 20, 40, 80, 160]
"""What the documents tell of."""
START = 1_700_000_000_000_000_000
JOINTS = 14
TOPICS = {"/joints": (100, 0), "/imu": (200, 1_234_567), "/odometry": (50, 3_000_000)}
"""Topics with their rates (Hz), and how much later than the others they begin (ns)."""
SPEC: dict[str, Any] = {
    "rows": {"kind": "trigger", "topic": "/joints"},
    "features": {
        "position": {"source": {"topic": "/joints", "field": "position"}, "dtype": "float32"},
        "velocity": {"source": {"topic": "/joints", "field": "velocity"}, "dtype": "float32"},
        "turn": {"source": {"topic": "/imu", "field": "orientation"}, "sync": {"policy": "linear"}},
        "speed": {"source": {"topic": "/odometry", "field": "speed"}, "sync": {"policy": "last"}},
    },
}
SCHEMAS = {
    "/joints": f"float64[{JOINTS}] position\nfloat64[{JOINTS}] velocity",
    "/imu": "Quaternion orientation\n" + "=" * 80 + "\nMSG: pkg/Quaternion\n"
    "float64 x\nfloat64 y\nfloat64 z\nfloat64 w",
    "/odometry": "float64 speed",
}


def messages(seconds: int) -> Iterator[tuple[int, str, bytes]]:
    """Times (ns), topics and payloads of a recording, in the order of their times."""
    plan = [
        (number * 1_000_000_000 // hz + later, topic, number / hz)
        for topic, (hz, later) in TOPICS.items()
        for number in range(seconds * hz)
    ]
    counts = {"/joints": 2 * JOINTS, "/imu": 4, "/odometry": 1}
    for at, topic, since in sorted(plan):
        count = counts[topic]
        values = [(since * (place + 1)) % 1.0 for place in range(count)]
        yield START + at, topic, b"\0\1\0\0" + struct.pack(f"<{count}d", *values)


def record(path: Path, seconds: int) -> None:
    """Write a recording."""
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.ZSTD)
        writer.start(profile="ros2", library="bench")
        channels = {}
        for topic, text in SCHEMAS.items():
            schema = writer.register_schema(f"pkg/msg/{topic[1:].title()}", "ros2msg", text.encode())
            channels[topic] = writer.register_channel(topic, "cdr", schema)
        for at, topic, data in messages(seconds):
            writer.add_message(channels[topic], at, data, at)
        writer.finish()  # type: ignore[no-untyped-call]


def measure(path: Path) -> list[float]:
    """CPU seconds of each extraction in this process; the first one loads what it needs."""
    start_light()
    from bagmill.dataset.extract import extract
    from bagmill.dataset.spec import make_spec

    spec, costs = make_spec(SPEC), []
    for _ in range(RUNS + 1):
        with tempfile.TemporaryDirectory() as folder:
            begin = time.process_time()
            extract(path, Path(folder), spec, threads=1)
            costs.append(time.process_time() - begin)
    return costs


def results() -> dict[str, Any]:
    """The CPU seconds of each length: of the first extraction in a process, and the least of later ones."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for seconds in SECONDS:
            path = Path(folder) / f"{seconds}.mcap"
            record(path, seconds)
            outcome = run([sys.executable, "-m", "benchmarks.rows", str(path)])
            assert not outcome.code, outcome.complained
            costs = json.loads(outcome.said)
            found[str(seconds)] = {"least": min(costs[1:]), "first": costs[0]}
    return {"machine": machine.facts(), "runs": RUNS, "rows": found}


def table(rows: dict[str, Any]) -> str:
    """What was measured, as Markdown."""
    lines = [
        "| seconds | rows | first time in a process, CPU s | again | growth |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    before = None
    for seconds, facts in rows.items():
        growth = "" if before is None else f"{facts['least'] / before:.2f}"
        count = int(seconds) * TOPICS["/joints"][0]
        lines.append(f"| {seconds} | {count:,} | {facts['first']:.3f} | {facts['least']:.3f} | {growth} |")
        before = facts["least"]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Measure all lengths, or one recording in this process."""
    if arguments:
        print(json.dumps(measure(Path(arguments[0]))))
        return
    found = results()
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "rows.json").write_text(json.dumps(found, indent=1) + "\n")
    text = f"\n{about(found)} The least of {RUNS} runs.\n\n{table(found['rows'])}\n"
    print(text)
    if SECONDS == FULL:
        replace(BENCHMARKS, text, "rows")


if __name__ == "__main__":
    main(sys.argv[1:])

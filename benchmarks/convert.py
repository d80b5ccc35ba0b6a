"""How fast the core reads a recording: `python -m benchmarks.convert [FILE.mcap ...]`.

Without a file it takes the sample recording, whose bytes are always the same; SAMPLE_SECONDS (100) is its
length in robot time. A line is `command/format/recording`, the best of RUNS (3); its output was checked: a
row for each message. No worker and no HTTP take part.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bagmill.convert import convert
from bagmill.index import index
from bagmill.options import ConvertOptions, IndexOptions
from bagmill.report import Report, silent
from bagmill.sample import write_sample

RUNS = int(os.environ.get("RUNS", "3"))
SECONDS = float(os.environ.get("SAMPLE_SECONDS", "100"))

Run = Callable[[Path, Path], Report]
COMMANDS: dict[str, Run] = {
    "index/json": lambda recording, output: index(recording, output, IndexOptions(), silent),
    "convert/parquet": lambda recording, output: convert(recording, output, ConvertOptions(), silent),
}


def recordings(folder: Path) -> Iterator[Path]:
    """The files of the command line, or the sample."""
    yield from map(Path, sys.argv[1:])
    if not sys.argv[1:]:
        path = folder / f"sample-{SECONDS:g}s.mcap"
        write_sample(path, SECONDS)
        yield path


def best(run: Run, recording: Path) -> tuple[float, Report]:
    """Seconds of the fastest of all runs, each into a new folder, and its report."""
    fastest, report = float("inf"), None
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as output:
            begin = time.perf_counter()
            report = run(recording, Path(output))
            fastest = min(fastest, time.perf_counter() - begin)
    assert report is not None, "RUNS must be 1 or more"
    return fastest, report


def main() -> None:
    """Measure every command on every recording."""
    with tempfile.TemporaryDirectory() as folder:
        for recording in recordings(Path(folder)):
            megabytes = recording.stat().st_size / 1e6
            for name, run in COMMANDS.items():
                seconds, report = best(run, recording)
                messages = report.counters["messages"]
                assert report.complete
                assert report.counters.get("rows", messages) == messages
                print(
                    f"{name}/{recording.stem}: {seconds:.3f} s, {messages:,} messages, {megabytes:.1f} MB, "
                    f"{messages / seconds:,.0f} messages/s, {megabytes / seconds:.1f} MB/s"
                )


if __name__ == "__main__":
    main()

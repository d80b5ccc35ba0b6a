"""`make bench`: measure everything, print it, write it down. See benchmarks/README.md."""

import json
from datetime import UTC, datetime
from typing import Any

from benchmarks import machine, report
from benchmarks.measure import RESULTS
from benchmarks.plan import chosen
from benchmarks.runner import RUNS, SCALE, Stage, compile_sources, folder_in_memory, start_costs

BUSY = 0.7
"""Processes that run on average; above this, others must be among them."""


def main() -> None:
    """Measure each case, printing as it goes."""
    compile_sources()
    results: dict[str, Any] = {
        "machine": machine.facts(),
        "scale": SCALE,
        "runs": RUNS,
        "start": start_costs(),
        "cases": {},
    }
    print(report.heading(results))
    if results["machine"]["load"] > BUSY:
        print("Other processes keep this machine busy: numbers mean little until they are done.")
    with folder_in_memory() as folder:
        for case in chosen():
            stage = Stage(case, folder)
            for _ in range(RUNS):
                stage.round()
            results["cases"][case.recording] = stage.as_json()
            print(report.table(case.recording, results["cases"][case.recording]), flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    target = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    target.write_text(json.dumps(results, indent=1))
    print(f"written: {target}")
    report.refresh(results)


if __name__ == "__main__":
    main()

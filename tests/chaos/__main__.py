"""`python -m tests.chaos`: many runs while processes are killed and stopped, the disk gets full, files go.

CHAOS_SECONDS (300), CHAOS_SEED (1), CHAOS_RUNS (200). Prints counts, and writes those of a whole run that
went well into docs/reliability.md. Ends with 1 if anything is not as it should be.
"""

import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bagmill.sample import write_sample
from config import ROOT, Settings
from services.state_manager import StateManager
from tests.chaos.client import KINDS, WEIGHTS, Client
from tests.chaos.crew import Crew
from tests.chaos.full import Disk
from tests.chaos.verdict import Verdict, judge
from tests.support.places import lose_queue, settings_in

SECONDS = float(os.environ.get("CHAOS_SECONDS") or 300)
SEED = int(os.environ.get("CHAOS_SEED") or 1)
RUNS = int(os.environ.get("CHAOS_RUNS") or 200)
LEASE = 5.0
PATIENCE = 240.0
"""Seconds in which all must have ended once nothing is done to them any more."""
WHOLE = 300.0


class Chaos:
    """What is done to the crew, by chance, and how often."""

    def __init__(self, crew: Crew, disk: Disk, chance: random.Random) -> None:
        self._crew = crew
        self._disk = disk
        self._chance = chance
        self._free_at: float | None = None
        self.done: Counter[str] = Counter()
        self._deeds: list[tuple[int, Callable[[], None]]] = [
            (5, self._kill_worker),
            (3, self._kill_api),
            (3, self._kill_job),
            (3, self._stop_worker),
            (1, self._stop_api),
            (2, self._delete_queue),
            (2, self._fill_disk),
        ]

    def turn(self) -> None:
        """Do one thing."""
        weights = [weight for weight, _ in self._deeds]
        self._chance.choices([deed for _, deed in self._deeds], weights)[0]()

    def tend(self) -> None:
        """Free the disk when it was full for long enough."""
        if self._free_at is not None and time.monotonic() >= self._free_at:
            self.calm()

    def calm(self) -> None:
        """Leave the disk free."""
        self._free_at = None
        self._disk.free(self._crew)

    def _kill_worker(self) -> None:
        for post in self._some("worker"):
            self._crew.kill(post)
            self.done["workers killed"] += 1

    def _kill_api(self) -> None:
        for post in self._some("api"):
            self._crew.kill(post)
            self.done["APIs killed"] += 1

    def _kill_job(self) -> None:
        for post in self._some("worker"):
            self.done["job processes killed"] += self._crew.kill_job(post)

    def _stop_worker(self) -> None:
        for post in self._some("worker"):
            self._crew.stop(post, self._chance.choice((0.5, 1.0, 1.6 * LEASE)))
            self.done["workers stopped for a while"] += 1

    def _stop_api(self) -> None:
        for post in self._some("api"):
            self._crew.stop(post, self._chance.uniform(0.2, 3.0))
            self.done["APIs stopped for a while"] += 1

    def _delete_queue(self) -> None:
        lose_queue(self._crew.settings)
        self.done["queue files deleted"] += 1

    def _fill_disk(self) -> None:
        if self._free_at is None:
            self._disk.fill(self._crew)
            self._free_at = time.monotonic() + self._chance.uniform(0.5, 3.0)
            self.done["disk full"] += 1

    def _some(self, kind: str) -> list:  # type: ignore[type-arg]
        found = self._crew.working(kind)
        return [self._chance.choice(found)] if found else []


def recordings_in(folder: Path) -> None:
    """Make all recordings that are asked for."""
    folder.mkdir()
    names = {str(params.get("recording")) for params in KINDS.values()}
    names |= {name for params in KINDS.values() for name in params.get("recordings", ())}
    write_sample(folder / "sample.mcap", seconds=0.5)
    for name in names - {"None", "empty.mcap"}:
        (folder / name).write_bytes((folder / "sample.mcap").read_bytes())
    (folder / "empty.mcap").write_bytes(b"\x89MCAP0\r\n" + bytes(40))


def live(crew: Crew, client: Client, chaos: Chaos, chance: random.Random) -> None:
    """The whole time of chaos: runs are asked for in most of it."""
    begun = time.monotonic()
    due = sorted(chance.uniform(0, SECONDS * 0.8) for _ in range(RUNS))
    next_deed = 3.0
    while (now := time.monotonic() - begun) < SECONDS:
        while due and due[0] <= now:
            due.pop(0)
            client.ask_for(chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0])
        if now >= next_deed:
            chaos.turn()
            next_deed = now + chance.uniform(0.3, 2.2)
        chaos.tend()
        crew.tend()
        client.turn()
        time.sleep(0.02)


def settle(settings: Settings, crew: Crew, client: Client) -> None:
    """Wait until all is accepted and has ended, or until that has taken too long."""
    states, deadline = StateManager(settings), time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        crew.calm()
        client.turn()
        if not client.waiting and all(states.read(one).status.ended for one in states.ids()):
            return
        time.sleep(0.1)


def run(folder: Path, disk: Disk) -> tuple[Counter[str], Verdict]:
    """A chaos run: what was done, and what became of it."""
    chance = random.Random(SEED)
    recordings_in(folder / "recordings")
    settings = settings_in(
        disk.place,
        recordings_dir=folder / "recordings",
        configs_dir=disk.place / "configs",
        min_free_disk=0,
        lease_seconds=LEASE,
        max_parallel_nodes=2,
    )
    crew = Crew(settings, chance)
    client, chaos = Client(crew, random.Random(SEED + 1)), Chaos(crew, disk, chance)
    try:
        crew.hire()
        live(crew, client, chaos, chance)
        chaos.calm()
        settle(settings, crew, client)
        time.sleep(3.0)  # two patrols of what ends last
    finally:
        orphans = crew.dismiss()
        client.close()
    verdict = judge(settings, client.accepted)
    verdict.counts["requests sent again"] = client.again
    verdict.counts["orphans"] = 0
    for orphan in orphans:
        verdict.blame("orphans", orphan)
    if client.waiting:
        verdict.blame("lost", f"{client.waiting} were never accepted")
    return chaos.done, verdict


def page(done: Counter[str], verdict: Verdict, disk: Disk) -> str:
    """The counts for docs/reliability.md."""
    counts = {**done, **verdict.counts}
    rows = [f"| {name} | {count:,} |" for name, count in counts.items()]
    told = (
        f"{RUNS} runs in {SECONDS:g} s with seed {SEED}, by two API processes and two workers; "
        f"the full disk was {disk.kind}.\n"
        "`different` counts outputs that were not the same bytes in all equal runs, `ended otherwise` runs\n"
        "that should have ended in another way; among the workflows are the children of batches."
    )
    return "\n".join(["", told, "", "| | |", "| --- | ---: |", *rows, ""])


def main() -> int:
    """Run, print, write down."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as place, Disk(Path(place) / "disk") as disk:
        done, verdict = run(Path(place), disk)
        print(json.dumps({**done, **verdict.counts}, indent=1))
        print("\n".join(verdict.wrong))
        if verdict.wrong:
            return 1
        if SECONDS >= WHOLE:
            write(ROOT / "docs" / "reliability.md", page(done, verdict, disk))
    return 0


def write(path: Path, text: str) -> None:
    """Put the counts between the marks of the page."""
    start, end = "<!-- chaos -->", "<!-- /chaos -->"
    before, _, rest = path.read_text("utf-8").partition(start)
    path.write_text(f"{before}{start}{text}{end}{rest.partition(end)[2]}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())

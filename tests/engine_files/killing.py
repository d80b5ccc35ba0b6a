"""Runs as a process of its own: forks children that work on the files, kills them, looks at what is left.

The parent makes no lock and no thread before it forks, and prints one JSON line in the end.
"""

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from config import Settings
from models.workflow import EventType, Status
from services import event_log
from services.queue_service import FileQueue
from services.state_files import EVENTS
from services.state_manager import StateManager
from tests.engine_files.making import create, gapless, job, lease
from tests.support.places import settings_in

Say = Callable[[str], None]
"""Tells the parent that something is done: it must still be so after the kill."""


def edit_for_ever(settings: Settings, workflow: str, say: Say) -> None:
    """Each edit makes one event or several."""
    states = StateManager(settings)
    while True:
        with states.edit(workflow) as edit:
            edit.note(EventType.CHANGED, detail="x" * random.randrange(200))
            if edit.state.revision % 2:
                edit.move_step("index", Status.RUNNING)
                edit.move_step("index", Status.QUEUED)
        say(str(edit.state.revision))


def queue_for_ever(settings: Settings, me: str, say: Say) -> None:
    """Enqueue, claim, complete; what was enqueued and not completed is said."""
    queue = FileQueue(settings)
    for number in range(1_000_000):
        name = f"{me}-{number}"
        queue.enqueue([job(name, me)])
        say(f"+{me}.{name}")
        for claimed in queue.claim(lease(me), 1):
            if number % 3 and queue.complete(claimed.id, me):
                say(f"-{claimed.id}")


def killed(work: Callable[[Say], None], seconds: float, count: int = 2) -> list[list[str]]:
    """What each of `count` children said before they were killed, `seconds` after all had begun."""
    pipes = [os.pipe() for _ in range(count)]
    children = [_child(work, end) for _, end in pipes]
    started = [os.read(start, 1) for start, _ in pipes]
    assert started == [b"!"] * count
    time.sleep(seconds)
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
    return [list(_said(*pipe)) for pipe in pipes]


def _child(work: Callable[[Say], None], end: int) -> int:
    child = os.fork()
    if child:
        return child

    def say(text: str) -> None:
        os.write(end, f"{text}\n".encode())

    try:
        random.seed()
        os.write(end, b"!")
        work(say)
    finally:
        os._exit(1)


def _said(start: int, end: int) -> Iterator[str]:
    os.close(end)
    with os.fdopen(start) as pipe:
        yield from (line.strip() for line in pipe)


def check_edits(settings: Settings, rounds: int) -> Counter[str]:
    """Kill editors; afterwards the state and its history agree, and nothing that was said is lost."""
    states = StateManager(settings)
    states.prepare()
    workflow = create(states)
    found: Counter[str] = Counter()
    for _ in range(rounds):
        said = killed(lambda say: edit_for_ever(settings, workflow, say), random.uniform(0, 0.03))
        state = states.read(workflow)
        on_disk = (states.folder(workflow) / EVENTS).read_bytes()
        found["edits"] += sum(map(len, said))
        found["torn"] += not on_disk.endswith(b"".join(event_log.lines(state.last_events)))
        states.repair(workflow)
        events = states.events(workflow)
        lines = (states.folder(workflow) / EVENTS).read_bytes().splitlines()
        assert gapless(events), [event.seq for event in events]
        assert [json.loads(line)["seq"] for line in lines] == [event.seq for event in events]
        assert state.events_seq == len(events)
        assert state.revision >= max([int(text) for texts in said for text in texts], default=0)
    return found


def apart(work: Callable[[], object]) -> Any:
    """Do something in a child: its answer, by way of JSON. So this process has no queue, and no thread."""
    start, end = os.pipe()
    child = os.fork()
    if not child:
        os.close(start)
        with os.fdopen(end, "w") as pipe:
            json.dump(work(), pipe)
            pipe.flush()
            os._exit(0)
    os.close(end)
    with os.fdopen(start) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer)


def look(settings: Settings) -> list[str]:
    """The jobs in the queue, in which there is nothing wrong; nobody has any of them afterwards."""
    queue = FileQueue(settings)
    state = queue.snapshot()
    assert not state.rebuild
    queue.dead_leases(lambda _: True)
    return [job.id for job in state.jobs]


def check_queue(settings: Settings, rounds: int) -> Counter[str]:
    """Kill queue users; every job that was said to be in is in, and none that was said to be out."""
    found: Counter[str] = Counter()
    inside: set[str] = set()
    apart(lambda: FileQueue(settings).rebuilt())
    for _ in range(rounds):
        said = killed(lambda say: queue_for_ever(settings, f"{os.getpid()}", say), random.uniform(0, 0.08))
        texts = [text for one in said for text in one]
        found["operations"] += len(texts)
        jobs = apart(lambda: look(settings))
        there = set(jobs)
        gone = {text[1:] for text in texts if text[0] == "-"}
        inside = (inside | {text[1:] for text in texts if text[0] == "+"}) - gone
        assert len(there) == len(jobs)
        assert not gone & there
        # At the kill each child may have completed one more job than it could say.
        assert len(inside - there) <= len(said), inside - there
        inside = there
    return found


if __name__ == "__main__":
    random.seed(int(sys.argv[3]))
    check = {"edits": check_edits, "queue": check_queue}[sys.argv[1]]
    print(json.dumps(check(settings_in(Path(sys.argv[2])), int(sys.argv[4]))))

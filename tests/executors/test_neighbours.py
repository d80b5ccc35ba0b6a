"""Bad neighbours: real processes that misbehave beside one that does its job, in one executor."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from models.job import DoneEvent, JobRequest, LogEvent, Resources
from services.executors.base import Exited, Happening
from services.executors.local import LocalExecutor
from tests.executors.children import of, program, request
from tests.support.waiting import wait_for

GOOD = "01J.good"
BAD = "01J.bad"
LIMIT = 300 << 20

PROGRAM = """
import ctypes, threading

def tell(pid):
    say(type="log", level="INFO", message=str(pid))

def good():
    while not os.path.exists(REQUEST["params"]["until"]):
        time.sleep(0.02)
    say(type="done")

def segfault():
    ctypes.string_at(0)

def allocate():
    kept = []
    while True:
        kept.append(os.urandom(1 << 20) * 16)

def ignore():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    say(type="log", level="INFO", message="ignoring")
    time.sleep(600)

def fork():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(5):
        child = os.fork()
        if not child:
            if os.fork() == 0:
                os.close(1), os.close(2), os.close(EVENTS)
            time.sleep(600)
        tell(child)
    time.sleep(600)

def fork_and_leave():
    for _ in range(3):
        child = subprocess.Popen(["sleep", "600"])
        tell(child.pid)
    say(type="done")

def print_a_gigabyte():
    line = b"x" * (1 << 20)
    for _ in range(1024):
        os.write(1, line)
    say(type="done")

def leave_threads():
    for _ in range(20):
        threading.Thread(target=time.sleep, args=(600,)).start()
    say(type="done")
    os._exit(0)

globals()[REQUEST["params"]["what"]]()
"""


class Street:
    """An executor with a good job in it that ends only when it is told to."""

    def __init__(self, folder: Path) -> None:
        self._signal = folder / "go on"
        self.executor = LocalExecutor(2, command=program(folder, PROGRAM), cancel_grace=0.3)
        self.happened: list[tuple[str, Happening]] = []
        self.executor.start(request(GOOD, what="good", until=str(self._signal)))

    def move_in(self, what: str) -> None:
        """Start a bad one."""
        job: JobRequest = request(BAD, what=what)
        limit = Resources(threads=1, memory=LIMIT)
        self.executor.start(job.model_copy(update={"resources": limit}))

    def wait(self, job: str, kind: type, count: int = 1) -> list[Happening]:
        """What a job did, once it did so many things of a kind."""

        def enough() -> bool:
            self.happened.extend(self.executor.events(0.02))
            return sum(isinstance(what, kind) for what in of(job, self.happened)) >= count

        wait_for(enough, f"{kind.__name__} of {job}")
        return of(job, self.happened)

    def end(self) -> list[Happening]:
        """Let the good one finish."""
        self._signal.touch()
        return self.wait(GOOD, Exited)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    """Whatever happened in it, the good job was done, and nothing runs on."""
    street = Street(tmp_path)
    before = psutil.Process().children(recursive=True)
    yield street
    assert street.end() == [DoneEvent(), Exited(0, "")]
    street.executor.drain(0.0)
    rest = [child for child in psutil.Process().children(recursive=True) if child not in before]
    assert not [child for child in rest if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def gone(pids: Sequence[int]) -> bool:
    """Whether none of these processes does anything any more."""
    alive = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return all(process.status() == psutil.STATUS_ZOMBIE for process in alive)


def exit_of(happened: list[Happening]) -> Exited:
    last = happened[-1]
    assert isinstance(last, Exited)
    return last


def test_one_that_segfaults(street: Street) -> None:
    street.move_in("segfault")

    assert exit_of(street.wait(BAD, Exited)).code == -11


def test_one_that_allocates_without_end(street: Street) -> None:
    street.move_in("allocate")

    exited = exit_of(street.wait(BAD, Exited))

    assert exited.code == -9
    assert exited.memory is not None
    assert exited.memory > LIMIT


def test_one_that_ignores_sigterm(street: Street) -> None:
    street.move_in("ignore")
    street.wait(BAD, LogEvent)

    street.executor.cancel(BAD)

    assert exit_of(street.wait(BAD, Exited)).code == -9


@pytest.mark.parametrize(("what", "cancelled"), [("fork", True), ("fork_and_leave", False)])
def test_one_that_forks(street: Street, what: str, cancelled: bool) -> None:
    street.move_in(what)
    told = street.wait(BAD, LogEvent, 5 if cancelled else 3)
    pids = [int(event.message) for event in told if isinstance(event, LogEvent)]

    if cancelled:
        street.executor.cancel(BAD)
    street.wait(BAD, Exited)

    wait_for(lambda: gone(pids), "the end of what it had forked")


def test_one_that_prints_a_gigabyte(street: Street) -> None:
    street.move_in("print_a_gigabyte")

    happened = street.wait(BAD, Exited)

    assert isinstance(happened[0], DoneEvent)
    assert len(exit_of(happened).tail) <= 16 * 1024


def test_one_that_leaves_threads(street: Street) -> None:
    street.move_in("leave_threads")

    assert street.wait(BAD, Exited) == [DoneEvent(), Exited(0, "")]

"""Runs as a process of its own: a story in a child that dies at one call to the disk, a new start, a look.

    python -m tests.crash.everywhere FOLDER STORY FIRST EVERY

Dies at call number FIRST, FIRST + EVERY, ... until the story comes to its end alive: the calls count
themselves. What is slow to import is imported once; this process makes no thread before it forks.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
from loguru import logger

import bagmill.convert
import bagmill.visualize  # noqa: F401
from config import Settings
from services import disk
from tests.crash.looking import Digests, check, digests
from tests.crash.stories import recordings_in, recover, settings_of, tell


@dataclass
class End:
    """How a child ended: by a signal or an exit code, and what it said before."""

    status: int
    said: list[str]

    @property
    def killed(self) -> bool:
        return os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL


def in_child(do: Callable[[Callable[[str], None]], None]) -> End:
    """Do something in a forked process; what it says is kept, and so is its traceback."""
    start, end = os.pipe()
    child = os.fork()
    if not child:
        _be_child(end, do)
    os.close(end)
    with os.fdopen(start) as pipe:
        said = pipe.read().splitlines()
    return End(os.waitpid(child, 0)[1], said)


def _be_child(end: int, do: Callable[[Callable[[str], None]], None]) -> None:
    code = 1
    try:
        pa.set_cpu_count(1)
        do(lambda text: _say(end, text))
        code = 0
    except BaseException:  # noqa: BLE001 - the end of this process
        _say(end, traceback.format_exc())
    finally:
        os._exit(code)


def _say(pipe: int, text: str) -> None:
    os.write(pipe, f"{text}\n".encode())


def die_at(number: int) -> None:
    """End this process by SIGKILL just before its call to the disk of this number."""

    def see(call: disk.Call) -> None:
        if call.number == number:
            os.kill(os.getpid(), signal.SIGKILL)

    disk.observe(see)


def undisturbed(story: str, settings: Settings) -> Digests:
    """What the story leaves if nobody disturbs it."""

    def look(say: Callable[[str], None]) -> None:
        tell(story, settings, lambda _: None)
        say(json.dumps(digests(settings)))

    end = in_child(look)
    assert end.status == 0, "\n".join(end.said)
    found: Digests = json.loads(end.said[-1])
    return found


def points(folder: Path, story: str, first: int, every: int) -> Iterator[int]:
    """Die at each of the points and look at what comes of it; the points."""
    recordings = folder / "recordings"
    recordings_in(recordings)
    expected = undisturbed(story, settings_of(folder / "undisturbed", recordings))
    for number in count(first, every):
        settings = settings_of(folder / str(number), recordings)
        if not one_point(story, settings, number, expected):
            return
        shutil.rmtree(folder / str(number))
        yield number


def one_point(story: str, settings: Settings, number: int, expected: Digests) -> bool:
    """Whether the story died at this call; AssertionError if what comes of it is wrong."""

    def live(say: Callable[[str], None]) -> None:
        die_at(number)
        tell(story, settings, say)

    def look(say: Callable[[str], None]) -> None:
        recover(story, settings, life.said)
        check(settings, life.said, expected)

    life = in_child(live)
    if not life.killed:
        assert life.status == 0, "\n".join(life.said)
        return False
    after = in_child(look)
    assert after.status == 0, f"killed at call {number}\n" + "\n".join([*life.said, *after.said])
    return True


def main() -> None:
    """Print how many points there were, as JSON."""
    logger.remove()
    folder, story, first, every = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    print(json.dumps({"points": len(list(points(folder, story, first, every)))}))


if __name__ == "__main__":
    main()

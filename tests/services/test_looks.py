"""The processes that look at recordings: bounded, reused, and gone when they are of no use."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from bagmill.errors import SpecUnfit
from config import Settings
from models.look import LookRequest
from services.looks.pool import ENTRY, LOOKS_PER_PROCESS, Looks
from services.process_errors import LookCrashed, LookOutOfMemory, LooksBusy, LookTimedOut

CHILD = (sys.executable, "-m", "tests.services.look_children")


def with_looks(
    settings: Settings, action: Callable[[Looks], Awaitable[Any]], *, slots: int = 2, command: Any = CHILD
) -> Any:
    """What an action says of a pool that is closed after it."""

    async def main() -> Any:
        looks = Looks(settings, command=command, slots=slots)
        try:
            return await action(looks)
        finally:
            await looks.close()

    return asyncio.run(main())


def request(way: str, folder: Path | str = "/") -> LookRequest:
    return LookRequest(kind="preview", recording=f"{folder}/{way}")


async def look(looks: Looks, way: str, folder: Path | str = "/") -> Any:
    return json.loads(await looks.look(request(way, folder)))


async def asleep(folder: Path) -> list[int]:
    """The pids of a look that sleeps, once it does."""
    while not (folder / "pids").is_file() or not (folder / "pids").read_text("utf-8"):
        await asyncio.sleep(0.01)
    return [int(pid) for pid in (folder / "pids").read_text("utf-8").split()]


def lives(pid: int) -> bool:
    """Whether there is such a process, and not only what is left of it."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def gone(pids: list[int]) -> bool:
    """Wait until none of these processes runs."""
    while any(map(lives, pids)):
        await asyncio.sleep(0.01)
    return True


def test_one_process_does_many_looks(settings: Settings) -> None:
    async def action(looks: Looks) -> set[int]:
        return {await look(looks, "pid") for _ in range(5)}

    (pid,) = with_looks(settings, action)
    assert not psutil.pid_exists(pid)


def test_what_a_process_has_written_goes_with_it(settings: Settings) -> None:
    async def action(looks: Looks) -> Path:
        folder = Path(await look(looks, "folder"))
        assert folder.is_dir()
        return folder

    assert not with_looks(settings, action).exists()


def test_a_process_is_replaced_after_many(settings: Settings) -> None:
    async def action(looks: Looks) -> list[int]:
        return [await look(looks, "pid") for _ in range(LOOKS_PER_PROCESS + 1)]

    pids = with_looks(settings, action)
    assert len(set(pids)) == 2
    assert len(set(pids[:-1])) == 1


def test_looks_at_a_time_have_processes_of_their_own(settings: Settings) -> None:
    async def action(looks: Looks) -> set[int]:
        return set(await asyncio.gather(look(looks, "pid"), look(looks, "pid")))

    assert len(with_looks(settings, action)) == 2


def test_more_than_there_are_cores_are_refused(settings: Settings, tmp_path: Path) -> None:
    async def action(looks: Looks) -> Any:
        sleeping = asyncio.create_task(look(looks, "sleep", tmp_path))
        await asleep(tmp_path)
        with pytest.raises(LooksBusy):
            await look(looks, "pid")
        sleeping.cancel()
        await asyncio.wait({sleeping})
        return await look(looks, "pid")

    assert with_looks(settings, action, slots=1)


def test_a_result_may_be_long(settings: Settings) -> None:
    async def action(looks: Looks) -> int:
        return len(await look(looks, "long"))

    assert with_looks(settings, action) == 8 << 20


def test_what_is_written_to_stderr_holds_nothing_up(settings: Settings) -> None:
    async def action(looks: Looks) -> Any:
        return await look(looks, "shout")

    assert with_looks(settings, action) == 1


def test_a_look_that_is_cancelled_ends_with_all_below_it(settings: Settings, tmp_path: Path) -> None:
    async def action(looks: Looks) -> bool:
        sleeping = asyncio.create_task(look(looks, "sleep", tmp_path))
        pids = await asleep(tmp_path)
        sleeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sleeping
        return await gone(pids)

    assert with_looks(settings, action)


def test_a_look_that_takes_too_long_ends(settings: Settings, tmp_path: Path) -> None:
    async def action(looks: Looks) -> bool:
        with pytest.raises(LookTimedOut):
            await look(looks, "sleep", tmp_path)
        return await gone(await asleep(tmp_path))

    assert with_looks(settings.model_copy(update={"look_timeout": 1.0}), action)


def test_a_look_that_takes_too_much_memory_ends(settings: Settings) -> None:
    async def action(looks: Looks) -> Any:
        with pytest.raises(LookOutOfMemory):
            await look(looks, "eat")
        return await look(looks, "pid")

    assert with_looks(settings.model_copy(update={"look_memory_limit": 100 << 20}), action)


@pytest.mark.parametrize(
    ("way", "words"),
    [("die", "signal 11"), ("exit", "code 3"), ("half", "ended"), ("noise", "ended"), ("unknown", "code 1")],
)
def test_a_process_that_dies_is_replaced(settings: Settings, way: str, words: str) -> None:
    async def action(looks: Looks) -> list[int]:
        before = await look(looks, "pid")
        with pytest.raises(LookCrashed, match=words):
            await look(looks, way)
        return [before, await look(looks, "pid")]

    before, after = with_looks(settings, action)
    assert before != after


def test_a_process_that_died_while_it_waited_is_replaced(settings: Settings) -> None:
    async def action(looks: Looks) -> list[int]:
        before = await look(looks, "pid")
        psutil.Process(before).kill()
        await gone([before])
        return [before, await look(looks, "pid")]

    before, after = with_looks(settings, action)
    assert before != after


def test_what_a_look_refuses_is_raised_as_what_it_was(settings: Settings) -> None:
    async def action(looks: Looks) -> SpecUnfit:
        before = await look(looks, "pid")
        with pytest.raises(SpecUnfit) as caught:
            await look(looks, "refuse")
        assert await look(looks, "pid") == before
        return caught.value

    error = with_looks(settings, action)
    assert (error.message, error.hint, error.where) == (
        "No such topic.",
        "Did you mean `/b`?",
        {"topic": "/a"},
    )
    assert [item.pointer for item in error.items] == ["/rows/topic"]


def test_a_command_that_is_none_is_told(settings: Settings) -> None:
    async def action(looks: Looks) -> None:
        with pytest.raises(LookCrashed, match="No process"):
            await look(looks, "pid")

    with_looks(settings, action, command=("/nowhere/at/all",))


def test_the_real_process_ends_with_its_api(tmp_path: Path) -> None:
    """Its stdin ends when the API does, however that comes about."""
    (tmp_path / "own" / "some").mkdir(parents=True)

    async def main() -> int:
        process = await asyncio.create_subprocess_exec(
            *ENTRY,
            str(tmp_path / "own"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.close()
        return await process.wait()

    assert asyncio.run(main()) == -9
    assert list(tmp_path.iterdir()) == []

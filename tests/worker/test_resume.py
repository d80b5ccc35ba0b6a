"""What an interrupted attempt has left goes to the next one, if there is a checkpoint; else nothing stays."""

import signal
from pathlib import Path

import pytest

from bagmill.report import CHECKPOINT
from models.workflow import Status
from services import advance
from services.worker.places import partial_folder
from services.worker.reconcile import Reconciler
from tests.support.waiting import wait_for
from tests.worker.making import DEAD, House

LEAVES_WORK = f"""
found = sorted(path.name for path in output.iterdir())
if REQUEST["fence"] == 1:
    (output / "finished").write_bytes(b"by the first")
    (output / "{CHECKPOINT}").write_text("noted")
    FIRST_END
(output / "{CHECKPOINT}").unlink(missing_ok=True)
(output / "finished").unlink(missing_ok=True)
(output / "working").unlink(missing_ok=True)
finish({{"found.txt": " ".join(found).encode()}})
"""


def found(house: House, workflow: str) -> str:
    """What the last attempt had found in its folder."""
    return (house.folder(workflow) / "index" / "found.txt").read_text()


def test_an_attempt_after_a_crash_goes_on(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)

    house.work(LEAVES_WORK.replace("FIRST_END", "os.kill(os.getpid(), signal.SIGKILL)"))

    step = house.state(workflow).step("index")
    assert (step.status, step.attempt) == (Status.COMPLETED, 2)
    assert found(house, workflow) == f"{CHECKPOINT} finished"
    assert list(house.folder(workflow).glob("*.partial")) == []


def test_without_a_checkpoint_an_attempt_begins_anew(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    end = f'(output / "{CHECKPOINT}").unlink(); os.kill(os.getpid(), signal.SIGKILL)'

    house.work(LEAVES_WORK.replace("FIRST_END", end))

    assert found(house, workflow) == ""


def test_the_next_worker_goes_on(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    hangs = LEAVES_WORK.replace(
        "FIRST_END", "(output / 'working').touch(); sys.stdin.buffer.read(); os._exit(9)"
    )
    with house.worker(hangs) as first:
        wait_for(lambda: list(house.folder(workflow).glob("*.partial/working")), "the job at work")
        first.signal(signal.SIGKILL)
        first.wait()

    house.work(LEAVES_WORK)

    step = house.state(workflow).step("index")
    assert (step.status, step.attempt, step.interruptions, step.fence) == (Status.COMPLETED, 1, 1, 2)
    assert found(house, workflow) == f"{CHECKPOINT} finished working"
    assert list(house.folder(workflow).glob("*.partial")) == []


def test_a_crash_after_the_renaming_does_no_harm(house: House, recording: Path) -> None:
    workflow = house.submit("index", recording)
    partial = house.begin(workflow, DEAD)
    (partial / CHECKPOINT).touch()
    Reconciler(house.context()).everything(frozenset())
    partial.rename(partial_folder(house.folder(workflow), "index", 2))

    house.work(LEAVES_WORK)

    assert found(house, workflow) == CHECKPOINT


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_what_has_ended_leaves_nothing(house: House, recording: Path, end: str) -> None:
    workflow = house.submit("index", recording, options={"max_attempts": 1})
    if end == "failed":
        house.work(LEAVES_WORK.replace("FIRST_END", "sys.exit(3)"))
    else:
        (house.begin(workflow, DEAD) / CHECKPOINT).touch()
        with house.states.edit(workflow) as edit:
            advance.request_cancel(edit)
        house.work(LEAVES_WORK)

    assert house.status(workflow).value == end
    assert list(house.folder(workflow).glob("*.partial")) == []
    assert house.queue.open_workflows() == set()

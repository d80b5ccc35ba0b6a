"""Small whole lives of the engine: submitted as the API does it, worked on as a worker does it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bagmill.sample import write_sample
from config import Settings
from models.request import FromTemplate
from services.listing import Query
from services.queue_service import FileQueue
from services.state_manager import StateManager
from services.worker.context import Context
from services.worker.life import WorkerLife
from services.worker.loop import Stop, Worker
from services.workflow_service import WorkflowService
from tests.crash.inline import InlineExecutor
from tests.support.places import settings_in

Say = Callable[[str], None]
"""Tells whoever looks on what was acknowledged: `accepted ID`, `cancelled ID`, `deleted ID`."""
Story = Callable[[WorkflowService, Settings, Say], None]

MAGIC = b"\x89MCAP0\r\n"


def recordings_in(folder: Path) -> None:
    """Make the recordings that the stories are about."""
    folder.mkdir()
    write_sample(folder / "drive.mcap", seconds=0.05)
    for name in "ab":
        (folder / f"small-{name}.mcap").write_bytes((folder / "drive.mcap").read_bytes())
    (folder / "empty.mcap").write_bytes(MAGIC + b"\0" * 40)


def settings_of(folder: Path, recordings: Path) -> Settings:
    """Settings of a run in `folder`, on recordings that many runs share."""
    return settings_in(folder, recordings_dir=recordings, configs_dir=folder / "configs", min_free_disk=0)


def work(settings: Settings) -> None:
    """A worker's life until the queue is empty."""
    life, queue = WorkerLife(settings), FileQueue(settings)
    ctx = Context(settings, StateManager(settings), queue, life)
    ctx.states.prepare()
    life.begin()
    Worker(ctx, InlineExecutor(), Stop(), once=True).run()
    queue.finish()
    life.end()


@contextmanager
def service_of(settings: Settings) -> Iterator[WorkflowService]:
    """What an API process has."""
    service = WorkflowService(settings)
    service.prepare()
    yield service
    service.finish()


def _submit(
    service: WorkflowService, say: Say, template: str, key: str | None = None, **params: object
) -> str:
    asked = FromTemplate(template_id=template, params=params)
    workflow = service.submit(asked, key).state.id
    say(f"accepted {workflow}")
    return workflow


def steps(service: WorkflowService, settings: Settings, say: Say) -> None:
    """A run of several steps."""
    _submit(service, say, "ingest", recording="drive.mcap", topics=["/odom"])
    work(settings)


def batch(service: WorkflowService, settings: Settings, say: Say) -> None:
    """A batch of two, and one whose recording is no good."""
    _submit(service, say, "index", recordings=["small-a.mcap", "small-b.mcap", "empty.mcap"])
    work(settings)


def failure(service: WorkflowService, settings: Settings, say: Say) -> None:
    """A run that fails, and is tried again."""
    workflow = ask_with_key(service, say)
    work(settings)
    service.retry(workflow)
    work(settings)


def ask_with_key(service: WorkflowService, say: Say) -> str:
    """What a client sends again when it got no answer."""
    return _submit(service, say, "convert", key="k", recording="empty.mcap")


def farewell(service: WorkflowService, settings: Settings, say: Say) -> None:
    """One that is cancelled before it begins, and one that is deleted when it has ended."""
    cancelled = _submit(service, say, "convert", recording="drive.mcap")
    say(f"cancelling {cancelled}")
    service.cancel(cancelled)
    say(f"cancelled {cancelled}")
    done = _submit(service, say, "index", key="k", recording="drive.mcap")
    work(settings)
    say(f"deleting {done}")
    service.delete(done)
    say(f"deleted {done}")


STORIES: dict[str, Story] = {"steps": steps, "batch": batch, "failure": failure, "farewell": farewell}


def tell(name: str, settings: Settings, say: Say) -> None:
    """Let a story happen, from the start of the API to its end."""
    with service_of(settings) as service:
        STORIES[name](service, settings, say)


def recover(name: str, settings: Settings, said: Sequence[str]) -> None:
    """What happens after a crash: everything is started again, and works until there is nothing to do."""
    with service_of(settings) as service:
        if name == "failure" and not said:
            workflow = ask_with_key(service, lambda _: None)
            assert ask_with_key(service, lambda _: None) == workflow
            assert [state.id for state in service.page(Query()).items] == [workflow]
        work(settings)

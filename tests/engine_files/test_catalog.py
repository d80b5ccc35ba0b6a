"""Lists say what the folders say, whoever has changed them, without reading all of them each time."""

import json
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from models.workflow import Status, WorkflowState
from services import advance
from services.errors import StateUnreadable
from services.ids import new_id
from services.listing import Listing, Query
from services.queue_service import FileQueue
from services.state_manager import StateManager
from tests.engine_files.making import request_of, state_of
from tests.support.places import lose_queue

QUERIES = [
    Query(),
    Query(statuses=frozenset({Status.QUEUED})),
    Query(statuses=frozenset({Status.CANCELLED, Status.COMPLETED})),
    Query(template="index"),
    Query(text="DAY-1"),
    Query(limit=3),
]


class Counting(StateManager):
    """Counts the states that are read."""

    reads = 0

    def read(self, workflow: str) -> WorkflowState:
        self.reads += 1
        return super().read(workflow)


class Place:
    """Folders, a process that changes them, and two that list them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.states = StateManager(settings)
        self.states.prepare()
        self.queue = FileQueue(settings)
        self.begin()

    def begin(self) -> None:
        """Listers that have just been started."""
        self.readers = [Counting(self.settings) for _ in range(2)]
        self.listings = [Listing(states, FileQueue(self.settings)) for states in self.readers]

    def create(self, **fields: Any) -> str:
        state = state_of(params={"recording": f"day-{random.randrange(3)}.mcap"}, **fields)
        jobs = self.states.create(state, request_of(state), intend=self.queue.intend)
        self.queue.enqueue(jobs)
        return state.id

    def end(self, workflow: str) -> None:
        with self.states.edit(workflow) as edit:
            advance.request_cancel(edit)
        self.queue.remove(workflow)
        self.queue.close([workflow])

    def retry(self, workflow: str) -> None:
        with self.states.edit(workflow) as edit:
            jobs = advance.retry(edit)
            self.queue.intend([workflow])
        self.queue.enqueue(jobs)

    def truth(self, query: Query) -> list[str]:
        """What a list should have, by reading everything."""
        states = [self.states.read(workflow) for workflow in self.states.ids()]
        return [
            state.id
            for state in states
            if state.parent == query.parent
            and (not query.statuses or state.status in query.statuses)
            and query.template in {None, state.template}
            and query.text.casefold() in f"{state.template} {state.params.get('recording')}".casefold()
        ][: query.limit]

    def check(self, who: Listing, query: Query) -> None:
        page = who.page(query)
        assert [item.id for item in page.items] == self.truth(query)
        assert page.unreadable == []


@pytest.fixture
def place(settings: Settings) -> Place:
    return Place(settings)


def settle(place: Place) -> None:
    """Let the time of the folder be long enough ago to be told from that of the next change."""
    past = time.time_ns() - 5_000_000_000
    os.utime(place.settings.workflows_dir, ns=(past, past))


def create(place: Place, rng: random.Random, ids: list[str]) -> None:
    place.create(template=rng.choice(["ingest", "index"]), parent=rng.choice([None, None, *ids]))


def end(place: Place, rng: random.Random, ids: list[str]) -> None:
    place.end(rng.choice(ids))


def retry(place: Place, rng: random.Random, ids: list[str]) -> None:
    workflow = rng.choice(ids)
    if place.states.read(workflow).status.ended:
        place.retry(workflow)


def delete(place: Place, rng: random.Random, ids: list[str]) -> None:
    place.end(workflow := rng.choice(ids))
    place.states.trash(workflow)


def bring(place: Place, rng: random.Random, ids: list[str]) -> None:
    """Somebody puts a folder there that the queue has never heard of."""
    source = place.settings.workflows_dir / rng.choice(ids)
    workflow = new_id()
    copy = place.settings.trash_dir / "copy"
    shutil.copytree(source, copy)
    state = copy / "state.json"
    state.write_text(state.read_text().replace(source.name, workflow))
    copy.rename(place.settings.workflows_dir / workflow)


def take_away(place: Place, rng: random.Random, ids: list[str]) -> None:
    shutil.rmtree(place.settings.workflows_dir / rng.choice(ids))


def restart(place: Place, rng: random.Random, ids: list[str]) -> None:
    for listing in place.listings:
        listing.finish()
    place.begin()


def lose(place: Place, rng: random.Random, ids: list[str]) -> None:
    lose_queue(place.settings)


DEEDS: list[Callable[[Place, random.Random, list[str]], None]] = [create, create, end, end, retry, retry]
DEEDS += [delete, bring, take_away, restart, lose]


@pytest.mark.parametrize("seed", range(6))
def test_a_list_has_what_there_is_whatever_was_done(place: Place, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(5):
        place.create()
    for _ in range(60):
        ids = place.states.ids()
        rng.choice(DEEDS if len(ids) > 2 else [create])(place, rng, ids)
        if rng.random() < 0.5:
            who = rng.choice(place.listings)
            queries = [rng.choice(QUERIES), Query(parent=rng.choice(ids) if ids else None)]
            for query in queries:
                place.check(who, query)
    counts: Counter[tuple[str, Status]] = Counter()
    for workflow in place.states.ids():
        state = place.states.read(workflow)
        counts[state.template, state.status] += 1
    assert [listing.counts() for listing in place.listings] == [counts, counts]


def test_pages_follow_each_other(place: Place) -> None:
    made = [place.create() for _ in range(10)]
    seen: list[str] = []
    cursor = None
    while True:
        page = place.listings[0].page(Query(limit=3, cursor=cursor))
        seen += [item.id for item in page.items]
        place.create()
        if not (cursor := page.next):
            break

    assert seen == made[::-1]


def test_a_list_reads_what_it_shows_and_no_more(place: Place) -> None:
    for _ in range(30):
        place.end(place.create())
    listing, reader = place.listings[0], place.readers[0]
    listing.page(Query(text="nothing of the kind"))
    settle(place)
    assert reader.reads == 30
    reader.reads = 0

    assert len(listing.page(Query(limit=5)).items) == 5
    assert listing.page(Query(text="nothing of the kind")).items == []
    listing.counts()
    assert reader.reads <= 6

    restart(place, random.Random(0), [])
    listing, reader = place.listings[0], place.readers[0]
    assert len(listing.page(Query(text="day-", limit=5)).items) == 5
    listing.counts()
    assert reader.reads <= 6, "the rows of the one before were kept"


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"schema_version": 99}', b'{"schema_version": 1, "rows": [[1]]}']
)
def test_a_cache_that_is_gone_or_spoilt_is_made_anew(place: Place, content: bytes) -> None:
    place.end(place.create())
    place.listings[0].page(Query())
    place.listings[0].finish()
    path = place.settings.listing_cache
    assert len(json.loads(path.read_bytes())["rows"]) == 1
    path.write_bytes(content)

    place.begin()

    place.check(place.listings[0], Query())
    place.listings[0].finish()
    assert len(json.loads(path.read_bytes())["rows"]) == 1


def test_what_changed_while_nobody_looked_is_not_believed(place: Place) -> None:
    workflow = place.create()
    place.end(workflow)
    place.listings[0].page(Query())
    place.listings[0].finish()
    place.retry(workflow)

    place.begin()

    for query in QUERIES:
        place.check(place.listings[0], query)


def test_what_people_edit_is_found_after_a_while(place: Place) -> None:
    workflow = place.create()
    place.end(workflow)
    listing = place.listings[0]
    place.settings.listing_cache.unlink(missing_ok=True)
    listing.page(Query())
    listing._catalog._unsettled.clear()  # as after a minute
    path = place.states.folder(workflow) / "state.json"
    path.write_text(path.read_text().replace('"template": "ingest"', '"template": "index"'))

    for _ in range(4):
        found = listing.page(Query(template="index")).items

    assert [item.id for item in found] == [workflow]


def test_what_cannot_be_read_is_told_each_time_until_it_is_mended(place: Place, tmp_path: Path) -> None:
    workflow, other = place.create(), place.create()
    listing = place.listings[0]
    path = place.states.folder(workflow) / "state.json"
    content = path.read_bytes()
    for _ in range(2):
        path.write_bytes(b"{")
        with pytest.raises(StateUnreadable):
            place.states.read(workflow)
        page = listing.page(Query())
        assert [item.id for item in page.items] == [other]
        assert [one.id for one in page.unreadable] == [workflow]
    path.write_bytes(content)

    assert [item.id for item in listing.page(Query()).items] == [other, workflow]
    assert listing.page(Query()).unreadable == []

"""Server-sent events: every line of events.jsonl once, resumed, ended with the run."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from models.workflow import Status
from services import advance
from services.state_manager import StateManager
from tests.support.server import Server


@pytest.fixture
def states(api: Server) -> StateManager:
    return StateManager(api.settings)


def received(answer: httpx2.Response) -> Iterator[tuple[int, dict[str, Any]]]:
    """The events of a stream: (id, data)."""
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name == "data":
            data = json.loads(value)
            yield data["seq"], data


def lines(api: Server, workflow: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (api.folder(workflow) / "events.jsonl").read_text().splitlines()]


def ended(api: Server) -> str:
    workflow: str = api.submit("test")["id"]
    api.http.post(f"/api/workflows/{workflow}/cancel")
    return workflow


def test_an_ended_run_is_told_whole(api: Server, http: httpx2.Client) -> None:
    workflow = ended(api)

    answer = http.get(f"/api/workflows/{workflow}/events")

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    assert [data for _, data in received(answer)] == lines(api, workflow)
    assert [int(line[4:]) for line in answer.text.splitlines() if line.startswith("id: ")] == [
        line["seq"] for line in lines(api, workflow)
    ]


@pytest.mark.parametrize("way", ["header", "query", "both"])
def test_a_stream_is_resumed(api: Server, http: httpx2.Client, way: str) -> None:
    workflow = ended(api)
    headers = {"Last-Event-ID": "2"} if way != "query" else {}
    query = {"after": {"header": 0, "query": 2, "both": 1}[way]}

    answer = http.get(f"/api/workflows/{workflow}/events", headers=headers, params=query)

    assert [number for number, _ in received(answer)] == [line["seq"] for line in lines(api, workflow)[2:]]


def test_a_browser_is_told_not_to_come_back(api: Server, http: httpx2.Client) -> None:
    workflow = ended(api)
    last = lines(api, workflow)[-1]["seq"]

    answer = http.get(f"/api/workflows/{workflow}/events", headers={"Last-Event-ID": str(last)})

    assert (answer.status_code, answer.content) == (204, b"")


def test_events_come_as_they_happen(api: Server, http: httpx2.Client, states: StateManager) -> None:
    workflow = api.submit("test")["id"]
    seen: list[dict[str, Any]] = []

    def listen() -> None:
        with http.stream("GET", f"/api/workflows/{workflow}/events", timeout=60) as answer:
            seen.extend(data for _, data in received(answer))

    with_stream = threading.Thread(target=listen)
    with_stream.start()
    for step in ("sample", "index", "convert", "visualize"):
        for status in (Status.RUNNING, Status.COMPLETED):
            with states.edit(workflow) as edit:
                edit.move_step(step, status)
                advance.after_step(edit)
    with_stream.join(60)

    assert not with_stream.is_alive()
    assert seen == lines(api, workflow)
    assert seen[-1]["to"] == "completed"


def test_events_that_a_crash_kept_out_of_the_file_are_told(
    api: Server, http: httpx2.Client, states: StateManager
) -> None:
    workflow = ended(api)
    log = api.folder(workflow) / "events.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole[: -len(whole.splitlines(keepends=True)[-1]) - 7])

    told = [number for number, _ in received(http.get(f"/api/workflows/{workflow}/events"))]

    assert told == list(range(1, states.read(workflow).events_seq + 1))


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "9" * 30, "٣"])
def test_a_last_event_that_is_none_is_refused(api: Server, http: httpx2.Client, number: str) -> None:
    workflow = ended(api)

    answer = http.get(f"/api/workflows/{workflow}/events", headers=[(b"last-event-id", number.encode())])

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_stream_of_a_deleted_run_ends(api: Server, http: httpx2.Client, states: StateManager) -> None:
    workflow = api.submit("test")["id"]

    with http.stream("GET", f"/api/workflows/{workflow}/events") as answer:
        stream = received(answer)
        next(stream)
        states.trash(workflow)
        assert list(stream)

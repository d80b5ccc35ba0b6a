"""The history of a workflow as server-sent events."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field
from starlette.exceptions import HTTPException

from bagmill.faults import Fault
from routes.common import EmptyIsNone, Responses, Service, Stop, problems
from routes.stopping import Stopping
from routes.workflows import POLL
from services.errors import InvalidRequest, WorkflowNotFound
from services.workflow_service import WorkflowService

Number = Annotated[int, Field(ge=0)]
router = APIRouter(prefix="/workflows", tags=["workflows"])


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stream begins: after the event with this number."""

    workflow: str
    after: int


def position(
    id: str,  # noqa: A002 - the name in the address
    service: Service,
    after: Annotated[
        Number | None, EmptyIsNone, Query(description="Begin after the event with this number.")
    ] = None,
    last_event_id: Annotated[str | None, Header(description="The same; wins over `after`.")] = None,
) -> Position:
    """Look before the stream begins, while there still can be a problem or a 204."""
    resumed = _number(last_event_id) if last_event_id else None
    begin = Position(id, (after or 0) if resumed is None else resumed)
    news = service.news(id, begin.after)
    if resumed is not None and news.ended and not news.events:
        raise HTTPException(204)  # tells a browser's EventSource not to come back
    return begin


NOTHING_MORE: Responses = {204: {"description": "The run has ended; `Last-Event-ID` was its last event."}}
PROBLEMS = problems(s404="There is no such workflow.", s422="`Last-Event-ID` or `after` is no number.")


@router.get("/{id}/events", response_class=EventSourceResponse, responses=NOTHING_MORE | PROBLEMS)
async def stream_events(
    begin: Annotated[Position, Depends(position)], service: Service, stopping: Stop
) -> AsyncIterator[ServerSentEvent]:
    """Events as they happen: `id` is the number of the event, `data` its line in events.jsonl.

    Ends when the run has ended and all its events are sent, and when the server stops.
    """
    after = begin.after
    try:
        while not stopping.begun:
            version = await run_in_threadpool(service.version, begin.workflow)
            news = await run_in_threadpool(service.news, begin.workflow, after)
            for event in news.events:
                yield ServerSentEvent(id=str(event.seq), raw_data=event.model_dump_json(by_alias=True))
                after = event.seq
            if news.ended:
                return
            await _change(begin.workflow, version, service, stopping)
    except WorkflowNotFound:  # deleted meanwhile
        return


async def _change(workflow: str, version: object, service: WorkflowService, stopping: Stopping) -> None:
    """Wait until the state is another one, or the server stops."""
    while not await stopping.within(POLL):
        if await run_in_threadpool(service.version, workflow) != version:
            return


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        fault = Fault(
            "", "Last-Event-ID is no number of an event.", "Send the `id` of the last event you have."
        )
        raise InvalidRequest(items=[fault])
    return int(text)

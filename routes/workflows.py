"""Lists and states of workflows, and what can be done to them."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from models.api import Patch, WorkflowPage
from models.workflow import Status, WorkflowState
from routes.body import read_object
from routes.common import EmptyIsNone, Service, Stop, problems
from routes.etags import etag, none_match
from routes.openapi import json_body
from routes.stopping import Stopping
from services.errors import InvalidRequest
from services.listing import Query as Listed
from services.validation import check

router = APIRouter(prefix="/workflows", tags=["workflows"])

MAX_WAIT = 60.0
POLL = 0.1
"""Seconds between two looks at a file that somebody waits for."""

NOT_FOUND = problems(s404="There is no such workflow.")
CONFLICT = problems(s404="There is no such workflow.", s409="Not in its present status.")
OneStatus = Annotated[Status | None, EmptyIsNone]
Limit = Annotated[int, Field(ge=1, le=500)]
Seconds = Annotated[float, Field(ge=0, le=MAX_WAIT)]


@router.get("", responses=problems(s422="A filter, the limit or the cursor is wrong."))
def list_workflows(
    service: Service,
    status: Annotated[list[OneStatus] | None, Query(description="Only these; may be repeated.")] = None,
    template: Annotated[str | None, EmptyIsNone, Query(description="Only runs of this template.")] = None,
    parent: Annotated[
        str | None, EmptyIsNone, Query(description="The children of this batch; else children are hidden.")
    ] = None,
    q: Annotated[str, Query(max_length=1000, description="Text in the id, the template or a path.")] = "",
    limit: Annotated[Limit | None, EmptyIsNone, Query(description="50 by default.")] = None,
    cursor: Annotated[str | None, EmptyIsNone, Query(description="`next` of the page before.")] = None,
) -> WorkflowPage:
    """The workflows, newest first."""
    statuses = frozenset(one for one in status or () if one)
    return service.page(Listed(statuses, template, parent, q, limit or 50, cursor))


@router.get("/{id}", response_model=WorkflowState, responses=NOT_FOUND | {304: {"description": "Unchanged."}})
async def get_workflow(
    id: str,  # noqa: A002 - the name in the address
    request: Request,
    response: Response,
    service: Service,
    stopping: Stop,
    wait: Annotated[
        Seconds | None, EmptyIsNone, Query(description="Hold the answer while the revision is the same.")
    ] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> WorkflowState | Response:
    """The state. `ETag` is the revision; with `If-None-Match` an unchanged state is answered by 304.

    `wait` holds the answer until there is another revision than the one in `If-None-Match` (without that
    header: than the present one), or until the time is over.
    """
    version = await run_in_threadpool(service.version, id)
    state = await run_in_threadpool(service.get, id)
    seen = etag(state.revision) if if_none_match is None else if_none_match
    deadline = asyncio.get_running_loop().time() + (wait or 0)
    while not none_match(seen, state.revision) and await _may_wait(deadline, stopping, request):
        newer = await run_in_threadpool(service.version, id)
        if newer != version:
            version, state = newer, await run_in_threadpool(service.get, id)
    tag = {"ETag": etag(state.revision)}
    if not none_match(if_none_match, state.revision):
        return Response(status_code=304, headers=tag)
    response.headers.update(tag)
    return state


async def _may_wait(deadline: float, stopping: Stopping, request: Request) -> bool:
    """Sleep a little; False if there is no more time, the server stops or the client is gone."""
    rest = deadline - asyncio.get_running_loop().time()
    if rest <= 0 or await stopping.within(min(POLL, rest)):
        return False
    return not await request.is_disconnected()


@router.post("/{id}/cancel", responses=NOT_FOUND)
def cancel_workflow(id: str, service: Service) -> WorkflowState:  # noqa: A002
    """Cancel what has not ended; an ended run is answered unchanged."""
    return service.cancel(id)


@router.post("/{id}/retry", responses=CONFLICT)
def retry_workflow(id: str, service: Service) -> WorkflowState:  # noqa: A002
    """Run failed, cancelled and skipped steps again; finished ones are kept."""
    return service.retry(id)


@router.patch(
    "/{id}",
    responses=NOT_FOUND | problems(s422="A name or a value is wrong."),
    openapi_extra=json_body(Patch, "At least one of both."),
)
async def change_workflow(id: str, request: Request, service: Service) -> WorkflowState:  # noqa: A002
    """Set priority and pinned; what the body does not name stays."""
    patch = check(Patch, await read_object(request))
    if not patch.model_fields_set:
        raise InvalidRequest(
            "The body names nothing to change.", hint='Send {"priority": 10} or {"pinned": true}.'
        )
    return await run_in_threadpool(service.change, id, patch)


@router.delete("/{id}", status_code=204, responses=CONFLICT)
def delete_workflow(id: str, service: Service) -> None:  # noqa: A002
    """Remove an ended workflow with its outputs; with a batch go its children. Recordings stay."""
    service.delete(id)

"""Looks at recordings, to make specs with: each is done in a process of its own while the client waits."""

import asyncio
from collections.abc import Coroutine

from fastapi import APIRouter, Request, Response

from models.look import LookBody, PreviewBody
from routes.body import read_model
from routes.common import LooksOf, Responses, Stop, problems
from routes.openapi import json_body
from routes.stopping import Stopping
from services.process_errors import LooksBusy

router = APIRouter(prefix="/specs", tags=["specs"])

POLL = 0.1
"""Seconds between two looks at whether the client is still there."""

REFUSED = problems(
    s400="No JSON.",
    s413="The body is longer than MAX_BODY.",
    s415="The body is not declared as JSON.",
    s422="A name or a value is wrong, the spec does not fit the recording, or the recording can't be used.",
    s429="As many are being done as there are cores; `Retry-After` says when to ask again.",
    s504="It took longer than LOOK_TIMEOUT.",
)


OBJECT: Responses = {200: {"content": {"application/json": {"schema": {"type": "object"}}}}}


@router.post(
    "/inspect",
    response_class=Response,
    responses=REFUSED | OBJECT,
    openapi_extra=json_body(LookBody, "A recording."),
)
async def inspect_recording(request: Request, looks: LooksOf, stopping: Stop) -> Response:
    """The fields of each topic: types, shapes, rates, and of a sample examples, ranges and shares of NaN."""
    asked = await read_model(request, LookBody)
    return await _answer(request, stopping, looks.inspect(asked))


@router.post(
    "/draft",
    response_class=Response,
    responses=REFUSED | OBJECT,
    openapi_extra=json_body(LookBody, "A recording."),
)
async def draft_spec(request: Request, looks: LooksOf, stopping: Stop) -> Response:
    """A spec for a recording, with the reason of each choice in it."""
    asked = await read_model(request, LookBody)
    return await _answer(request, stopping, looks.draft(asked))


@router.post(
    "/preview",
    response_class=Response,
    responses=REFUSED | OBJECT,
    openapi_extra=json_body(PreviewBody, "A recording, and a spec or the name of a config."),
)
async def preview_spec(request: Request, looks: LooksOf, stopping: Stop) -> Response:
    """The first rows that a spec makes of a recording; what it drops, and what is missing."""
    asked = await read_model(request, PreviewBody)
    return await _answer(request, stopping, looks.preview(asked))


async def _answer(request: Request, stopping: Stopping, look: Coroutine[None, None, bytes]) -> Response:
    """The result of a look, which ends when the client goes away or the server stops."""
    looking = asyncio.create_task(look)
    leaving = asyncio.create_task(_left(request, stopping))
    try:
        await asyncio.wait({looking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if looking.done():
            return Response(looking.result(), media_type="application/json")
        if stopping.begun:
            raise LooksBusy("The server stops.")
        return Response(status_code=204)  # nobody reads it
    finally:
        looking.cancel()
        leaving.cancel()
        await asyncio.wait({looking, leaving})


async def _left(request: Request, stopping: Stopping) -> None:
    """Wait until nobody waits for the answer any more."""
    while not await stopping.within(POLL):
        if await request.is_disconnected():
            return

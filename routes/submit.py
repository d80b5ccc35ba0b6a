"""POST of new workflows: in a query, or as a JSON body."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from bagmill.faults import Fault
from models.request import FromTemplate
from models.workflow import WorkflowState
from routes.body import parse, read_object
from routes.common import Service, problems
from routes.etags import etag
from routes.openapi import json_body
from services.errors import InvalidRequest
from services.submission import asked_for
from services.workflow_service import Submitted

router = APIRouter(prefix="/workflows", tags=["workflows"])

REFUSED = problems(
    s400="No JSON, or an address that is not UTF-8.",
    s413="The body has more than 4 MiB.",
    s415="The body is not declared as JSON.",
    s422="An unknown template, params that do not fit, a recording that can't be used, a key used before.",
)


@router.post(
    "/from-template",
    status_code=202,
    response_model=WorkflowState,
    responses=REFUSED,
    openapi_extra=json_body(FromTemplate, "The same as the query, as JSON; only one of both."),
)
async def submit(
    request: Request,
    response: Response,
    service: Service,
    template_id: Annotated[str | None, Query(description="Id of a template.")] = None,
    params: Annotated[str | None, Query(description="JSON object with the template's params.")] = None,
    options: Annotated[str | None, Query(description="JSON object with the options.")] = None,
    idempotency_key: Annotated[
        str | None, Header(description="The same key and request lead to the same workflow.")
    ] = None,
) -> WorkflowState:
    """Accept a workflow. Its folder is on disk when the answer comes; `Location` says where to look."""
    query = _from_query(template_id, params, options)
    body = await read_object(request)
    if query and body:
        raise InvalidRequest("The request has a query and a body.", hint="Send one of the two.")
    asked = asked_for(query or body)
    done: Submitted = await run_in_threadpool(service.submit, asked, _only_one(request, idempotency_key))
    response.headers["Location"] = f"/api/workflows/{done.state.id}"
    response.headers["ETag"] = etag(done.state.revision)
    if done.replayed:
        response.headers["Idempotent-Replay"] = "true"
    return done.state


def _from_query(template_id: str | None, params: str | None, options: str | None) -> dict[str, Any]:
    """The query in its JSON form; names without a value are left out."""
    form: dict[str, Any] = {"template_id": template_id} if template_id else {}
    for name, text in (("params", params), ("options", options)):
        if text:
            form[name] = parse(text, f"/{name}")
    return form


def _only_one(request: Request, key: str | None) -> str | None:
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise InvalidRequest(items=[Fault("", "There is more than one Idempotency-Key.")])
    return key

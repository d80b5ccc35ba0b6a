"""Saved configs: specs of datasets, with their revisions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from models.config import (
    ChangedConfig,
    Config,
    ConfigList,
    Diff,
    DuplicatedConfig,
    NewConfig,
    RestoredConfig,
    RevisionList,
)
from routes.body import read_model
from routes.common import Configs, EmptyIsNone, problems
from routes.etags import etag, matched, none_match
from routes.exceptions import PreconditionFailed
from routes.openapi import json_body
from services.errors import ConfigChanged

router = APIRouter(prefix="/configs", tags=["configs"])

Number = Annotated[int, Field(ge=1, lt=10**9)]
IfMatch = Annotated[
    str | None, Header(description="The ETag that this is a change of; refused if it is not the newest.")
]

NOT_FOUND = problems(s404="There is no such config or revision.")
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
BAD_BODY = problems(
    s400="No JSON.",
    s413="The body is longer than MAX_BODY.",
    s415="The body is not declared as JSON.",
    s422="A name or a value is wrong, in the request or in the spec.",
)
CONFLICT = problems(
    s409="The config was changed meanwhile, or the name is taken.", s412="`If-Match` names another revision."
)


@router.get("")
def list_configs(configs: Configs) -> ConfigList:
    """All configs, each with what its newest revision is."""
    return configs.all()


@router.post(
    "",
    status_code=201,
    response_model=Config,
    responses=BAD_BODY | problems(s409="There is one of this name."),
    openapi_extra=json_body(NewConfig, "Name and spec."),
)
async def make_config(request: Request, response: Response, configs: Configs) -> Config:
    """Save a spec as the first revision of a new config."""
    asked = await read_model(request, NewConfig)
    return _made(response, await run_in_threadpool(configs.create, asked))


@router.get("/{name}", response_model=Config, responses=NOT_FOUND | UNCHANGED)
def get_config(
    name: str, response: Response, configs: Configs, if_none_match: Annotated[str | None, Header()] = None
) -> Config | Response:
    """A config as it is now. `ETag` is the number of its newest revision."""
    found = configs.get(name)
    tag = {"ETag": etag(found.revision)}
    if not none_match(if_none_match, found.revision):
        return Response(status_code=304, headers=tag)
    response.headers.update(tag)
    return found


@router.patch(
    "/{name}",
    response_model=Config,
    responses=NOT_FOUND | BAD_BODY | CONFLICT,
    openapi_extra=json_body(ChangedConfig, "What shall be another one."),
)
async def change_config(
    name: str, request: Request, response: Response, configs: Configs, if_match: IfMatch = None
) -> Config:
    """Make a new revision; if nothing is different, the newest one is the answer."""
    asked = await read_model(request, ChangedConfig)
    return await _change(response, if_match, lambda base: configs.change(name, asked, base))


@router.delete("/{name}", status_code=204, responses=NOT_FOUND | CONFLICT)
def delete_config(name: str, configs: Configs, if_match: IfMatch = None) -> None:
    """Remove a config with all its revisions. Datasets that were made with it stay as they are."""
    with _matching(if_match) as base:
        configs.delete(name, base)


@router.get("/{name}/revisions", responses=NOT_FOUND)
def list_revisions(name: str, configs: Configs) -> RevisionList:
    """Who made which revision, when, why, and what is different in it; newest first."""
    return configs.revisions(name)


@router.get("/{name}/revisions/{revision}", responses=NOT_FOUND)
def get_revision(name: str, revision: Number, configs: Configs) -> Config:
    """A config as it was at a revision; this never changes."""
    return configs.get(name, revision)


@router.get("/{name}/diff", responses=NOT_FOUND)
def diff_revisions(
    name: str,
    configs: Configs,
    before: Annotated[
        Number | None, EmptyIsNone, Query(description="Revision; by default the one before `after`.")
    ] = None,
    after: Annotated[
        Number | None, EmptyIsNone, Query(description="Revision; by default the newest.")
    ] = None,
) -> Diff:
    """What is different between two revisions: by places of the spec, and as text."""
    return configs.diff(name, before, after)


@router.post(
    "/{name}/restore",
    response_model=Config,
    responses=NOT_FOUND | BAD_BODY | CONFLICT,
    openapi_extra=json_body(RestoredConfig, "The revision to have again."),
)
async def restore_config(
    name: str, request: Request, response: Response, configs: Configs, if_match: IfMatch = None
) -> Config:
    """Make an earlier revision the newest again, as a new one; those between stay."""
    asked = await read_model(request, RestoredConfig)
    return await _change(response, if_match, lambda base: configs.restore(name, asked, base))


@router.post(
    "/{name}/duplicate",
    status_code=201,
    response_model=Config,
    responses=NOT_FOUND | BAD_BODY | problems(s409="There is one of the new name."),
    openapi_extra=json_body(DuplicatedConfig, "The new name."),
)
async def duplicate_config(name: str, request: Request, response: Response, configs: Configs) -> Config:
    """Make a new config of a revision of this one."""
    asked = await read_model(request, DuplicatedConfig)
    return _made(response, await run_in_threadpool(configs.duplicate, name, asked))


async def _change(response: Response, if_match: str | None, change: Callable[[int | None], Config]) -> Config:
    with _matching(if_match) as base:
        done = await run_in_threadpool(change, base)
    response.headers["ETag"] = etag(done.revision)
    return done


@contextmanager
def _matching(if_match: str | None) -> Iterator[int | None]:
    """The revision that a change is of, as far as the header says; a wrong one is told as HTTP does."""
    base = matched(if_match)
    try:
        yield base
    except ConfigChanged as error:
        if base is None:
            raise
        raise PreconditionFailed(error.message, where=error.where, hint=error.hint) from error


def _made(response: Response, made: Config) -> Config:
    response.headers["Location"] = f"/api/configs/{made.name}"
    response.headers["ETag"] = etag(made.revision)
    return made

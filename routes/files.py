"""The committed files of a workflow."""

import os
from collections.abc import Iterator
from email.utils import formatdate
from typing import BinaryIO
from urllib.parse import unquote

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from routes.common import Responses, Service, problems
from services.files import CommittedFile

router = APIRouter(prefix="/workflows", tags=["workflows"])

CHUNK = 256 * 1024
HEADERS = {"Content-Security-Policy": "sandbox"}
"""Whatever a recording made us write: a browser must not run it."""


FILE: Responses = {
    200: {"content": {"application/octet-stream": {}}},
    206: {"description": "The ranges of bytes that were asked for."},
}
PROBLEMS = problems(
    s404="No such workflow, or no committed file of that name.", s416="No such range of bytes."
)


@router.get(
    "/{id}/files/{path:path}",
    response_class=Response,
    responses=FILE | PROBLEMS,
)
@router.head("/{id}/files/{path:path}", include_in_schema=False)
def get_file(id: str, path: str, request: Request, service: Service) -> Response:  # noqa: A002
    """A committed file. A `%2F` in its name is `%252F` in the address (as it stands is understood too)."""
    found = service.file(id, _spellings(request, path))
    if found.live:
        return _as_it_is_now(found)
    return FileResponse(found.path, headers=HEADERS, filename=found.path.name, stat_result=found.stat)


def _spellings(request: Request, path: str) -> list[list[str]]:
    """The names in the path: decoded, and as they stand in the address.

    The server decodes the path before it is split, so that `%2F` in a name looks like a slash.
    """
    raw = request.scope.get("raw_path", b"").decode("ascii", "replace").partition("/files/")[2]
    names = (raw or path).split("/")
    return [[unquote(name) for name in names], names]


def _as_it_is_now(found: CommittedFile) -> Response:
    """A file that may grow or be replaced while it is sent: its present bytes, and no ranges."""
    file = found.path.open("rb")
    facts = os.fstat(file.fileno())  # of what was opened: a file may have been replaced since it was found
    size = facts.st_size
    headers = HEADERS | {
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="{found.path.name}"',
        "Last-Modified": formatdate(facts.st_mtime, usegmt=True),
        "Cache-Control": "no-cache",
    }
    media_type = "application/json" if found.path.suffix == ".json" else "text/plain; charset=utf-8"
    return StreamingResponse(_chunks(file, size), headers=headers, media_type=media_type)


def _chunks(file: BinaryIO, rest: int) -> Iterator[bytes]:
    with file:
        while rest > 0 and (chunk := file.read(min(rest, CHUNK))):
            rest -= len(chunk)
            yield chunk

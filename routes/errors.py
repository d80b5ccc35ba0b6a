"""The one boundary at which exceptions become HTTP: problem objects (RFC 9457), statuses, log lines.

Services raise Bagmill's own exceptions and know no status. Whatever a route, a dependency or a middleware
raises ends here, and so do the plain-text errors that the framework writes by itself. What is no fault of
the request (5xx) is logged with its traceback, once; the answer carries the id of that log line.
"""

from collections.abc import Mapping
from http import HTTPStatus
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from loguru import logger
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bagmill.errors import BagmillError, OutputError, RecordingError, SchemaError, SelectionError, SpecError
from bagmill.faults import fault_at, token
from models.problem import Problem
from routes.exceptions import BY_STATUS, HttpError
from services.errors import (
    ConfigChanged,
    ConfigExists,
    IllegalOperation,
    InvalidRequest,
    LockTimeout,
    MissingError,
    RequestError,
)
from services.logs import Action, say
from services.problems import problem_of
from services.process_errors import JobError, LaunchError, LooksBusy, LookTimedOut

MEDIA_TYPE = "application/problem+json"
MAX_TEXT = 300

STATUSES: Mapping[type[BagmillError], int | None] = {
    RequestError: 422,
    IllegalOperation: 409,
    ConfigExists: 409,
    ConfigChanged: 409,
    MissingError: 404,
    RecordingError: 422,
    SelectionError: 422,
    SpecError: 422,
    OutputError: None,
    SchemaError: None,
    JobError: None,
    LaunchError: None,
    LockTimeout: 503,
    LooksBusy: 429,
    LookTimedOut: 504,
    HttpError: 400,
    BagmillError: 500,
} | {kind: status for status, kind in BY_STATUS.items()}
"""The status of a class, and of those below it that are not named. None: no answer, what fails a run."""

_AGAIN = (429, 503)
"""What may be asked again at once."""
_KEPT_HEADERS = ("allow", "content-range", "retry-after")


class Boundary:
    """Pure ASGI middleware: nothing but problems and finished answers leaves it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request; answer with a problem if it fails."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        reply = _Reply(send)
        try:
            await self.app(scope, receive, reply.send)
            failure: Exception | None = reply.plain_error()
        except Exception as exc:  # noqa: BLE001 - the boundary
            failure = exc
        if failure is not None:
            answer = _answer(failure, scope)
            if not reply.started:  # half an answer can't be taken back: the server then cuts the connection
                await answer(scope, receive, send)


class _Reply:
    """Passes an answer on, but keeps back an error that is no problem object."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._error: HTTPException | None = None
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_plain_error(message):
            headers = Headers(raw=message["headers"])
            kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
            self._error = HTTPException(message["status"], detail="", headers=kept)
        elif self._error is None:
            self.started = True
            await self._send(message)
        elif message["type"] == "http.response.body":
            self._error.detail += message.get("body", b"")[:MAX_TEXT].decode("utf-8", "replace")

    def plain_error(self) -> HTTPException | None:
        """The error that was kept back."""
        return self._error


def _is_plain_error(start: Message) -> bool:
    media_type = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] >= 400 and not media_type.startswith("application/")


def install(app: FastAPI) -> None:
    """Have this boundary handle all errors of the app; to be called after all that may fail is added."""
    app.add_exception_handler(HTTPException, _pass_on)
    app.add_exception_handler(RequestValidationError, _pass_on)
    app.add_middleware(Boundary)


def status_of(exc: BaseException) -> int:
    """The HTTP status of an exception; 500 for one that is not Bagmill's, or should not have come here."""
    return (status_of_class(type(exc)) if isinstance(exc, BagmillError) else None) or 500


def status_of_class(kind: type[BagmillError]) -> int | None:
    """The status of the nearest class in `STATUSES`."""
    return next(STATUSES[one] for one in kind.__mro__ if one in STATUSES)


async def _pass_on(request: Request, exc: Exception) -> Response:  # noqa: ARG001 - the framework's signature
    """Let the framework's own errors through to the boundary, instead of being answered as plain text."""
    raise exc


def _answer(exc: Exception, scope: Scope) -> Response:
    headers = dict(exc.headers or {}) if isinstance(exc, HTTPException) else {}
    if isinstance(exc, HTTPException) and exc.status_code < 400:
        return Response(status_code=exc.status_code, headers=headers)
    own = _own(exc, scope)
    problem, status = problem_of(own), status_of(own)
    if status in _AGAIN:
        headers["Retry-After"] = "1"
    if isinstance(exc, HTTPException):
        status = exc.status_code
        if status == 405:
            headers["Allow"] = ", ".join(sorted(_methods(scope))) or headers.get("Allow", "")
    problem.status = status
    _log(exc, problem, scope)
    return JSONResponse(problem.model_dump(mode="json"), status, headers, media_type=MEDIA_TYPE)


def _methods(scope: Scope) -> set[str]:
    """All methods of an address; the framework names those of the first route that has it."""
    paths = scope["app"].openapi()["paths"]
    return {
        method.upper()
        for path in paths
        if compile_path(path)[0].match(scope["path"])
        for method in paths[path]
    }


def _own(exc: Exception, scope: Scope) -> Exception:
    """The framework's exceptions as Bagmill's own."""
    if isinstance(exc, RequestValidationError):
        return InvalidRequest(
            items=[fault_at("".join(map(token, error["loc"][1:])), error) for error in exc.errors()]
        )
    if isinstance(exc, HTTPException):
        kind = BY_STATUS.get(exc.status_code, HttpError)
        said = exc.detail or HTTPStatus(exc.status_code).phrase
        return kind(f"{scope['method']} {scope['path']}: {said.removesuffix('.')}.")
    return exc


def _log(exc: Exception, problem: Problem, scope: Scope) -> None:
    path = scope.get("raw_path", b"")[:MAX_TEXT].decode("ascii", "backslashreplace")
    line = f"{scope['method']} {path}: {problem.status} {problem.code}"
    if problem.status is not None and problem.status < 500:
        say(Action.REQUEST_REFUSED, line, code=problem.code)
        return
    request = problem.where["request"] = uuid4().hex
    log = logger.bind(action=Action.REQUEST_FAILED.value, code=problem.code, request=request)
    log.opt(exception=exc).error("{} (request {})", line, request)

"""Strict JSON from the outside: what other readers disagree about is refused, with a place."""

import json
import math
from email.message import Message
from typing import Any, NoReturn

from starlette.requests import Request

from routes.exceptions import BodyTooLarge, InvalidJson, UnsupportedMediaType
from services.validation import Model, check
from services.workflow_service import WorkflowService

MAX_DEPTH = 32
MAX_DIGITS = 100
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


async def read_object(request: Request) -> dict[str, Any]:
    """The request's body as a JSON object; an empty body (of any declared type) and `null` are `{}`.

    Raises:
        BodyTooLarge: more than MAX_BODY.
        UnsupportedMediaType: a body that is not declared as JSON, such as that of an HTML form.
        InvalidJson: no JSON, or no object.
    """
    body = await _read(request)
    if not body:
        return {}
    _check_type(request.headers.get("content-type", ""))
    value = parse(body)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidJson(f"The body is a JSON {_kind(value)}, not an object.", where={"pointer": ""})
    return value


async def read_model(request: Request, model: type[Model]) -> Model:
    """The request's body as a model, all of whose texts are Unicode.

    Raises:
        InvalidJson: there is half of a surrogate pair in it.
        InvalidRequest: it does not fit the model.
        HttpError: as `read_object`.
    """
    body = await read_object(request)
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidJson("The body has half of a surrogate pair in it.") from None
    return check(model, body)


def parse(text: bytes | str, pointer: str = "") -> Any:
    """JSON without duplicate names, NaN, infinities, numbers of absurd length or depth.

    `pointer` is where it stands in the JSON form of the request. Raises InvalidJson.
    """
    try:
        return _parse(text)
    except ValueError as error:
        raise InvalidJson(f"{pointer or 'The body'}: {error}.", where={"pointer": pointer}) from error


def _parse(text: bytes | str) -> Any:
    try:
        value = json.loads(
            text.decode() if isinstance(text, bytes) else text,
            object_pairs_hook=_members,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} (line {error.lineno}, column {error.colno})") from error
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    if _too_deep(value):
        raise ValueError(TOO_DEEP)
    return value


async def _read(request: Request) -> bytes:
    service: WorkflowService = request.app.state.service
    limit = service.settings.max_body
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge(f"The body has more than {limit} bytes.")
    return bytes(body)


def _check_type(declared: str) -> None:
    message = Message()
    message["content-type"] = declared
    if message.get_content_type() != "application/json":
        raise UnsupportedMediaType(f"The body is declared as {declared[:100]!r}, not as JSON.")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice[:100]!r} stands twice in one object")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"an integer of {len(text)} digits")
    return int(text)


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)


def _kind(value: object) -> str:
    kinds = {bool: "boolean", str: "string", list: "array"}
    return kinds.get(type(value), "number")

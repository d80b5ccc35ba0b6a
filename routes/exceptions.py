"""What only HTTP can get wrong.

BagmillError
└── HttpError                   a request that HTTP itself forbids
    ├── BadRequest              400
    │   ├── InvalidJson
    │   └── InvalidEncoding
    ├── ForeignOrigin           403
    ├── NoSuchRoute             404
    ├── MethodNotAllowed        405
    ├── PreconditionFailed      412
    ├── BodyTooLarge            413
    ├── UnsupportedMediaType    415
    ├── RangeNotSatisfiable     416
    └── UnknownHost             421
"""

from bagmill.errors import BagmillError


class HttpError(BagmillError):
    """The request can't be answered."""

    code = "http_error"
    default_hint = "See /docs for what the API answers."


class BadRequest(HttpError):
    """The request is malformed."""

    code = "bad_request"


class InvalidJson(BadRequest):
    """The JSON of the request can't be used."""

    code = "invalid_json"
    default_hint = "Send one JSON object in UTF-8, each name once, numbers that are finite."


class InvalidEncoding(BadRequest):
    """The address of the request is not UTF-8."""

    code = "invalid_encoding"
    default_hint = "Percent-encode the UTF-8 bytes of the text; a path that is not UTF-8 can't be sent."


class ForeignOrigin(HttpError):
    """A page of another site tried to change something here."""

    code = "foreign_origin"
    default_hint = "Call the API from its own pages or from a program; web pages of other sites may not."


class NoSuchRoute(HttpError):
    """There is nothing at this address."""

    code = "no_such_route"
    default_hint = "See /docs for all addresses."


class MethodNotAllowed(HttpError):
    """This address does not know this method."""

    code = "method_not_allowed"
    default_hint = "The `Allow` header lists the methods; see /docs."


class PreconditionFailed(HttpError):
    """It is not in the state that `If-Match` asks for."""

    code = "precondition_failed"
    default_hint = "GET it again, and send the change with the new ETag."


class BodyTooLarge(HttpError):
    """The body of the request is too large."""

    code = "body_too_large"
    default_hint = "Name a folder or a glob in `recordings` instead of a list of thousands of paths."


class UnsupportedMediaType(HttpError):
    """The body of the request is not declared as JSON."""

    code = "unsupported_media_type"
    default_hint = "Send JSON with the header `Content-Type: application/json`."


class RangeNotSatisfiable(HttpError):
    """The file has no such range of bytes."""

    code = "range_not_satisfiable"
    default_hint = "The `Content-Range` header tells the file's size."


class UnknownHost(HttpError):
    """The request is addressed to a host name that this server does not answer to."""

    code = "unknown_host"
    default_hint = 'Use http://127.0.0.1, or add the name to ALLOWED_HOSTS: `ALLOWED_HOSTS=["robot-lab"]`.'


BY_STATUS: dict[int, type[HttpError]] = {
    400: BadRequest,
    403: ForeignOrigin,
    404: NoSuchRoute,
    405: MethodNotAllowed,
    412: PreconditionFailed,
    413: BodyTooLarge,
    415: UnsupportedMediaType,
    416: RangeNotSatisfiable,
    421: UnknownHost,
}
"""What the framework's own bare statuses mean."""

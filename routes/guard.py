"""Who may speak to the API: a tool on localhost must not be driven by web pages.

Two checks, before any route: the `Host` header must name this server (a page whose own name resolves to
127.0.0.1, DNS rebinding, sends its own name), and a request that changes something must not come from
another site's page (`Sec-Fetch-Site`, `Origin`). Programs send neither of the two and are let through.
"""

import re
from ipaddress import ip_address
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from config import Settings
from routes.exceptions import ForeignOrigin, InvalidEncoding, UnknownHost

READING = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITE = frozenset({"same-origin", "none"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\s:/@\\\[\]?#]+)(:\d{1,5})?")
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


class Guard:
    """Pure ASGI middleware; raises UnknownHost, ForeignOrigin, InvalidEncoding for the error boundary."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._names = {name.lower() for name in (*LOOPBACK, settings.host, *settings.allowed_hosts)}
        # An address is no name that another site could own: who listens everywhere answers to any of them.
        self._any_address = settings.host in EVERYWHERE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, then run it."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            self._check_host(headers)
            if scope["method"] not in READING:
                self._check_origin(headers)
            _check_encoding(scope)
        await self.app(scope, receive, send)

    def _check_host(self, headers: Headers) -> None:
        named = headers.getlist("host")
        if len(named) != 1 or not self.answers_to(named[0]):
            raise UnknownHost(f"This server does not answer to the host {', '.join(named)[:100]!r}.")

    def _check_origin(self, headers: Headers) -> None:
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        own = site in OWN_SITE if site else origin is None or _is_own(origin, headers["host"])
        if not own:
            page = repr(origin[:100]) if origin else "another site"
            raise ForeignOrigin(f"A page of {page} may not change anything here.")

    def answers_to(self, host: str) -> bool:
        """Whether this server is meant by a `Host` header."""
        name = _name(host)
        return name in self._names or (self._any_address and _is_address(name))


def _is_own(origin: str, host: str) -> bool:
    return origin.lower() in {f"{scheme}://{host.lower()}" for scheme in ("http", "https")}


def _name(host: str) -> str:
    """The name or address in a `Host` header, without its port; empty if the header has another form."""
    form = HOST.fullmatch(host.lower())
    return form["name"].strip("[]").removesuffix(".") if form else ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _check_encoding(scope: Scope) -> None:
    """The framework would put U+FFFD for what is no UTF-8, and so name another file than was meant."""
    for part in (scope.get("raw_path", b""), scope["query_string"]):
        try:
            unquote_to_bytes(part).decode()
        except UnicodeDecodeError as error:
            raise InvalidEncoding(f"The address is not UTF-8: {error.reason}.") from error

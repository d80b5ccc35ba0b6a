"""Entity tags of states: the revision. See RFC 9110 sections 8.8.3, 13.1.1 and 13.1.2."""

import re

from routes.exceptions import PreconditionFailed

_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_ONE = re.compile(r'"([1-9]\d{0,8})"')


def etag(revision: int) -> str:
    """The tag of a revision."""
    return f'"{revision}"'


def none_match(header: str | None, revision: int) -> bool:
    """Whether `If-None-Match` asks for anything but this revision (and so this one is worth sending)."""
    if header is None:
        return True
    return header.strip() != "*" and str(revision) not in _TAG.findall(header)


def matched(header: str | None) -> int | None:
    """The revision that `If-Match` asks for; None if any will do.

    Raises:
        PreconditionFailed: it asks for one that there can't be.
    """
    if header is None or header.strip() == "*":
        return None
    form = _ONE.fullmatch(header.strip())
    if not form:
        raise PreconditionFailed(
            f"{header[:100]!r} is no ETag of this.", hint='Send one strong ETag as it came: If-Match: "3".'
        )
    return int(form[1])

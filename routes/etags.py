"""Entity tags of states: the revision. See RFC 9110 sections 8.8.3 and 13.1.2."""

import re

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def etag(revision: int) -> str:
    """The tag of a revision."""
    return f'"{revision}"'


def none_match(header: str | None, revision: int) -> bool:
    """Whether `If-None-Match` asks for anything but this revision (and so this one is worth sending)."""
    if header is None:
        return True
    return header.strip() != "*" and str(revision) not in _TAG.findall(header)

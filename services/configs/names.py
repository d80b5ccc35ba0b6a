"""Names of configs: each is the name of a folder, on any file system."""

import re

from bagmill.faults import Fault
from services.errors import InvalidRequest

LONGEST = 64
_FORM = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
_DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{kind}{number}" for kind in ("com", "lpt") for number in range(10)),
}
"""What Windows takes for a device, whatever follows its first dot."""


def is_name(name: str) -> bool:
    """Whether a config can have this name."""
    return bool(_FORM.fullmatch(name)) and name.lower().partition(".")[0] not in _DEVICES


def check_name(name: str, pointer: str) -> str:
    """The name itself, if a config can have it.

    Raises:
        InvalidRequest: it can't.
    """
    if not is_name(name):
        raise _refused(name, pointer)
    return name


def _refused(name: str, pointer: str) -> InvalidRequest:
    reason = (
        f"A name has {LONGEST} characters at most."
        if len(name) > LONGEST
        else "A name has letters, digits, `.`, `_` and `-`; it begins with a letter or digit, "
        "ends with no dot, and is no device of Windows."
    )
    return InvalidRequest(items=[Fault(pointer, reason)])

"""One JSON message, read with Python's own parser: what is valid is what it says."""

import json
import re
from typing import Any

from bagmill.decoders.base import UnreadableMessage
from bagmill.schemas.tree import MAX_DEPTH

_HALF_A_PAIR = rb"\\u[dD][89a-fA-F]"
"""An escape that may be half of a surrogate pair without the other half."""

MAX_LEVELS = MAX_DEPTH // 2
"""Levels of arrays and objects that a message may have; one may make two levels of the tree."""


def parse_message(payload: bytes) -> Any:
    """Parse one message.

    Raises:
        UnreadableMessage: it is no JSON in UTF-8, holds what is no text, or is nested too deep.
    """
    try:
        value = json.loads(payload.decode("utf-8-sig"))
        if re.search(_HALF_A_PAIR, payload):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise UnreadableMessage("no UTF-8") from None
    except UnicodeEncodeError:
        raise UnreadableMessage("a string holds half of a surrogate pair, which is no text") from None
    except (ValueError, RecursionError) as error:
        raise UnreadableMessage(f"no valid JSON: {error}") from None
    if payload.count(b"{") + payload.count(b"[") > MAX_LEVELS:
        check_levels(value)
    return value


def check_levels(value: Any) -> None:
    """Refuse what is nested too deep.

    Raises:
        UnreadableMessage: it is.
    """
    if _levels(value) > MAX_LEVELS:
        raise UnreadableMessage(f"nested more than {MAX_LEVELS} levels deep")


def _levels(value: Any) -> int:
    """Levels of arrays and objects; stops counting when there are too many, so recursion ends."""
    level = 0
    inner = [value]
    while level <= MAX_LEVELS and (inner := [item for item in inner if isinstance(item, dict | list)]):
        level += 1
        inner = [each for item in inner for each in (item.values() if isinstance(item, dict) else item)]
    return level

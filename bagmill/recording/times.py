"""Times as text: RFC 3339 with all nine digits, so that nothing of a nanosecond is lost."""

from datetime import UTC, datetime

_NS = 1_000_000_000


def rfc3339(nanoseconds: int) -> str:
    """Write ns since the epoch (0 to 2**64 - 1: the year 2554) as `2024-05-15T10:00:00.000000000Z`."""
    seconds, fraction = divmod(nanoseconds, _NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"

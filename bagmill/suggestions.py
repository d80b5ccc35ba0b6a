"""Did you mean ...? Names near to one that does not exist."""

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known name, or all of them if none is near."""
    from difflib import get_close_matches  # only needed here

    names = list(known)
    if near := get_close_matches(name[:100], names, n=1):
        return f"Did you mean `{near[0]}`?"
    return f"Known: {', '.join(f'`{one}`' for one in names)}." if names else "There are none here."

"""What is selected of a recording: topics by globs, messages by log time."""

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from bagmill.choices import Selecting
from bagmill.errors import NothingSelected, UnknownTopic
from bagmill.recording.times import rfc3339

_MOST_NAMED = 5


def select_topics(topics: Collection[str], selection: Selecting) -> set[str]:
    """The topics that a selection takes; globs match whole names, and case counts.

    Raises:
        UnknownTopic: a glob of `topics` matches none (`where.pointer` says which).
        NothingSelected: there are topics, and all of them are excluded.
    """
    wanted: set[str] = set()
    for number, glob in enumerate(selection.topics):
        found = {topic for topic in topics if fnmatchcase(topic, glob)}
        if not found and (topics or glob != "*"):
            raise _unknown(glob, number, sorted(topics))
        wanted |= found
    wanted = {
        topic for topic in wanted if not any(fnmatchcase(topic, glob) for glob in selection.exclude_topics)
    }
    if topics and not wanted:
        raise NothingSelected(
            "exclude_topics leaves out every topic that topics takes",
            where={"pointer": "/params/exclude_topics"},
            hint=f"The recording has {_listed(sorted(topics))}.",
        )
    return wanted


def check_times(first: int | None, last: int | None, selection: Selecting) -> None:
    """Make sure that a window of time has something of a recording from `first` to `last` (ns, inclusive).

    Raises:
        NothingSelected: the window ends before the recording starts, or starts after its end.
    """
    start, end = selection.start_time, selection.end_time
    if first is None or last is None:
        return
    hint = f"The recording's log times go from {rfc3339(first)} to {rfc3339(last)}."
    if start is not None and start > last:
        raise NothingSelected(
            "the recording ends before start_time", where={"pointer": "/params/start_time"}, hint=hint
        )
    if end is not None and end <= first:
        raise NothingSelected(
            "the recording starts after end_time", where={"pointer": "/params/end_time"}, hint=hint
        )


def _unknown(glob: str, number: int, topics: Sequence[str]) -> UnknownTopic:
    from difflib import get_close_matches  # only needed for the hint

    but_for_case = [topic for topic in topics if fnmatchcase(topic.lower(), glob.lower())][:3]
    near = but_for_case or get_close_matches(glob, topics, n=3, cutoff=0.5)
    if not topics:
        hint = "The recording has no topics."
    elif near:
        hint = f"Did you mean {' or '.join(near)}?"
    else:
        hint = f"The recording has {_listed(topics)}."
    return UnknownTopic(
        f"no topic matches {glob!r}", where={"topic": glob, "pointer": f"/params/topics/{number}"}, hint=hint
    )


def _listed(topics: Sequence[str]) -> str:
    more = len(topics) - _MOST_NAMED
    return ", ".join(topics[:_MOST_NAMED]) + (f" and {more} more topics" if more > 0 else "")

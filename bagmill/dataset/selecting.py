"""Which messages of a recording a spec takes: times and topics, checked against the recording's summary."""

from collections.abc import Collection, Iterator
from itertools import chain

from bagmill.choices import MAX_TIME_NS, Choices, OnCorrupt
from bagmill.dataset.spec import (
    ByField,
    ByGap,
    ConcatSource,
    CountSource,
    Input,
    Rate,
    Source,
    Spec,
    StackSource,
    TopicSource,
)
from bagmill.errors import BagmillError, NothingSelected, SpecUnfit, UnknownTopic
from bagmill.faults import Fault, token
from bagmill.selection import check_times, select_topics
from bagmill.suggestions import did_you_mean

Place = tuple[str, str]
"""A JSON pointer into a spec, and the topic that it names there."""


def select(chosen: Input, first: int | None, last: int | None) -> Choices:
    """What is selected of a recording with these first and last log times (ns).

    Raises:
        SpecUnfit: the window of time has nothing of it.
    """
    start, end = (_absolute(time, first, last) for time in (chosen.start_time, chosen.end_time))
    if start is not None and end is not None and end <= start:
        raise SpecUnfit(items=[Fault("/input/end_time", "It is not after start_time in this recording.")])
    selection = Choices(
        topics=chosen.topics,
        exclude_topics=chosen.exclude_topics,
        start_time=start,
        end_time=end,
        on_corrupt=OnCorrupt(chosen.on_corrupt),
    )
    try:
        check_times(first, last, selection)
    except NothingSelected as error:
        raise _refused(error) from error
    return selection


def _absolute(time: int | str | None, first: int | None, last: int | None) -> int | None:
    if not isinstance(time, str):
        return time
    origin = (last if time.startswith("-") else first) or 0
    return min(max(origin + round(float(time[:-1]) * 1e9), 0), MAX_TIME_NS)


def topics_taken(topics: Collection[str], selection: Choices) -> set[str]:
    """The topics of a recording that `input` takes.

    Raises:
        SpecUnfit: a glob matches none, or none is left.
    """
    try:
        return select_topics(topics, selection)
    except (UnknownTopic, NothingSelected) as error:
        raise _refused(error) from error


def _refused(error: BagmillError) -> SpecUnfit:
    """What a selection is refused for, with the pointer into a spec."""
    pointer = str(error.where.get("pointer", "")).replace("/params/", "/input/", 1)
    message = error.message[:1].upper() + error.message[1:].removesuffix(".") + "."
    return SpecUnfit(items=[Fault(pointer, message, error.hint)])


def decoded_places(spec: Spec) -> Iterator[Place]:
    """Where a spec takes what is in the messages of a topic."""
    for pointer, source in _sources(spec):
        yield from ((at, one.topic) for at, one in _leaves(source, pointer) if isinstance(one, TopicSource))
    if isinstance(spec.episodes, ByField):
        yield "/episodes/topic", spec.episodes.topic


def timed_places(spec: Spec) -> Iterator[Place]:
    """Where a spec takes no more than the times of a topic's messages."""
    if not isinstance(spec.rows, Rate):
        yield "/rows/topic", spec.rows.topic
    for pointer, source in _sources(spec):
        yield from ((at, one.count) for at, one in _leaves(source, pointer) if isinstance(one, CountSource))
    if isinstance(spec.episodes, ByGap) and spec.episodes.topic is not None:
        yield "/episodes/topic", spec.episodes.topic


def needed_topics(spec: Spec) -> list[str]:
    """All topics whose messages a spec takes."""
    return sorted({topic for _, topic in chain(decoded_places(spec), timed_places(spec))})


def check_topics(spec: Spec, taken: Collection[str]) -> None:
    """Refuse topics that are not among those that `input` takes.

    Raises:
        SpecUnfit: there are some; `items` has one fault for each place.
    """
    faults = [
        Fault(
            pointer,
            f"There is no topic {topic!r} among those that `input` takes.",
            did_you_mean(topic, sorted(taken)),
        )
        for pointer, topic in chain(timed_places(spec), decoded_places(spec))
        if topic not in taken
    ]
    if faults:
        raise SpecUnfit(items=faults)


def _sources(spec: Spec) -> Iterator[tuple[str, Source]]:
    for name, feature in spec.features.items():
        yield f"/features{token(name)}/source", feature.source
    for name, label in spec.labels.items():
        yield f"/labels{token(name)}/source", label.source


def _leaves(source: Source, pointer: str) -> Iterator[tuple[str, TopicSource | CountSource]]:
    match source:
        case TopicSource():
            yield f"{pointer}/topic", source
        case CountSource():
            yield f"{pointer}/count", source
        case ConcatSource():
            for number, one in enumerate(source.concat):
                yield from _leaves(one, f"{pointer}/concat/{number}")
        case StackSource():
            for number, one in enumerate(source.stack):
                yield from _leaves(one, f"{pointer}/stack/{number}")

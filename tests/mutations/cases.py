"""Case number n of a seed: a ruined recording, and how it is to be converted.

Half of the cases ruin the bytes of whole files, which tries the reader. The others ruin payloads and schemas
and put them into files that are right in themselves, which tries decoders and writers.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from bagmill.choices import FORMATS, Choices, Compression, OnCorrupt
from tests.mutations.contents import Content, contents
from tests.mutations.ways import ruined
from tests.recording.making import MAGIC, Maker, Message, attachment, channel, metadata, schema
from tests.support.places import SHARED_RECORDINGS

CODECS = ("", "zstd", "lz4")
MOST_SHARED = 160_000
"""Bytes of a real recording that is ruined; larger ones take too long for their number."""


@dataclass(frozen=True)
class Case:
    """A recording's bytes, and the options and threads to convert it with."""

    content: bytes
    options: Choices
    threads: int


def case(seed: str, number: int) -> Case:
    """Make a case, always the same for the same seed and number (and the same real recordings)."""
    chance = random.Random(f"{seed}:{number}")
    content = _ruined_file(chance) if chance.random() < 0.5 else _ruined_content(chance)
    options = Choices(
        format=chance.choice(FORMATS),
        compression=chance.choice([Compression.ZSTD] * 4 + list(Compression)),
        on_corrupt=chance.choice([OnCorrupt.RECOVER] * 7 + [OnCorrupt.FAIL]),
    )
    return Case(content, options, chance.choice([1, 1, 1, 2]))


def written(topics: Sequence[Content], chance: random.Random) -> bytes:
    """A file of some topics, in one of the legal layouts."""
    made = Maker()
    for number, topic in enumerate(topics, 1):
        if topic.schema is not None:
            made.schemas[number] = schema(number, *topic.schema)
        identity = number if topic.schema is not None else 0
        made.channels[number] = channel(number, topic.topic, identity, topic.encoding)
    messages = _messages(topics)
    layout = chance.choice(["loose", *CODECS, *CODECS])
    if layout == "loose":
        made.add(made.definitions()).loose(messages)
    else:
        each = chance.randint(1, len(messages) or 1)
        for first in range(0, len(messages), each):
            made.chunk(messages[first : first + each], layout, crc=chance.choice([None, None, 0]))
    made.add(attachment("a", b"x" * 30)).add(metadata("m", {"k": "v"}))
    return made.finish(summary=chance.random() < 0.8, statistics=chance.random() < 0.9)


def _messages(topics: Sequence[Content]) -> list[Message]:
    """All payloads, the topics taking turns."""
    turns = max((len(topic.payloads) for topic in topics), default=0)
    return [
        Message(number, turn, 1000 + 10 * turn, 1001 + 10 * turn, topic.payloads[turn])
        for turn in range(turns)
        for number, topic in enumerate(topics, 1)
        if turn < len(topic.payloads)
    ]


@cache
def files() -> tuple[bytes, ...]:
    """Whole recordings to be ruined: made ones of every layout, and the small real ones that are there."""
    chance = random.Random(0)
    made = [written(contents(), chance) for _ in range(8)]
    made += [written([topic], chance) for topic in contents()]
    real = [
        path.read_bytes()
        for path in sorted(SHARED_RECORDINGS.glob("*/*.mcap"))
        if path.stat().st_size <= MOST_SHARED
    ]
    return (*made, *(content for content in real if content.startswith(MAGIC)))


def _ruined_file(chance: random.Random) -> bytes:
    content = chance.choice(files())
    start = len(MAGIC)  # without the magic bytes nothing else is looked at
    return content[:start] + ruined(content[start:], chance, files())


def _ruined_content(chance: random.Random) -> bytes:
    topics = chance.sample(contents(), chance.randint(1, 3))
    return written([_ruined_topic(topic, chance) for topic in topics], chance)


def _ruined_topic(topic: Content, chance: random.Random) -> Content:
    payloads = [
        ruined(payload, chance, topic.payloads) if chance.random() < 0.4 else payload
        for payload in topic.payloads
    ]
    changed = replace(topic, payloads=payloads)
    if topic.schema is None or chance.random() < 0.6:
        return changed
    name, encoding, data = topic.schema
    others = [other.schema[2] for other in contents() if other.schema is not None]
    return replace(changed, schema=(name, encoding, ruined(data, chance, others)))

"""The recordings of the benchmarks: the same bytes each time, valid, and holding what their makers say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory as ProtobufDecoder
from mcap_ros1.decoder import DecoderFactory as Ros1Decoder
from mcap_ros2.decoder import DecoderFactory as Ros2Decoder

from benchmarks.recordings.catalog import RECORDINGS, facts_of, recording
from benchmarks.recordings.facts import Facts

KINDS = ["telemetry", "ros1", "protobuf", "json", "camera", "lidar"]
SMALL = 0.003
DECODERS = (ProtobufDecoder, Ros1Decoder, Ros2Decoder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where small recordings are made once for all tests here."""
    return tmp_path_factory.mktemp("recordings")


@pytest.mark.parametrize("name", KINDS)
def test_they_are_the_same_bytes_each_time(name: str, folder: Path, tmp_path: Path) -> None:
    one, two = (recording(name, place, SMALL)[0] for place in (folder, tmp_path))

    assert one.read_bytes() == two.read_bytes()
    assert facts_of(one).read_bytes() == facts_of(two).read_bytes()


def test_they_do_not_depend_on_how_much_is_made_at_once(tmp_path: Path) -> None:
    """The first seconds of a long recording are those of a short one."""
    short, long = (RECORDINGS["telemetry"].make(seconds) for seconds in (5, 10))
    short.write(tmp_path / "short")
    long.write(tmp_path / "long")

    data = (tmp_path / "long").read_bytes()
    first = (tmp_path / "short").read_bytes()
    assert data.startswith(first[: len(first) // 2])


@pytest.mark.parametrize("name", KINDS)
def test_others_read_what_is_known_of_them(name: str, folder: Path) -> None:
    (path,) = recording(name, folder, SMALL)
    known, read = Facts.read(facts_of(path)), Facts()
    with path.open("rb") as file:
        for _, channel, message in make_reader(file, validate_crcs=True).iter_messages(log_time_order=False):
            read.of(channel.topic).count([message.data])
            assert message.publish_time < message.log_time
    for topic, decoded in decoded_messages(path):
        note(known, read, topic, decoded)

    assert read == known


def test_the_summary_is_whole(folder: Path) -> None:
    (path,) = recording("telemetry", folder, SMALL)
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()

    assert summary is not None
    assert summary.statistics is not None
    assert summary.statistics.message_count == Facts.read(facts_of(path)).messages
    assert len(summary.chunk_indexes) == summary.statistics.chunk_count > 1
    assert all(len(chunk.message_index_offsets) > 1 for chunk in summary.chunk_indexes)


def decoded_messages(path: Path) -> Iterator[tuple[str, Any]]:
    factories = [factory() for factory in DECODERS]  # they remember schemas by id: one set for each file
    with path.open("rb") as file:
        for schema, channel, message in make_reader(file).iter_messages(log_time_order=False):
            found = (factory.decoder_for(channel.message_encoding, schema) for factory in factories)
            decode = next((decoder for decoder in found if decoder), json.loads)
            yield channel.topic, decode(message.data)


def note(known: Facts, read: Facts, topic: str, decoded: Any) -> None:
    """Note the columns of a message that are known of its topic."""
    for path in known.topics[topic].numbers:
        read.of(topic).add(path, np.array(list(values(decoded, path))))
    for path in known.topics[topic].blobs:
        blobs = values(decoded, path)
        read.of(topic).join(path, (each.encode() if isinstance(each, str) else each for each in blobs))


def values(message: Any, path: str) -> Iterator[Any]:
    """All values at a path, through lists."""
    if isinstance(message, str | bytes | int | float):
        yield message
    elif isinstance(message, dict) or hasattr(message, "__slots__") or hasattr(message, "DESCRIPTOR"):
        yield from member(message, path)
    else:
        for element in message:
            yield from values(element, path)


def member(message: Any, path: str) -> Iterator[Any]:
    name, _, rest = path.partition(".")
    names = {"sec": "secs", "nanosec": "nsecs"} if hasattr(message, "secs") else {}
    name = names.get(name, name)
    yield from values(message[name] if isinstance(message, dict) else getattr(message, name), rest)

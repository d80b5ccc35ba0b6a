"""Recordings of a few plain topics, and what is extracted of them."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from bagmill.dataset.extract import extract
from bagmill.dataset.extracted import Extracted
from bagmill.dataset.spec import Spec, make_spec
from tests.convert.making import Sent, Stream, record

__all__ = ["Sent", "Stream", "made", "numbers", "record", "rows_of", "spec", "texts", "vectors"]


def numbers(topic: str, messages: Sequence[tuple[int, float]]) -> Stream:
    """Messages with a float64 `data`, each with its log time (ns)."""
    sent = [Sent(b"\0\1\0\0" + struct.pack("<d", value), time) for time, value in messages]
    return Stream(topic, ("pkg/msg/Number", "ros2msg", b"float64 data"), "cdr", sent)


def vectors(topic: str, messages: Sequence[tuple[int, Sequence[float]]], size: int) -> Stream:
    """Messages with a float64[size] `data`, each with its log time (ns)."""
    sent = [Sent(b"\0\1\0\0" + struct.pack(f"<{size}d", *value), time) for time, value in messages]
    return Stream(topic, ("pkg/msg/Vector", "ros2msg", f"float64[{size}] data".encode()), "cdr", sent)


def texts(topic: str, messages: Sequence[tuple[int, str]]) -> Stream:
    """Messages with a string `data`, each with its log time (ns)."""
    sent = []
    for time, value in messages:
        data = value.encode() + b"\0"
        sent.append(Sent(b"\0\1\0\0" + struct.pack("<I", len(data)) + data, time))
    return Stream(topic, ("pkg/msg/Text", "ros2msg", b"string data"), "cdr", sent)


def spec(features: Mapping[str, Any], rows: Any = None, **rest: Any) -> Spec:
    """A spec with rows at the messages of `/a`, unless told; a feature may be the name of its topic."""
    plain = {
        name: {"source": {"topic": one, "field": "data"}} if isinstance(one, str) else one
        for name, one in features.items()
    }
    kind = rows or {"kind": "trigger", "topic": "/a"}
    return make_spec({"rows": kind, "features": plain} | rest)


def made(tmp_path: Path, spec_: Spec, *streams: Stream, **options: Any) -> Extracted:
    """Record some topics and extract them."""
    folder = tmp_path / f"extracted-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    extract(record(tmp_path / "a.mcap", *streams), folder, spec_, **options)
    return Extracted.open(folder)


def rows_of(extracted: Extracted) -> dict[str, list[Any]]:
    """All rows, by column."""
    batches = list(extracted.batches())
    columns: dict[str, list[Any]] = pa.Table.from_batches(batches, extracted.schema).to_pydict()
    return columns

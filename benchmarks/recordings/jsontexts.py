"""A robot that records JSON with JSON Schema, as web dashboards do."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.recordings.facts import Bytes, TopicFacts
from benchmarks.recordings.foxglove import note
from benchmarks.recordings.recorder import Maker, Moments, Recording, Topic
from benchmarks.recordings.signals import noise, wave

Rows = list[dict[str, Any]]


def texts(seconds: int) -> Recording:
    """750 messages a second on four topics; zstd."""
    makers: tuple[tuple[str, int, Callable[[Moments, np.random.Generator], Rows]], ...] = (
        ("/pose", 300, _pose),
        ("/battery", 200, _battery),
        ("/events", 100, _events),
        ("/detections", 150, _detections),
    )
    return Recording([_topic(*each) for each in makers], "", "zstd", seconds, slab=10)


def _topic(name: str, hertz: int, build: Callable[[Moments, np.random.Generator], Rows]) -> Topic:
    example = build(Moments(np.arange(1), np.zeros(1), np.zeros(1, np.int64)), np.random.default_rng(0))[0]
    schema = json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **_schema(example)})
    return Topic(name, hertz, "json", (name.strip("/").title(), "jsonschema", schema.encode()), _maker(build))


def _schema(value: Any) -> dict[str, Any]:
    """The JSON Schema of an example."""
    if isinstance(value, Mapping):
        return {"type": "object", "properties": {key: _schema(member) for key, member in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": _schema(value[0])}
    return {"type": {str: "string", int: "integer", float: "number", bool: "boolean"}[type(value)]}


def _maker(build: Callable[[Moments, np.random.Generator], Rows]) -> Maker:
    def make(moments: Moments, random: np.random.Generator, facts: TopicFacts) -> Sequence[Bytes]:
        rows = build(moments, random)
        note(rows, facts)
        return [json.dumps(row, separators=(",", ":")).encode() for row in rows]

    return make


def _stamps(moments: Moments) -> Rows:
    pairs = zip(moments.sec.tolist(), moments.nanosec.tolist(), strict=True)
    return [{"sec": sec, "nsec": nsec} for sec, nsec in pairs]


def _pose(moments: Moments, random: np.random.Generator) -> Rows:
    phase, tremor = moments.seconds * 0.013, noise(random, 3, len(moments))
    values = [8 * wave(phase) + 1e-3 * tremor[0], 8 * wave(phase - 0.25) + 1e-3 * tremor[1], wave(phase / 2)]
    return [
        {"stamp": stamp, "frame_id": "map", "position": {"x": x, "y": y, "z": 0.0}, "heading": heading}
        for stamp, x, y, heading in zip(_stamps(moments), *(value.tolist() for value in values), strict=True)
    ]


def _battery(moments: Moments, random: np.random.Generator) -> Rows:
    cells = (
        np.rint((3.9 - moments.seconds[:, None] / 4e4 + 0.004 * noise(random, len(moments), 6)) * 1000) / 1000
    )
    current = np.rint((4 + wave(moments.seconds * 0.3)) * 100) / 100
    return [
        {"stamp": stamp, "current": amperes, "cells": volts, "charging": False, "cycles": 212}
        for stamp, amperes, volts in zip(_stamps(moments), current.tolist(), cells.tolist(), strict=True)
    ]


def _events(moments: Moments, random: np.random.Generator) -> Rows:
    levels = random.integers(0, 4, len(moments)).tolist()
    names = ("debug", "info", "warning", "error")
    return [
        {
            "stamp": stamp,
            "level": names[level],
            "text": f'step {number} of "dock" → ok',
            "tags": ["nav", "dock"],
        }
        for stamp, number, level in zip(_stamps(moments), moments.number.tolist(), levels, strict=True)
    ]


def _detections(moments: Moments, random: np.random.Generator) -> Rows:
    corners = random.integers(0, 1000, (len(moments), 3, 4)).tolist()
    scores = (np.rint(random.random((len(moments), 3)) * 1e4) / 1e4).tolist()
    labels = ("person", "forklift", "pallet")
    return [
        {
            "stamp": stamp,
            "objects": [
                {"label": labels[place], "score": score[place], "box": box[place]}
                for place in range(1 + number % 3)
            ],
        }
        for stamp, number, score, box in zip(
            _stamps(moments), moments.number.tolist(), scores, corners, strict=True
        )
    ]

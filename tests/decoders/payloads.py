"""Payloads as a decoder takes them, and what it makes of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bagmill.decoders import Decoder, make_decoder
from bagmill.decoders.base import Buffer, Offsets
from bagmill.recording import Schema

Rows = list[dict[str, Any]]
Unreadable = list[tuple[int, str]]


def ros2(text: str, name: str = "pkg/msg/Thing") -> Decoder:
    """The decoder of a ROS 2 definition, which must be one."""
    return typed(Schema(1, name, "ros2msg", text.encode()), "cdr")


def ros1(text: str, name: str = "pkg/Thing") -> Decoder:
    """The decoder of a ROS 1 definition, which must be one."""
    return typed(Schema(1, name, "ros1msg", text.encode()), "ros1")


def typed(schema: Schema | None, encoding: str) -> Decoder:
    """The decoder, which must not be the raw one."""
    decoder = make_decoder(schema, encoding)
    assert decoder.raw_reason is None, decoder.raw_reason
    return decoder


def block(payloads: Sequence[bytes]) -> tuple[Buffer, Offsets, Offsets]:
    """Payloads in one buffer, with bytes between them that belong to none."""
    gap = b"\xaa" * 3
    ends = np.cumsum([len(payload) + len(gap) for payload in payloads]).astype(np.int64) - len(gap)
    sizes = np.array([len(payload) for payload in payloads], np.int64)
    return np.frombuffer(b"".join(payload + gap for payload in payloads), np.uint8), ends - sizes, ends


def decode(decoder: Decoder, *payloads: bytes) -> tuple[Rows, Unreadable]:
    """The rows and the unreadable messages of some payloads."""
    decoded = decoder.decode(*block(payloads))
    assert decoded.batch.num_rows == len(payloads) - len(decoded.unreadable)
    assert decoded.batch.schema.equals(decoder.fields)
    decoded.batch.validate(full=True)
    rows = decoded.batch.to_pylist() if decoder.fields.names else [{}] * decoded.batch.num_rows
    return rows, list(decoded.unreadable)


def row(decoder: Decoder, payload: bytes) -> dict[str, Any]:
    """The one row of a payload that can be read."""
    rows, unreadable = decode(decoder, payload)
    assert not unreadable
    return rows[0]


def reason(decoder: Decoder, payload: bytes) -> str:
    """Why a payload can't be read. The readable message beside it is not harmed."""
    rows, unreadable = decode(decoder, payload)
    assert rows == []
    assert len(unreadable) == 1
    return unreadable[0][1]

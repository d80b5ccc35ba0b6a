"""Messages of topics whose schema is IDL."""

import numpy as np
import pytest

from bagmill.decoders import make_decoder
from bagmill.recording import Schema

SIMPLE = b"""
@extensibility(APPENDABLE)
struct Configuration
{
    unsigned long index;
    char message[20];
    sequence<octet> data;
};
"""
PAYLOAD = bytes.fromhex(
    "0001000201000000436f6e66696775726174696f6e000000000000000a000000aaaaaaaaaaaaaaaaaaaa0000"
)


def test_a_message_of_the_dds_recorder() -> None:
    """From a recording of that tool."""
    decoder = make_decoder(Schema(1, "Configuration", "omgidl", SIMPLE), "cdr")

    decoded = decoder.decode(
        np.frombuffer(PAYLOAD, np.uint8), np.array([0], np.int64), np.array([len(PAYLOAD)], np.int64)
    )

    assert decoded.batch.to_pylist() == [
        {"index": 1, "message": b"Configuration".ljust(20, b"\0"), "data": b"\xaa" * 10}
    ]
    assert decoded.unreadable == ()


@pytest.mark.parametrize("encoding", ["omgidl", "ros2idl"])
def test_a_broken_schema_is_no_reason_to_fail(encoding: str) -> None:
    decoder = make_decoder(Schema(1, "Configuration", encoding, b"struct Configuration {"), "cdr")

    assert decoder.raw_reason is not None
    assert "line 1" in decoder.raw_reason.message

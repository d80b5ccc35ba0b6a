"""All protobuf messages of real recordings, compared with what the field's own package makes of them."""

from collections import defaultdict
from pathlib import Path

import pytest
from mcap_protobuf.decoder import DecoderFactory

from bagmill.recording import Schema
from tests.convert.test_shared import protobuf_same
from tests.decoders.payloads import decode, typed
from tests.decoders.references import Recorded, messages
from tests.support.places import SHARED_RECORDINGS

FILES = [*SHARED_RECORDINGS.glob("protobuf/*.mcap"), *SHARED_RECORDINGS.glob("mixed/*.mcap")]


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(FILES), ids=lambda path: path.name)
def test_rows_are_the_messages(path: Path) -> None:
    sent: dict[str, list[Recorded]] = defaultdict(list)
    for message in messages(path):
        if message.encoding == "protobuf":
            sent[message.topic].append(message)
    assert sent
    for topic in sent.values():
        schema = topic[0].schema
        assert schema is not None
        read = DecoderFactory().decoder_for("protobuf", schema)
        assert read is not None
        decoder = typed(Schema(schema.id, schema.name, schema.encoding, schema.data), "protobuf")

        rows, unreadable = decode(decoder, *[message.data for message in topic])

        assert unreadable == []
        assert all(protobuf_same(row, read(message.data)) for row, message in zip(rows, topic, strict=True))

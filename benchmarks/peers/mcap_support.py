"""mcap, the format's own Python reader, with its support packages."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory as ProtobufDecoder
from mcap_ros1.decoder import DecoderFactory as Ros1Decoder
from mcap_ros2.decoder import DecoderFactory as Ros2Decoder

from benchmarks.peers import rows


def messages(recording: Path) -> Iterator[rows.Message]:
    """All messages in file order; JSON is decoded here, since the reader leaves it to its users."""
    factories = [Ros2Decoder(), Ros1Decoder(), ProtobufDecoder()]
    decoders: dict[int, Callable[[bytes], Any]] = {}
    with recording.open("rb") as file:
        for schema, channel, message in make_reader(file).iter_messages(log_time_order=False):
            decode = decoders.get(channel.id)
            if decode is None:
                found = (factory.decoder_for(channel.message_encoding, schema) for factory in factories)
                decode = decoders[channel.id] = next((decoder for decoder in found if decoder), json.loads)
            yield channel.topic, message.log_time, message.publish_time, decode(message.data)


if __name__ == "__main__":
    rows.write(Path(sys.argv[2]), messages(Path(sys.argv[1])))

"""small-mcap, with mcap-ros2-support-fast for ROS 2 and its own or the usual decoders for the rest."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcap_protobuf.decoder import DecoderFactory as ProtobufDecoder
from mcap_ros1.decoder import DecoderFactory as Ros1Decoder
from mcap_ros2_support_fast import DecoderFactory as Ros2Decoder
from small_mcap import JSONDecoderFactory, read_message_decoded

from benchmarks.peers import rows


class Ros1FromMemory:
    """The usual decoder of ROS 1 takes only bytes, and this reader gives a view of its memory."""

    def __init__(self) -> None:
        self._usual = Ros1Decoder()

    def decoder_for(self, message_encoding: str, schema: Any) -> Any:
        """A decoder if it is a channel of ROS 1."""
        decode = self._usual.decoder_for(message_encoding, schema)
        return decode and (lambda data: decode(bytes(data)))


def messages(recording: Path) -> Iterator[rows.Message]:
    """All messages by log time."""
    factories = [Ros2Decoder(), Ros1FromMemory(), ProtobufDecoder(), JSONDecoderFactory()]
    with recording.open("rb") as file:
        for each in read_message_decoded(file, decoder_factories=factories, num_workers=2):
            yield each.channel.topic, each.message.log_time, each.message.publish_time, each.decoded_message


if __name__ == "__main__":
    rows.write(Path(sys.argv[2]), messages(Path(sys.argv[1])))

"""rosbags: its reader with the type store that it fills from the recording's own definitions."""

import sys
from collections.abc import Iterator
from pathlib import Path

from rosbags.highlevel import AnyReader

from benchmarks.peers import rows


def messages(recording: Path) -> Iterator[rows.Message]:
    """All messages by log time; there is no publish time in this interface."""
    with AnyReader([recording]) as reader:
        for connection, log_time, data in reader.messages():
            yield connection.topic, log_time, log_time, reader.deserialize(data, connection.msgtype)


if __name__ == "__main__":
    rows.write(Path(sys.argv[2]), messages(Path(sys.argv[1])))

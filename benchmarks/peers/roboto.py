"""roboto-mcap-codec: one pass over the file for each topic, in Rust, two topics at a time."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mcap.reader import make_reader
from mcap_codec import TimestampSource, TopicName, open_mcap_file

from benchmarks.peers.output import Tables


def convert(recording: Path, output: Path) -> None:
    """Read the topics in threads; the library lets go of Python's lock while it decodes."""
    with recording.open("rb") as file:
        summary = make_reader(file).get_summary()
        assert summary is not None
        topics = sorted({channel.topic for channel in summary.channels.values()})
    with Tables(output) as tables, ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(convert_topic, recording, topic, tables) for topic in topics]:
            job.result()


def convert_topic(recording: Path, topic: str, tables: Tables) -> None:
    """Write all batches of a topic."""
    handle = os.open(recording, os.O_RDONLY)
    try:
        cursor = open_mcap_file(
            lambda offset, length: os.pread(handle, length, offset),
            os.fstat(handle).st_size,
            timestamp=TimestampSource("message_log_time"),
            channel=TopicName(topic),
        )
        with cursor:
            for batch in cursor:
                tables.write(topic, batch)
    finally:
        os.close(handle)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))

"""pybag-sdk: its reader, which decodes by itself."""

import sys
from collections.abc import Iterator
from pathlib import Path

from pybag.mcap_reader import McapFileReader

from benchmarks.peers import rows


def messages(recording: Path) -> Iterator[rows.Message]:
    """All messages by log time."""
    with McapFileReader.from_file(recording) as reader:
        for each in reader.messages("*"):
            yield each.topic, each.log_time, each.publish_time, each.data


if __name__ == "__main__":
    rows.write(Path(sys.argv[2]), messages(Path(sys.argv[1])))

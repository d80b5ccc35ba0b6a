"""The SDK's own MCAP reader: fast for the message types it knows, and never to be trusted with counting.

It drops what it can't decode with a line in its log, and gives up the whole file for one bad schema, even of
a topic that was not asked for. So it is asked for the topics it shows well, and its rows are counted.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rerun.chunk import Chunk, McapReader

from bagmill.options import VisualizeOptions
from bagmill.visualize.tally import components

_DECODERS = (("ros2msg", "ros2_reflection", "foxglove", "protobuf"), ("ros2msg", "foxglove", "protobuf"))
"""First with reflection, which most types need; without it one bad ROS 2 schema harms nobody."""

_COPIES = [
    f"sensor_msgs.msg.PointCloud2:{name}"
    for name in ("data", "fields", "height", "is_bigendian", "is_dense", "point_step", "row_step", "width")
]
"""The reader keeps the packed points beside the unpacked ones; the recording is half as big without."""

_META = re.compile(r"[\\.+*?()|\[\]{}^$#&\-~]")


def sdk_chunks(path: Path, topics: Sequence[str], options: VisualizeOptions) -> Iterator[Chunk]:
    """Chunks of these topics within the selected time, without those that only hold undecoded structs.

    Ends early where the reader fails; what is missing then shows in the counts.
    """
    for decoders in _DECODERS:
        started = False
        try:
            for chunk in _open(path, topics, options, decoders):
                started = True
                if not chunk.is_empty and not _is_opaque(chunk):
                    yield chunk
            return
        except BaseException as error:
            if not _is_failure_of_reader(error):
                raise
            if started:
                return


def exactly(topic: str) -> str:
    """A regular expression (RE2) that matches this topic and no other."""
    return "^" + _META.sub(r"\\\g<0>", topic) + "$"


def _open(
    path: Path, topics: Sequence[str], options: VisualizeOptions, decoders: Sequence[str]
) -> Iterator[Chunk]:
    reader = McapReader(
        path,
        decoders=decoders,
        include_topic_regex=[exactly(topic) for topic in topics],
        start_time_ns=options.start_time,
        end_time_ns=options.end_time,
        recover=True,
    )
    return iter(reader.stream().drop(components=_COPIES))


def _is_opaque(chunk: Chunk) -> bool:
    """Whether a chunk holds messages as they were, not as anything that can be shown."""
    names = [name for name, _ in components(chunk.to_record_batch())]
    return all(name.endswith(":message") or name == "McapMessage:data" for name in names)


def _is_failure_of_reader(error: BaseException) -> bool:
    """Whether the reader raised or panicked; a panic is no `Exception`, and its class can't be imported."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"

"""A recording with something for every field of a spec, and what a dataset of it looks like."""

import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bagmill.dataset.make import make_dataset
from bagmill.dataset.spec import make_spec
from bagmill.errors import BagmillError, SpecError
from tests.convert.making import Sent, Stream, record
from tests.dataset.images import file_of, scene
from tests.dataset.recordings import numbers, texts, vectors
from tests.writers.test_tfrecord import parsed

START = 1_700_000_000_000_000_000
MS = 1_000_000
TIMES = [START + 100 * MS * turn for turn in range(20)]
"""Of the messages of most topics: 10 Hz."""
OTHERS = [START + 65 * MS + 140 * MS * turn for turn in range(6)] + [START + 1615 * MS, START + 1775 * MS]
"""Of the others: about 7 Hz, with a gap, and at no time of the first."""

QUATERNION = (
    "geometry_msgs/Quaternion data\n===\nMSG: geometry_msgs/Quaternion\n"
    "float64 x\nfloat64 y\nfloat64 z\nfloat64 w"
)
MODE = "uint8 IDLE=0\nuint8 WORK=1\nuint8 REST=2\nuint8 data"
STAMPED = (
    "builtin_interfaces/Time stamp\nbuiltin_interfaces/Time later\nfloat64 data\n===\n"
    "MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec"
)
HEAD = b"\0\1\0\0"


def recording(path: Path) -> Path:
    """Write it."""
    wave = [math.sin(turn / 3) for turn in range(20)]
    published = [
        Sent(HEAD + struct.pack("<d", value), time, time - 30 * MS - turn * MS)
        for turn, (value, time) in enumerate(zip(wave, TIMES, strict=True))
    ]
    streams = [
        Stream("/a", ("pkg/msg/Number", "ros2msg", b"float64 data"), "cdr", published),
        numbers("/b", [(time, 10.0 + turn) for turn, time in enumerate(OTHERS)]),
        numbers("/nan", [(time, math.nan if turn % 5 == 0 else turn) for turn, time in enumerate(TIMES)]),
        vectors("/v", [(time, (turn, 2 * turn, 3 * turn)) for turn, time in enumerate(TIMES)], 3),
        texts("/text", [(time, "abc"[turn % 3]) for turn, time in enumerate(TIMES)]),
        texts("/text2", [(time, "cba"[turn % 3]) for turn, time in enumerate(OTHERS)]),
        _stream("/list", "float64[] data", [_doubles([turn] * (turn % 4 + 1)) for turn in range(20)]),
        _stream("/q", QUATERNION, [struct.pack("<4d", *_turned(turn)) for turn in range(8)], OTHERS),
        _stream("/flags", "bool data\nbool other", [bytes([turn < 10, turn % 2]) for turn in range(20)]),
        _stream("/flags2", "bool data\nbool other", [bytes([turn < 5, turn % 2]) for turn in range(20)]),
        _stream("/mode", MODE, [bytes([turn // 4 % 3]) for turn in range(20)]),
        _stream("/names", "string[] data", [_names("abc"[: turn % 3 + 1]) for turn in range(20)]),
        _stream("/stamped", STAMPED, [_stamped(turn) for turn in range(20)]),
        _stream("/pair", "float64 x\nfloat64 y", [struct.pack("<dd", turn, -turn) for turn in range(20)]),
        _stream("/image", "string format\nuint8[] data", [_image(turn) for turn in range(20)]),
    ]
    metadata = {"robot": {"name": "r1", "arm": "left"}, "other": {"name": "r2", "arm": "right"}}
    return record(path, *streams, metadata=metadata)


def _stream(topic: str, text: str, payloads: Sequence[bytes], times: Sequence[int] = TIMES) -> Stream:
    sent = [Sent(HEAD + data, time) for data, time in zip(payloads, times, strict=True)]
    return Stream(topic, (f"pkg/msg{topic.title()}", "ros2msg", text.encode()), "cdr", sent)


def _doubles(values: Sequence[float]) -> bytes:
    return struct.pack(f"<I4x{len(values)}d", len(values), *values)


def _turned(turn: int) -> tuple[float, float, float, float]:
    half = turn * 0.4
    x, y, z = (part * math.sin(half) for part in (2 / 3, 1 / 3, 2 / 3))
    return x, y, z, math.cos(half)


def _names(values: str) -> bytes:
    data = struct.pack("<I", len(values))
    for one in values:
        data += bytes(-len(data) % 4) + struct.pack("<I2s", 2, one.encode() + b"\0")
    return data


def _stamped(turn: int) -> bytes:
    seconds = START // 1_000_000_000
    return struct.pack("<iIiId", seconds, turn * 1000, seconds + 1, turn * 3000, float(turn))


def _image(turn: int) -> bytes:
    data = file_of(scene(12, 16, turn), "PNG")
    return struct.pack("<I4sI", 4, b"png\0", len(data)) + data


def outcome(source: Path, folder: Path, plain: dict[str, Any]) -> str:
    """All that a person can see of the dataset of a spec, but the spec itself; or why there is none."""
    spec = make_spec(plain)
    folder.mkdir()
    try:
        report = make_dataset([source], folder, spec, threads=1)
    except SpecError as error:
        return repr((error.code, [item.pointer for item in error.items]))
    except BagmillError as error:
        return repr(error.code)
    files = sorted(folder.glob("split=*/*"))
    told = [warning.message for warning in report.warnings]
    facts = [report.body[name] for name in ("name", "description", "episodes", "drops")]
    return repr((facts, told, [(str(path.relative_to(folder)), _content(path)) for path in files]))


def _content(path: Path) -> Any:
    if path.suffix == ".parquet":
        file = pq.ParquetFile(path)
        group = file.metadata.row_group(0) if file.metadata.num_row_groups else None
        codecs = {group.column(n).compression for n in range(group.num_columns)} if group else set()
        fields = [(one.name, str(one.type), one.nullable, one.metadata) for one in file.schema_arrow]
        return fields, sorted(codecs), file.read().to_pylist()
    return parsed(path) if path.suffix == ".tfrecord" else path.suffix

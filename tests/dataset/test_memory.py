"""Memory that the extraction of images takes, seen from outside of its process."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from mcap.writer import CompressionType, Writer

from tests.support.processes import python

pytestmark = pytest.mark.slow

IMAGES, SIZE = 1500, 400_000
MOST_BYTES = 320 << 20
"""More than the process alone needs, and far less than the images."""

CODE = """
import json, resource, sys
from pathlib import Path
from bagmill.dataset.extract import extract
from bagmill.dataset.spec import make_spec
spec = make_spec(json.loads(sys.argv[3]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
report = extract(Path(sys.argv[1]), Path(sys.argv[2]), spec)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({"rows": report.counters["rows"], "grown": (after - before) * unit}))
"""


def film(path: Path, order: list[int]) -> Path:
    """A recording of 600 MB of images, in some order of their times."""
    noise = np.random.default_rng(1).integers(0, 256, SIZE + IMAGES, dtype=np.uint8).tobytes()
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=4 << 20, compression=CompressionType.NONE)
        writer.start(profile="", library="test")
        schema = writer.register_schema("pkg/msg/Bytes", "ros2msg", b"uint8[] data")
        channel = writer.register_channel("/camera", "cdr", schema)
        for number in order:
            data = b"\0\1\0\0" + struct.pack("<I", SIZE) + noise[number : number + SIZE]
            writer.add_message(channel, number * 33_000_000, data, number)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


@pytest.mark.parametrize("is_shuffled", [False, True])
def test_images_are_never_held_all_at_once(tmp_path: Path, is_shuffled: bool) -> None:
    order = list(range(IMAGES))
    if is_shuffled:
        np.random.default_rng(2).shuffle(order)
    recording = film(tmp_path / "film.mcap", order)
    spec = {
        "rows": {"kind": "trigger", "topic": "/camera"},
        "features": {"image": {"source": {"topic": "/camera", "field": "data"}}},
    }
    (tmp_path / "out").mkdir()

    answer = python("-c", CODE, str(recording), str(tmp_path / "out"), json.dumps(spec))

    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert told["rows"] == IMAGES
    assert told["grown"] < MOST_BYTES

"""From a recording to a dataset at one go."""

import struct
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagmill.dataset.make import make_dataset
from bagmill.dataset.spec import make_spec
from bagmill.errors import NotMcap, RecordingError, SpecUnfit
from bagmill.report import Progress
from tests.convert.making import Sent, Stream, record
from tests.dataset.extracting import INDEX_TYPES
from tests.dataset.images import file_of, opened, scene
from tests.dataset.recordings import vectors

START = 1_700_000_000_000_000_000
FRAME = 100_000_000
IMAGE = "string format\nuint8[] data"
SPEC: dict[str, Any] = {
    "rows": {"kind": "trigger", "topic": "/camera"},
    "features": {
        "state": {
            "source": {"topic": "/joints", "field": "data"},
            "transforms": [{"op": "normalize"}],
            "dtype": "float32",
            "shape": [14],
            "missing": {"policy": "zeros"},
        },
        "camera": {"source": {"topic": "/camera", "field": "data"}},
        "small": {
            "source": {"topic": "/camera", "field": "data"},
            "transforms": [
                {"op": "image_decode"},
                {"op": "image_resize", "width": 8, "height": 6},
                {"op": "image_encode"},
            ],
        },
        "count": {"source": {"count": "/joints"}},
        "lacking": {
            "source": {"topic": "/joints", "field": "data[0]"},
            "sync": {"policy": "exact"},
            "missing": {"policy": "constant", "value": -1},
        },
        "null": {"source": {"topic": "/joints", "field": "data[0]"}, "sync": {"policy": "exact"}},
    },
    "split": {"by": "time", "fractions": {"train": 0.75, "test": 0.25}},
}


def camera(count: int) -> Stream:
    sent = []
    for number in range(count):
        data = file_of(scene(24, 32, number), "JPEG")
        payload = b"\0\1\0\0" + struct.pack("<I5sxxxI", 5, b"jpeg\0", len(data)) + data
        sent.append(Sent(payload, START + number * FRAME))
    return Stream("/camera", ("pkg/msg/Image", "ros2msg", IMAGE.encode()), "cdr", sent)


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen joints at 50 Hz, which begin after the first frame, and a camera at 10 Hz."""
    joints = [
        (START + 5_000_000 + number * 20_000_000, [joint + number / 100 for joint in range(14)])
        for number in range(60)
    ]
    path = tmp_path_factory.mktemp("arm") / "arm.mcap"
    return record(path, vectors("/joints", joints, 14), camera(12))


def made(folder: Path, *recordings: Path, **change: Any) -> Path:
    folder.mkdir()
    make_dataset(list(recordings), folder, make_spec(SPEC | change))
    return folder


def test_fourteen_joints_and_a_camera_are_typed(arm: Path, tmp_path: Path) -> None:
    folder = made(tmp_path / "d", arm)
    table = pq.ParquetFile(folder / "split=train" / "part-00000.parquet").read()

    assert {field.name: field.type for field in table.schema} == {
        **INDEX_TYPES,
        "state": pa.list_(pa.field("element", pa.float32(), nullable=False), 14),
        "camera": pa.binary(),
        "small": pa.binary(),
        "count": pa.int64(),
        "lacking": pa.float64(),
        "null": pa.float64(),
    }
    assert len(table) == 9
    assert table.column("camera").to_pylist()[3] == file_of(scene(24, 32, 3), "JPEG")
    assert opened(table.column("small").to_pylist()[3]).shape == (6, 8, 3)
    assert table.column("count").to_pylist() == [0, 5, 5, 5, 5, 5, 5, 5, 5]
    state = np.stack(table.column("state").to_numpy())
    assert (state[0] == 0).all()  # before the first message of the joints
    assert state[1:].mean(axis=0) == pytest.approx(0, abs=1e-6)
    assert not [path for path in folder.iterdir() if path.name == "extracted"]


def test_tfrecord_is_read_back_by_another_library(arm: Path, tmp_path: Path) -> None:
    import json

    from tfrecord.reader import tfrecord_loader

    folder = made(tmp_path / "d", arm, output={"format": "tfrecord"}) / "split=train"
    page = json.loads((folder / "features.json").read_text("utf-8"))
    rows = list(tfrecord_loader(str(folder / "part-00000.tfrecord"), None, page["tfrecord"]))

    assert len(rows) == 9
    assert {name: (row.dtype, row.shape) for name, row in rows[1].items() if name in ("state", "count")} == {
        "state": (np.dtype(np.float32), (14,)),
        "count": (np.dtype(np.int64), (1,)),
    }
    assert bytes(rows[3]["camera"]) == file_of(scene(24, 32, 3), "JPEG")
    assert rows[0]["state"].tolist() == [0] * 14
    assert [row["lacking"].item() for row in rows] == [-1] * 9
    assert "null" not in page["tfrecord"]


def test_no_byte_depends_on_threads_or_places(arm: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else" / "arm.mcap"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(arm.read_bytes())
    found = []
    for number, (path, threads) in enumerate(((arm, 1), (elsewhere, 3))):
        folder = tmp_path / str(number)
        folder.mkdir()
        make_dataset([path], folder, make_spec(SPEC), threads=threads)
        found.append(
            {
                file.relative_to(folder).as_posix(): sha256(file.read_bytes()).hexdigest()
                for file in folder.rglob("*.*")
            }
        )

    assert found[0] == found[1]


def test_a_recording_that_fails_stops_all_unless_that_is_allowed(arm: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mcap"
    bad.write_bytes(b"no recording")

    with pytest.raises(NotMcap):
        made(tmp_path / "d", arm, bad)
    (tmp_path / "e").mkdir()
    report = make_dataset([bad, arm], tmp_path / "e", make_spec(SPEC), allow_failed=True)
    assert [one["name"] for one in report.body["left_out"]] == ["bad.mcap"]
    assert [one["name"] for one in report.body["sources"]] == ["arm.mcap"]


def test_what_does_not_fit_is_refused(arm: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecUnfit) as caught:
        made(tmp_path / "d", arm, rows={"kind": "trigger", "topic": "/camra"})

    assert [item.pointer for item in caught.value.items] == ["/rows/topic"]
    assert "/camera" in str(caught.value.items[0].hint)
    with pytest.raises(RecordingError):
        made(tmp_path / "e", tmp_path / "none.mcap")


def test_progress_goes_on_to_the_end(arm: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    (tmp_path / "d").mkdir()
    make_dataset([arm, arm], tmp_path / "d", make_spec(SPEC), seen.append)
    shares = [one.done / one.total for one in seen]

    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert {"collect"} <= {one.stage for one in seen}

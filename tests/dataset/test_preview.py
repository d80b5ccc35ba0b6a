"""Previews: the rows and counts of the dataset itself, of the part that was read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from bagmill.dataset.collect import collect
from bagmill.dataset.extract import extract
from bagmill.dataset.extracted import Extracted
from bagmill.dataset.preview import preview
from bagmill.dataset.shown import shown
from bagmill.dataset.spec import Spec, make_spec
from bagmill.errors import DatasetInvalid, RecordingNotFound, SpecUnfit
from tests.conftest import Sample
from tests.convert.making import SECOND, START, points, record, texts

COUNT = 3000


def spec_of(rows: Mapping[str, Any], features: Mapping[str, Any], **more: Any) -> Spec:
    return make_spec({"rows": dict(rows), "features": dict(features), **more})


def point(topic: str = "/a", **more: Any) -> dict[str, Any]:
    return {"source": {"topic": topic, "field": "x"}, **more}


def trigger(**features: Any) -> Spec:
    return spec_of({"kind": "trigger", "topic": "/a"}, features or {"x": point()})


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`/a` once a second; `/b` in the first 100 s only; in many small chunks."""
    path = tmp_path_factory.mktemp("preview") / "long.mcap"
    return record(path, points("/a", COUNT), points("/b", 100), chunk_size=2000)


def extracted(path: Path, spec: Spec, output: Path) -> Extracted:
    output.mkdir()
    extract(path, output, spec)
    return Extracted.open(output)


def until(spec: Spec, end: int) -> Spec:
    return spec.model_copy(update={"input": spec.input.model_copy(update={"end_time": end})})


SAMPLE = spec_of(
    {"kind": "rate", "hz": 20},
    {
        "image": {
            "source": {"topic": "/camera/image/compressed"},
            "transforms": [{"op": "image_decode"}, {"op": "image_resize", "width": 4, "height": 3}],
        },
        "position": {"source": {"topic": "/joint_states", "field": "position"}, "dtype": "float32"},
        "gyro": {
            "source": {"topic": "/imu/data", "field": "angular_velocity"},
            "sync": {"policy": "linear"},
            "transforms": [{"op": "normalize"}],
            "presence": True,
        },
        "status": {"source": {"topic": "/status", "field": "data"}, "missing": {"policy": "drop_row"}},
    },
)


def test_rows_are_those_of_the_dataset(sample: Sample, tmp_path: Path) -> None:
    found = preview(sample.path, SAMPLE, rows=7)

    extracted(sample.path, SAMPLE, tmp_path / "rows")
    (tmp_path / "dataset").mkdir()
    collect({"sample.mcap": tmp_path / "rows"}, tmp_path / "dataset", SAMPLE)
    table = pq.read_table(tmp_path / "dataset" / "split=all" / "part-00000.parquet", partitioning=None)
    (batch,) = table.slice(0, 7).combine_chunks().to_batches()
    assert len(found["rows"]) == 7
    for name in ("position", "gyro", "gyro.present", "status"):
        assert [row[name] for row in found["rows"]] == [shown(value) for value in batch.column(name)]
    assert [row["time_ns"] for row in found["rows"]] == [str(one) for one in batch["time_ns"].to_pylist()]
    images = [shown(value, (3, 4, 3)) for value in batch["image"]]
    assert [row["image"] for row in found["rows"]] == images
    assert len(images[0]) == 3
    assert found["window"]["whole"]


def test_counts_are_those_of_the_part_that_was_read(long: Path, tmp_path: Path) -> None:
    late = {"policy": "drop_row"}
    spec = trigger(x=point(), y=point("/b", sync={"policy": "last", "staleness": 5}, missing=late))

    found = preview(long, spec, rows=200, sizes=(4_000, 16_000))

    end = int(found["window"]["end_time_ns"])
    facts = extracted(long, until(spec, end), tmp_path / "cut").facts
    assert not found["window"]["whole"]
    assert 0 < found["window"]["share"] < 1
    assert (found["kept"], found["candidates"], found["bad"]) == (facts.rows, facts.candidates, facts.bad)
    assert found["drops"] == facts.drops
    assert found["drops"]["missing:y"] == facts.candidates - facts.rows > 0
    assert found["messages"] == facts.topics
    assert found["features"]["y"]["missing"] == facts.column("y").missing
    assert found["features"]["y"]["missing_share"] == facts.column("y").missing / facts.candidates
    assert len(found["rows"]) == facts.rows < 200


def test_no_more_is_read_than_the_rows_need(long: Path) -> None:
    few, more, every = (
        preview(long, trigger(), rows=rows, sizes=(4_000, 1 << 30)) for rows in (10, 100, 2900)
    )

    assert [len(one["rows"]) for one in (few, more, every)] == [10, 100, 2900]
    assert few["candidates"] < more["candidates"] < every["candidates"] == COUNT
    assert [one["window"]["whole"] for one in (few, more, every)] == [False, False, True]


def test_a_window_of_the_spec_is_kept(long: Path) -> None:
    spec = spec_of(
        {"kind": "trigger", "topic": "/a"},
        {"x": point()},
        input={"start_time": "+100s", "end_time": "-2800s"},
    )

    found = preview(long, spec, rows=3)

    assert found["window"]["start_time_ns"] == str(START + 100 * SECOND)
    assert found["rows"][0]["x"] == 100
    assert found["candidates"] == COUNT - 2800 - 1 - 100
    assert found["window"]["whole"]


def test_no_rows_but_their_counts_can_be_asked_for(long: Path) -> None:
    found = preview(long, trigger(), rows=0, sizes=(4_000, 4_000))

    assert found["rows"] == []
    assert found["candidates"] > 0


def test_splits_and_validation_of_whole_datasets_do_not_count(long: Path) -> None:
    spec = spec_of(
        {"kind": "trigger", "topic": "/a"},
        {"x": point()},
        split={"by": "time", "fractions": {"train": 0.5, "test": 0.5}},
        validation={"min_rows": 10**6},
        output={"format": "tfrecord"},
    )

    found = preview(long, spec, rows=10)

    assert [row["x"] for row in found["rows"]] == list(range(10))
    assert [row["index"] for row in found["rows"]] == [str(number) for number in range(10)]


def test_labels_are_shown(tmp_path: Path) -> None:
    path = record(tmp_path / "x.mcap", texts("/j", *(b'{"s": "%s"}' % s for s in (b"on", b"off", b"?"))))
    label = {"source": {"topic": "/j", "field": "s"}, "classes": {"off": 5, "on": 6}}
    text = {"source": {"topic": "/j", "field": "s"}}
    spec = spec_of({"kind": "trigger", "topic": "/j"}, {"s": text}, labels={"state": label})

    found = preview(path, spec)

    assert [row["s"] for row in found["rows"]] == ["on", "off", "?"]
    assert [row["state"] for row in found["rows"]] == [6, 5, None]
    assert found["labels"]["state"]["classes"] == {"off": 5, "on": 6}
    assert found["labels"]["state"]["missing"] == 1


def test_what_does_not_fit_is_pointed_at(long: Path) -> None:
    with pytest.raises(SpecUnfit) as caught:
        preview(long, trigger(x=point("/c")))

    assert [item.pointer for item in caught.value.items] == ["/features/x/source/topic"]


def test_what_must_not_be_missing_is_told(long: Path) -> None:
    never = {"source": {"topic": "/b", "field": "x"}, "sync": {"policy": "last", "staleness": 1}}

    with pytest.raises(DatasetInvalid):
        preview(long, trigger(x=never | {"missing": {"policy": "error"}}))


def test_a_field_that_json_has_later_is_found(tmp_path: Path) -> None:
    messages = [b'{"a": 1}'] * 500 + [b'{"a": 1, "b": 2}'] * 500
    path = record(tmp_path / "x.mcap", texts("/j", *messages), chunk_size=2000)
    b = {"source": {"topic": "/j", "field": "b"}}

    found = preview(path, spec_of({"kind": "trigger", "topic": "/j"}, {"b": b}), sizes=(4_000, 1 << 30))

    assert found["window"]["whole"]
    assert found["features"]["b"]["missing"] == 500
    with pytest.raises(SpecUnfit):
        preview(path, spec_of({"kind": "trigger", "topic": "/j"}, {"b": b}), sizes=(4_000, 4_000))


def test_a_recording_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecordingNotFound):
        preview(tmp_path / "x.mcap", trigger())

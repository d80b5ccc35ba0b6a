"""Extracted recordings become one dataset: typed, split, normalized, numbered, and told of."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagmill.dataset.collect import collect
from bagmill.dataset.recordings import LeftOut, distinct_names
from bagmill.dataset.spec import Spec, load_spec
from bagmill.dataset.splits import draw
from bagmill.errors import DatasetInvalid, SpecUnfit
from bagmill.report import Progress, Report
from tests.dataset.extracting import INDEX_TYPES, START, TICK, extracted, numbers, spec_of, things
from tests.writers.test_tfrecord import parsed

JPEG = b"\xff\xd8\xff\xe0 not looked at"


def made(
    output: Path, spec: Spec, folders: Mapping[str, Path], **rest: Any
) -> tuple[Report, dict[str, list[dict[str, Any]]]]:
    """The report of a dataset, and its rows by split."""
    output.mkdir()
    report = collect(folders, output, spec, **rest)
    rows = {
        name: [
            row for file in split["files"] for row in pq.ParquetFile(output / file["path"]).read().to_pylist()
        ]
        for name, split in report.body["splits"].items()
    }
    return report, rows


def everything(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_columns_are_typed(tmp_path: Path) -> None:
    spec = spec_of({"state": {"dtype": "float32", "shape": [14]}, "camera": {}, "pose": {}, "stamp": {}})
    folder = extracted(
        tmp_path / "a",
        spec,
        {
            "state": numbers(np.ones((3, 14)), 14, element=pa.float32()),
            "camera": things([JPEG] * 3, pa.binary()),
            "pose": numbers(np.ones((3, 4, 4)), 4, 4),
            "stamp": numbers([1, 2, 3], element=pa.timestamp("ns", tz="UTC")),
        },
    )
    made(tmp_path / "d", spec, {"a.mcap": folder})
    schema = pq.read_schema(tmp_path / "d" / "split=all" / "part-00000.parquet")

    assert {field.name: field.type for field in schema} == {
        **INDEX_TYPES,
        "state": pa.list_(pa.field("element", pa.float32(), nullable=False), 14),
        "camera": pa.binary(),
        "pose": pa.list_(pa.field("element", pa.float64(), nullable=False), 16),
        "stamp": pa.timestamp("ns", tz="UTC"),
    }
    assert json.loads(schema.field("pose").metadata[b"shape"]) == [4, 4]
    assert not any(field.nullable for field in schema)


def test_rows_are_numbered_over_all_recordings(tmp_path: Path) -> None:
    spec = spec_of({"x": {}})
    folders = {
        f"{name}.mcap": extracted(
            tmp_path / name, spec, {"x": numbers(range(len(episodes)))}, episodes=episodes, name=name
        )
        for name, episodes in {"b": [0, 0, 2, 2, 2], "a": [0], "c": [1, 1]}.items()
    }
    report, rows = made(tmp_path / "d", spec, folders)

    assert [row["recording"] for row in rows["all"]] == ["b.mcap"] * 5 + ["a.mcap"] + ["c.mcap"] * 2
    assert [row["episode_index"] for row in rows["all"]] == [0, 0, 1, 1, 1, 2, 3, 3]
    assert [row["frame_index"] for row in rows["all"]] == [0, 1, 0, 1, 2, 0, 0, 1]
    assert [row["index"] for row in rows["all"]] == list(range(8))
    assert [row["time_ns"] for row in rows["all"][:2]] == [START, START + TICK]
    assert report.body["episodes"] == 4
    assert [source["first_episode"] for source in report.body["sources"]] == [0, 2, 3]


def normalized(tmp_path: Path, split: Mapping[str, Any], **rest: Any) -> tuple[Report, Any, Any]:
    """Twenty recordings with a normalized feature, and its values before that by recording and frame."""
    spec = spec_of({"x": {"transforms": [{"op": "normalize"}]}}, split=split, **rest)
    folders: dict[str, Path] = {}
    before: dict[tuple[str, int], float] = {}
    for number in range(20):
        values = np.random.default_rng(number).normal(number, 1 + number / 10, 25)
        name = f"r{number:02}.mcap"
        episodes = [row // 5 for row in range(25)]
        folders[name] = extracted(tmp_path / name, spec, {"x": numbers(values)}, name=name, episodes=episodes)
        before |= {(name, row): value for row, value in enumerate(values.tolist())}
    report, rows = made(tmp_path / "d", spec, folders)
    return report, rows, before


@pytest.mark.parametrize("by", ["recording", "episode", "random", "time"])
def test_no_statistic_has_seen_a_row_of_the_test_split(tmp_path: Path, by: str) -> None:
    report, rows, before = normalized(tmp_path, {"by": by, "fractions": {"train": 0.8, "test": 0.2}})

    def place(row: Mapping[str, Any]) -> tuple[str, int]:
        return row["recording"], (row["time_ns"] - START) // TICK

    train = np.array([before[place(row)] for row in rows["train"]])
    for row in [*rows["train"], *rows["test"]]:
        assert row["x"] == pytest.approx((before[place(row)] - train.mean()) / train.std(), abs=1e-12)
    assert {name: len(found) for name, found in rows.items()} == {"train": 400, "test": 100}
    assert sorted(row["index"] for found in rows.values() for row in found) == list(range(500))
    told = report.body["features"]["x"]
    assert told["normalize"]["mean"] == pytest.approx(train.mean(), abs=1e-12)
    assert told["statistics"]["train"]["std"] == pytest.approx(train.std(), abs=1e-12)
    test = np.array([before[place(row)] for row in rows["test"]])
    assert told["statistics"]["test"]["mean"] == pytest.approx(test.mean(), abs=1e-12)


def test_recordings_and_episodes_stay_whole(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    fractions = {"train": 0.5, "val": 0.25, "test": 0.25}
    report, by_recording, _ = normalized(tmp_path / "1", {"by": "recording", "fractions": fractions})
    _, by_episode, _ = normalized(tmp_path / "2", {"by": "episode", "fractions": fractions, "seed": 3})

    recordings = [{row["recording"] for row in rows} for rows in by_recording.values()]
    episodes = [{row["episode_index"] for row in rows} for rows in by_episode.values()]
    assert [len(names) for names in recordings] == [10, 5, 5]
    assert len(set.union(*recordings)) == 20
    assert [len(numbers) for numbers in episodes] == [50, 25, 25]
    assert len(set.union(*episodes)) == 100
    assert [source["splits"] for source in report.body["sources"]] == [
        [name for name, names in zip(fractions, recordings, strict=True) if source["name"] in names]
        for source in report.body["sources"]
    ]


def test_what_never_changes_becomes_zero(tmp_path: Path) -> None:
    spec = spec_of({"x": {"transforms": [{"op": "normalize", "method": "range"}]}, "y": {}})
    columns = {"x": numbers([[0.1, 5], [0.1, 7], [0.1, 9]], 2), "y": numbers([0.1] * 3)}
    _, rows = made(tmp_path / "d", spec, {"a": extracted(tmp_path / "a", spec, columns)})

    assert [row["x"] for row in rows["all"]] == [[-1, -1], [-1, 0], [-1, 1]]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_recordings_give_the_same_bytes(tmp_path: Path, threads: int) -> None:
    spec = spec_of(
        {"x": {"transforms": [{"op": "normalize"}]}, "camera": {}},
        split={"by": "random", "fractions": {"train": 0.7, "test": 0.3}},
        output={"shard_rows": 30},
    )
    columns = {"x": numbers(np.arange(200.0)), "camera": things([JPEG * 9] * 200, pa.binary())}
    folder = extracted(tmp_path / "a", spec, columns)
    made(tmp_path / "one", spec, {"/here/a.mcap": folder}, threads=1)
    made(tmp_path / "two", spec, {"/there/a.mcap": folder}, threads=threads)

    assert everything(tmp_path / "one") == everything(tmp_path / "two")


def missing(policy: str, value: Any = None) -> dict[str, Any]:
    return {"missing": {"policy": policy} | ({} if value is None else {"value": value}), "presence": True}


PRESENT = [True, False, True]


def with_holes(tmp_path: Path, output: str = "parquet") -> Path:
    spec = spec_of(
        {
            "null": missing("null"),
            "zeros": missing("zeros"),
            "constant": missing("constant", [7, 8]),
            "spread": missing("constant", 9),
            "filled": missing("forward_fill"),
            "normal": missing("constant", -5) | {"transforms": [{"op": "normalize"}], "dtype": "float32"},
            "text": missing("constant", "none"),
        },
        labels={
            "gear": {
                "source": {"topic": "/g", "field": "m"},
                "classes": {"park": 3, "drive": 5},
                "missing": {"policy": "constant", "value": 5},
            }
        },
        output={"format": output},
    )
    pair = numbers([[1, 2], [0, 0], [3, 4]], 2, present=PRESENT)
    columns = {
        "null": pair,
        "zeros": pair,
        "constant": pair,
        "spread": pair,
        "filled": numbers([[1, 2], [1, 2], [3, 4]], 2),
        "normal": numbers([1, 0, 3], present=PRESENT),
        "text": things(["a", None, "c"], pa.string()),
        "gear": numbers([3, 0, 3], element=pa.int64(), present=PRESENT),
    }
    folder = extracted(tmp_path / "a", spec, columns, filled={"filled": [False, True, False]})
    (tmp_path / "d").mkdir()
    collect({"a": folder}, tmp_path / "d", spec)
    return tmp_path / "d" / "split=all"


def test_missing_values_follow_their_policy(tmp_path: Path) -> None:
    table = pq.ParquetFile(with_holes(tmp_path) / "part-00000.parquet").read()
    row = table.to_pylist()[1]

    assert row["null"] is None
    assert row["zeros"] == [0, 0]
    assert row["constant"] == [7, 8]
    assert row["spread"] == [9, 9]
    assert row["filled"] == [1, 2]
    assert row["normal"] == -5
    assert row["text"] == "none"
    assert row["gear"] == 5
    assert {name: value for name, value in row.items() if name.endswith(".present")} == {
        f"{name}.present": False
        for name in ("null", "zeros", "constant", "spread", "filled", "normal", "text")
    }
    assert table.column("normal").to_pylist()[::2] == [-1, 1]
    assert [field.name for field in table.schema if field.nullable] == ["null"]


def test_tfrecord_is_read_back_by_another_library(tmp_path: Path) -> None:
    from tfrecord.reader import tfrecord_loader

    folder = with_holes(tmp_path, "tfrecord")
    page = json.loads((folder / "features.json").read_text("utf-8"))
    rows = list(tfrecord_loader(str(folder / "part-00000.tfrecord"), None, page["tfrecord"]))

    assert [row["time_ns"].item() for row in rows] == [START, START + TICK, START + 2 * TICK]
    assert [row["zeros"].tolist() for row in rows] == [[1, 2], [0, 0], [3, 4]]
    assert [row["constant"].tolist() for row in rows] == [[1, 2], [7, 8], [3, 4]]
    assert [row["normal"].tolist() for row in rows] == [[-1], [-5], [1]]
    assert [bytes(row["text"]) for row in rows] == [b"a", b"none", b"c"]
    assert [row["null.present"].item() for row in rows] == [1, 0, 1]
    # A feature that some rows lack can't be asked for: it is described as optional.
    assert "null" not in page["tfrecord"]
    described = {feature["name"]: feature for feature in page["features"]}
    assert described["null"]["optional"]
    examples = parsed(folder / "part-00000.tfrecord")
    assert [example.get("null") for example in examples] == [
        ("float_list", [1, 2]),
        None,
        ("float_list", [3, 4]),
    ]


def test_files_are_cut_by_rows(tmp_path: Path) -> None:
    spec = spec_of({"x": {}}, output={"shard_rows": 4, "prefix": "rows"})
    folders = {
        name: extracted(tmp_path / name, spec, {"x": numbers(range(5))}, name=name) for name in ("a", "b")
    }
    report, rows = made(tmp_path / "d", spec, folders)

    assert report.body["splits"]["all"]["files"] == [
        {"path": f"split=all/rows-0000{number}.parquet", "rows": count}
        for number, count in enumerate([4, 4, 2])
    ]
    assert [row["index"] for row in rows["all"]] == list(range(10))


def test_files_are_cut_by_bytes(tmp_path: Path) -> None:
    spec = spec_of({"x": {}}, output={"shard_bytes": 1 << 16})
    values = things([b"x" * 10_000] * 40 + [b"x" * 200_000] * 2, pa.binary())
    report, rows = made(tmp_path / "d", spec, {"a": extracted(tmp_path / "a", spec, {"x": values})})
    counts = [file["rows"] for file in report.body["splits"]["all"]["files"]]

    assert [row["index"] for row in rows["all"]] == list(range(42))
    assert max(counts) <= 6
    assert sum(counts) == 42


def test_names_of_recordings_are_told_apart(tmp_path: Path) -> None:
    spec = spec_of({"x": {}})
    paths = ["/data/mon/log.mcap", "/data/tue/log.mcap", "/data/one.mcap", "/data/tue/log.mcap"]
    folders = {
        path: extracted(tmp_path / str(number), spec, {"x": numbers([1])}, content=path)
        for number, path in enumerate(paths[:3])
    }
    report, _ = made(tmp_path / "d", spec, folders)
    names = ["mon/log.mcap", "tue/log.mcap", "one.mcap"]

    assert [source["name"] for source in report.body["sources"]] == names
    assert distinct_names(paths) == [*names, "tue/log.mcap (2)"]


def test_a_copy_of_a_recording_is_told_of_and_in_the_same_split(tmp_path: Path) -> None:
    spec = spec_of({"x": {}}, split={"by": "recording", "fractions": {"train": 0.5, "test": 0.5}})
    folders = {
        name: extracted(tmp_path / name, spec, {"x": numbers([1, 2])}, name=name, content=content)
        for name, content in {"a": "1", "b": "2", "c": "1", "d": "3"}.items()
    }
    report, rows = made(tmp_path / "d2", spec, folders)
    splits = {source["name"]: source["splits"] for source in report.body["sources"]}

    assert splits["a"] == splits["c"]
    assert [warning.code for warning in report.warnings] == ["duplicate_recording"]
    assert "c is the same recording as a" in report.warnings[0].message
    assert sum(map(len, rows.values())) == 8


def test_the_draw_is_over_the_recordings_themselves(tmp_path: Path) -> None:
    split = {"by": "recording", "fractions": {"train": 0.5, "test": 0.5}, "seed": 1}
    spec = spec_of({"x": {}}, split=split)
    names = list("abcdef")
    folders = {
        name: extracted(tmp_path / name, spec, {"x": numbers([1])}, name=name) for name in reversed(names)
    }
    _, rows = made(tmp_path / "out", spec, folders)
    assert spec.split is not None
    drawn = draw(spec.split, [sha256(name.encode()).hexdigest() for name in names])

    assert {row["recording"] for row in rows["test"]} == {
        name for name, number in zip(names, drawn, strict=True) if number == 1
    }


def test_what_is_left_out_is_told_by_name(tmp_path: Path) -> None:
    spec = spec_of({"x": {}})
    folder = extracted(tmp_path / "a", spec, {"x": numbers([1])})
    report, _ = made(tmp_path / "d", spec, {"a": folder}, left_out=[LeftOut("b.mcap", "The file is empty.")])

    assert report.body["left_out"] == [{"name": "b.mcap", "reason": "The file is empty."}]
    (warning,) = report.warnings
    assert warning.message == "1 of 2 recordings are not in the dataset: b.mcap."
    assert "The file is empty." in (tmp_path / "d" / "report.md").read_text("utf-8")


VALIDATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "min_rows": ({"min_rows": 4}, "/validation/min_rows"),
    "max_rows": ({"min_rows": 0, "max_rows": 2}, "/validation/max_rows"),
    "max_bad_share": ({"max_bad_share": 0.2}, "/validation/max_bad_share"),
    "features": ({"features": ["x", "y"]}, "/validation/features/1"),
}


@pytest.mark.parametrize("name", VALIDATIONS)
def test_validation_fails_before_anything_is_written(tmp_path: Path, name: str) -> None:
    validation, pointer = VALIDATIONS[name]
    spec = spec_of({"x": {}, "y": {}}, validation=validation)
    columns = {"x": numbers([1, 2, 3], present=PRESENT), "y": numbers([0] * 3, present=[False] * 3)}
    folder = extracted(tmp_path / "a", spec, columns)
    (tmp_path / "d").mkdir()

    with pytest.raises(DatasetInvalid) as caught:
        collect({"a": folder}, tmp_path / "d", spec)
    assert [fault.pointer for fault in caught.value.items] == [pointer]
    assert not list((tmp_path / "d").iterdir())


@pytest.mark.parametrize("name", VALIDATIONS)
def test_validation_can_be_reported_only(tmp_path: Path, name: str) -> None:
    validation, pointer = VALIDATIONS[name]
    spec = spec_of({"x": {}, "y": {}}, validation=validation | {"on_failure": "report"})
    columns = {"x": numbers([1, 2, 3], present=PRESENT), "y": numbers([0] * 3, present=[False] * 3)}
    report, rows = made(tmp_path / "d", spec, {"a": extracted(tmp_path / "a", spec, columns)})

    assert len(rows["all"]) == 3
    assert [warning.where.get("pointer") for warning in report.warnings] == [pointer]


def test_a_feature_without_values_to_train_on_can_not_be_normalized(tmp_path: Path) -> None:
    features = {"x": {"transforms": [{"op": "clamp", "max": 9}, {"op": "normalize"}]}}
    split = {"by": "time", "fractions": {"train": 0.5, "test": 0.5}}
    spec = spec_of(features, split=split)
    columns = {"x": numbers([[1, 0], [1, 0], [1, np.nan]], 2, present=[False, False, True])}
    folder = extracted(tmp_path / "a", spec, columns)
    (tmp_path / "d").mkdir()

    with pytest.raises(DatasetInvalid, match="'train' has no values"):
        collect({"a": folder}, tmp_path / "d", spec)
    reported = spec_of(features, split=split, validation={"on_failure": "report"})
    made(tmp_path / "e", reported, {"a": extracted(tmp_path / "b", reported, columns)})


def test_rows_of_another_spec_are_refused(tmp_path: Path) -> None:
    folder = extracted(tmp_path / "a", spec_of({"x": {}}), {"x": numbers([1])})

    with pytest.raises(SpecUnfit, match="another spec"):
        collect({"a": folder}, tmp_path / "d", spec_of({"x": {"dtype": "float32"}}))


def test_recordings_with_other_types_are_refused(tmp_path: Path) -> None:
    spec = spec_of({"x": {}})
    folders = {
        "a.mcap": extracted(tmp_path / "a", spec, {"x": numbers([[1, 2]], 2)}, name="a"),
        "b.mcap": extracted(tmp_path / "b", spec, {"x": numbers([[1, 2, 3]], 3)}, name="b"),
    }

    with pytest.raises(SpecUnfit, match=r"in a.mcap float64\[2\]; in b.mcap float64\[3\]") as caught:
        collect(folders, tmp_path / "d", spec)
    assert caught.value.items[0].pointer == "/features/x"


def test_without_recordings_there_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid):
        collect({}, tmp_path, spec_of({"x": {}}))


def test_an_empty_split_still_has_a_file_with_the_columns(tmp_path: Path) -> None:
    spec = spec_of({"x": {}}, split={"by": "recording", "fractions": {"train": 0.8, "test": 0.2}})
    report, rows = made(tmp_path / "d", spec, {"a": extracted(tmp_path / "a", spec, {"x": numbers([1])})})

    assert rows["test"] == []
    assert "x" in pq.read_schema(tmp_path / "d" / "split=test" / "part-00000.parquet").names
    assert [warning.code for warning in report.warnings] == ["empty_split"]


def test_labels_are_counted(tmp_path: Path) -> None:
    labels = {
        "gear": {"source": {"topic": "/g", "field": "m"}, "classes": ["park", "drive"]},
        "flags": {"source": {"topic": "/f", "field": "m"}, "classes": ["a", "b"], "multi": True},
    }
    split = {"by": "time", "fractions": {"train": 0.75, "test": 0.25}}
    spec = spec_of({"x": {}}, labels=labels, split=split)
    columns = {
        "x": numbers(range(4)),
        "gear": numbers([0, 1, 1, 1], element=pa.int64(), present=[True, True, False, True]),
        "flags": numbers([[1, 1], [0, 1], [0, 0], [1, 0]], 2, element=pa.int8()),
    }
    report, rows = made(tmp_path / "d", spec, {"a": extracted(tmp_path / "a", spec, columns)})

    assert report.body["labels"]["gear"]["counts"] == {
        "train": {"park": 1, "drive": 1},
        "test": {"park": 0, "drive": 1},
    }
    assert report.body["labels"]["flags"]["counts"]["train"] == {"a": 1, "b": 2}
    assert rows["train"][2]["gear"] is None
    assert rows["test"][0]["flags"] == [1, 0]


def test_the_report_tells_all(tmp_path: Path) -> None:
    spec = spec_of(
        {"joint.1": {}, "camera": {}, "many": {}},
        name="arm",
        description="Of <the> arm",
    )
    columns = {
        "joint.1": numbers(np.sin(np.arange(1000))),
        "camera": things([JPEG] * 1000, pa.binary()),
        "many": numbers(np.ones((1000, 20)), 20),
    }
    warnings = [{"code": "odd", "message": "Something is odd."}]
    folder = extracted(tmp_path / "a", spec, columns, dropped=3, warnings=warnings, complete=False)
    report, _ = made(tmp_path / "d", spec, {"a.mcap": folder})
    text = (tmp_path / "d" / "report.md").read_text("utf-8")

    assert text.startswith(
        "# arm\n\nOf &lt;the> arm\n\nrows: 1000; episodes: 1; recordings: 1; rows dropped: 3; "
    )
    assert "Something is odd." in text
    assert "joint.1" in text
    assert load_spec(tmp_path / "d" / "spec.yaml") == spec
    assert [output.path for output in report.outputs] == [
        "split=all/part-00000.parquet",
        "spec.yaml",
        "report.md",
        "report/000.svg",
        "report/001.svg",
    ]
    assert set(everything(tmp_path / "d")) == {output.path for output in report.outputs}
    assert not report.complete
    assert report.counters == {"rows": 1000, "episodes": 1, "recordings": 1, "dropped": 3}
    json.dumps(report.body, allow_nan=False)


def test_progress_ends_with_all_rows(tmp_path: Path) -> None:
    spec = spec_of({"x": {}})
    seen: list[Progress] = []
    folder = extracted(tmp_path / "a", spec, {"x": numbers(range(9))})
    made(tmp_path / "d", spec, {"a": folder}, progress=seen.append)

    assert (seen[-1].done, seen[-1].total) == (9, 9)


def test_the_inputs_stay_as_they_are(tmp_path: Path) -> None:
    spec = spec_of({"x": {"transforms": [{"op": "normalize"}]}})
    folder = extracted(tmp_path / "a", spec, {"x": numbers(range(9))})
    before = everything(folder)
    made(tmp_path / "d", spec, {"a": folder})

    assert everything(folder) == before

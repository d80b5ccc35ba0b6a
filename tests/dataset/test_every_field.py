"""Every field of a spec changes what comes out: nothing is accepted and ignored.

`CASES` has for each field of each model a spec, and the same with the field changed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
from pydantic import BaseModel

from bagmill.dataset.spec import Spec
from tests.dataset.everything import outcome, recording

Plain = dict[str, Any]
A: Plain = {"topic": "/a", "field": "data"}
B: Plain = {"topic": "/b", "field": "data"}
TRIGGER: Plain = {"kind": "trigger", "topic": "/a"}
BASE: Plain = {"rows": TRIGGER, "features": {"x": {"source": A}}}


class Case(NamedTuple):
    """A spec before and after a change of one field; `damaged`: the recording ends too early."""

    before: Plain
    after: Plain
    damaged: bool = False


def x(source: Plain = A, **feature: Any) -> Plain:
    """A spec with one feature."""
    return {"features": {"x": {"source": source} | feature}}


def steps(*transforms: Plain, topic: str = "/a") -> Plain:
    """A spec with one feature that is transformed."""
    return x({"topic": topic, "field": "data"}, transforms=list(transforms))


def pixels(*transforms: Plain) -> Plain:
    """A spec with decoded images."""
    return steps({"op": "image_decode"}, *transforms, topic="/image")


def turned(*transforms: Plain) -> Plain:
    return steps(*transforms, topic="/q")


def label(topic: str = "/text", **more: Any) -> Plain:
    """A spec with a label."""
    plain = {"source": {"topic": topic, "field": "data"}, "classes": ["a", "b", "c"]} | more
    return {"labels": {"l": plain}}


def only(op: str, before: Plain, *fixed: Plain, topic: str = "/a", **after: Any) -> Case:
    """One transform with some params, and with others."""
    first, second = ({"op": op} | params for params in (before, before | after))
    return Case(steps(*fixed, first, topic=topic), steps(*fixed, second, topic=topic))


def added(transform: Plain, *fixed: Plain, topic: str = "/a") -> Case:
    """Without a transform, and with it."""
    return Case(steps(*fixed, topic=topic), steps(*fixed, transform, topic=topic))


def split(by: str, train: float = 0.8, seed: int = 0) -> Plain:
    return {"split": {"by": by, "fractions": {"train": train, "test": round(1 - train, 3)}, "seed": seed}}


def episodes(by: str, **more: Any) -> Plain:
    return {"episodes": {"by": by} | more}


DECODE: Plain = {"op": "image_decode"}
LACKING = x(B, sync={"policy": "exact"})
"""No row has a value."""
STAMPS = {
    "rows": {"kind": "trigger", "topic": "/stamped"},
    "features": {"x": {"source": {"topic": "/stamped", "field": "data"}}},
}
SOURCES = {
    "TopicSource.topic": Case({}, x(B)),
    "TopicSource.field": Case(x({"topic": "/pair", "field": "x"}), x({"topic": "/pair", "field": "y"})),
    "ConstantSource.constant": Case(x({"constant": 1}), x({"constant": 2})),
    "MetadataSource.metadata": Case(
        x({"metadata": "robot", "key": "name"}), x({"metadata": "other", "key": "name"})
    ),
    "MetadataSource.key": Case(
        x({"metadata": "robot", "key": "name"}), x({"metadata": "robot", "key": "arm"})
    ),
    "ConcatSource.concat": Case(x({"concat": [A]}), x({"concat": [A, A]})),
    "StackSource.stack": Case(x({"stack": [A]}), x({"stack": [A, A]})),
    "CountSource.count": Case(x({"count": "/a"}), x({"count": "/b"})),
}
PARTS = {
    "Spec.name": Case({}, {"name": "other"}),
    "Spec.description": Case({}, {"description": "other"}),
    "Spec.input": Case({}, {"input": {"max_messages": 3}}),
    "Spec.time": Case({}, {"time": {"source": "publish_time"}}),
    "Spec.rows": Case({}, {"rows": {"kind": "trigger", "topic": "/b"}}),
    "Spec.features": Case({}, {"features": {"x": {"source": A}, "y": {"source": A}}}),
    "Spec.labels": Case({}, label()),
    "Spec.episodes": Case({}, episodes("gap", seconds=0.05)),
    "Spec.split": Case({}, split("time")),
    "Spec.validation": Case({}, {"validation": {"min_rows": 100}}),
    "Spec.output": Case({}, {"output": {"prefix": "other"}}),
    "Input.topics": Case(x(B), x(B) | {"input": {"topics": "/a"}}),
    "Input.exclude_topics": Case(x(B), x(B) | {"input": {"exclude_topics": "/b"}}),
    "Input.start_time": Case({}, {"input": {"start_time": "+1s"}}),
    "Input.end_time": Case({}, {"input": {"end_time": "+1s"}}),
    "Input.max_messages": Case({}, {"input": {"max_messages": 7}}),
    "Input.on_corrupt": Case({}, {"input": {"on_corrupt": "fail"}}, damaged=True),
    "TimeSource.source": Case({}, {"time": {"source": "publish_time"}}),
    "TimeSource.field": Case(
        STAMPS | {"time": {"source": "field", "field": "stamp"}},
        STAMPS | {"time": {"source": "field", "field": "later"}},
    ),
    "PerMessage.kind": Case(
        {"rows": {"kind": "rate", "hz": 3}}, {"rows": {"kind": "per_message", "topic": "/a"}}
    ),
    "PerMessage.topic": Case(
        x({"constant": 1}) | {"rows": {"kind": "per_message", "topic": "/a"}},
        x({"constant": 1}) | {"rows": {"kind": "per_message", "topic": "/b"}},
    ),
    "Trigger.kind": Case({"rows": {"kind": "rate", "hz": 3}}, {"rows": TRIGGER}),
    "Trigger.topic": Case({}, {"rows": {"kind": "trigger", "topic": "/b"}}),
    "Rate.kind": Case({"rows": TRIGGER}, {"rows": {"kind": "rate", "hz": 3}}),
    "Rate.hz": Case({"rows": {"kind": "rate", "hz": 3}}, {"rows": {"kind": "rate", "hz": 4}}),
    "WholeRecording.by": Case(episodes("gap", seconds=0.05), episodes("recording")),
    "ByGap.by": Case(episodes("recording"), episodes("gap", seconds=0.05)),
    "ByGap.seconds": Case(episodes("gap", seconds=0.05), episodes("gap", seconds=5)),
    "ByGap.topic": Case(episodes("gap", seconds=0.3), episodes("gap", seconds=0.3, topic="/b")),
    "ByField.by": Case(episodes("recording"), episodes("field", topic="/flags", field="data")),
    "ByField.topic": Case(
        episodes("field", topic="/flags", field="data"), episodes("field", topic="/flags2", field="data")
    ),
    "ByField.field": Case(
        episodes("field", topic="/flags", field="data"), episodes("field", topic="/flags", field="other")
    ),
    "ByField.values": Case(
        episodes("field", topic="/mode", field="data", values=[1]),
        episodes("field", topic="/mode", field="data", values=[2]),
    ),
    "Split.by": Case(split("time"), split("random")),
    "Split.fractions": Case(split("time"), split("time", 0.5)),
    "Split.seed": Case(split("random"), split("random", seed=1)),
    "Validation.features": Case(LACKING, LACKING | {"validation": {"features": ["x"]}}),
    "Validation.min_rows": Case({}, {"validation": {"min_rows": 100}}),
    "Validation.max_rows": Case({}, {"validation": {"max_rows": 3}}),
    "Validation.max_bad_share": Case(LACKING, LACKING | {"validation": {"max_bad_share": 0.5}}),
    "Validation.nan": Case(steps(topic="/nan"), steps(topic="/nan") | {"validation": {"nan": "drop_row"}}),
    "Validation.on_failure": Case(
        {"validation": {"min_rows": 100}}, {"validation": {"min_rows": 100, "on_failure": "report"}}
    ),
    "Output.format": Case({}, {"output": {"format": "tfrecord"}}),
    "Output.compression": Case({}, {"output": {"compression": "none"}}),
    "Output.prefix": Case({}, {"output": {"prefix": "other"}}),
    "Output.shard_rows": Case({}, {"output": {"shard_rows": 6}}),
    "Output.shard_bytes": Case(
        x({"constant": [0.5] * 3000}), x({"constant": [0.5] * 3000}) | {"output": {"shard_bytes": 1 << 16}}
    ),
}
COLUMNS = {
    "Feature.source": Case({}, x(B)),
    "Feature.sync": Case(x(B), x(B, sync={"policy": "nearest"})),
    "Feature.transforms": Case({}, steps({"op": "scale", "factor": 2})),
    "Feature.dtype": Case({}, x(dtype="float32")),
    "Feature.shape": Case(steps(topic="/v"), x({"topic": "/v", "field": "data"}, shape=[3, 1])),
    "Feature.missing": Case(LACKING, x(B, sync={"policy": "exact"}, missing={"policy": "zeros"})),
    "Feature.presence": Case({}, x(presence=True)),
    "Sync.policy": Case(x(B), x(B, sync={"policy": "linear"})),
    "Sync.tolerance": Case(x(B), x(B, sync={"tolerance": 0.05})),
    "Sync.staleness": Case(
        x(B, sync={"tolerance": 0.05}, missing={"policy": "forward_fill"}),
        x(B, sync={"tolerance": 0.05, "staleness": 0.1}, missing={"policy": "forward_fill"}),
    ),
    "Sync.rotation": Case(
        x({"topic": "/q", "field": "data"}, sync={"policy": "linear"}),
        x({"topic": "/q", "field": "data"}, sync={"policy": "linear", "rotation": False}),
    ),
    "Missing.policy": Case(LACKING, x(B, sync={"policy": "exact"}, missing={"policy": "zeros"})),
    "Missing.value": Case(
        x(B, sync={"policy": "exact"}, missing={"policy": "constant", "value": 1}),
        x(B, sync={"policy": "exact"}, missing={"policy": "constant", "value": 2}),
    ),
    "Label.source": Case(label(), label("/text2")),
    "Label.sync": Case(label("/text2"), label("/text2", sync={"policy": "nearest"})),
    "Label.classes": Case(label(), label(classes=["c", "b", "a"])),
    "Label.multi": Case(label("/names"), label("/names", multi=True)),
    "Label.unknown": Case(label(classes=["a", "b"]), label(classes=["a", "b"], unknown="b")),
    "Label.missing": Case(label(classes=["a"]), label(classes=["a"], missing={"policy": "drop_row"})),
}
RANGE: Plain = {"method": "range", "min": 0, "max": 1}
FITTED: Plain = {"method": "range"}
EULER: Plain = {"op": "quaternion_to_euler"}
PAD: Plain = {"size": 3, "mode": "pad_or_truncate"}
ABC: Plain = {"classes": ["a", "b", "c"]}
NUMBERS = {
    "Cast.op": added({"op": "cast", "dtype": "int64"}),
    "Cast.dtype": only("cast", {"dtype": "int64"}, dtype="int32"),
    "Cast.overflow": only("cast", {"dtype": "uint8"}, {"op": "scale", "factor": 9}, overflow="clamp"),
    "Clamp.op": added({"op": "clamp", "min": 0}),
    "Clamp.min": only("clamp", {"min": 0}, min=0.5),
    "Clamp.max": only("clamp", {"max": 0}, max=0.5),
    "Scale.op": added({"op": "scale", "factor": 2}),
    "Scale.factor": only("scale", {"factor": 2}, factor=3),
    "Scale.offset": only("scale", {"offset": 2}, offset=3),
    "Normalize.op": added({"op": "normalize"}),
    "Normalize.method": only("normalize", {}, method="range"),
    "Normalize.mean": only("normalize", {"mean": 0, "std": 1}, mean=1),
    "Normalize.std": only("normalize", {"mean": 0, "std": 1}, std=2),
    "Normalize.min": only("normalize", RANGE, min=-1),
    "Normalize.max": only("normalize", RANGE, max=2),
    "Normalize.low": only("normalize", FITTED, low=0),
    "Normalize.high": only("normalize", FITTED, high=3),
    "Length.op": added({"op": "length"} | PAD, topic="/list"),
    "Length.size": only("length", PAD, topic="/list", size=2),
    "Length.mode": only("length", PAD, topic="/list", mode="exact"),
    "Length.value": only("length", PAD, topic="/list", value=-5),
    "OneHot.op": added({"op": "one_hot"} | ABC, topic="/text"),
    "OneHot.classes": only("one_hot", ABC, topic="/text", classes=["c", "b", "a"]),
    "OneHot.unknown": only("one_hot", {"classes": ["a"], "unknown": "null"}, topic="/text", unknown="zeros"),
    "MultiHot.op": added({"op": "multi_hot"} | ABC, topic="/names"),
    "MultiHot.classes": only("multi_hot", ABC, topic="/names", classes=["c", "b", "a"]),
    "MultiHot.unknown": only(
        "multi_hot", {"classes": ["a"], "unknown": "null"}, topic="/names", unknown="ignore"
    ),
    "Select.op": added({"op": "select", "indices": [0]}, topic="/v"),
    "Select.indices": only("select", {"indices": [0]}, topic="/v", indices=[1]),
    "Flatten.op": Case(
        x({"stack": [A, A]}, transforms=[], shape=[2, 1]),
        x({"stack": [{"concat": [A]}, {"concat": [A]}]}, transforms=[{"op": "flatten"}]),
    ),
    "QuaternionToEuler.op": added(EULER, topic="/q"),
    "QuaternionToEuler.order": Case(turned(EULER), turned(EULER | {"order": "zyx"})),
    "QuaternionToEuler.degrees": Case(turned(EULER), turned(EULER | {"degrees": True})),
    "QuaternionToMatrix.op": added({"op": "quaternion_to_matrix"}, topic="/q"),
}
CROP: Plain = {"width": 8, "height": 6}
SMALLER: Plain = {"width": 5, "height": 5}


def image(op: str, before: Plain, **after: Any) -> Case:
    return only(op, before, DECODE, topic="/image", **after)


IMAGES = {
    "ImageDecode.op": added(DECODE, topic="/image"),
    "ImageDecode.colour": only("image_decode", {}, topic="/image", colour="bgr"),
    "ImageColour.op": Case(pixels(), pixels({"op": "image_colour", "to": "gray"})),
    "ImageColour.to": image("image_colour", {"to": "gray"}, to="hsv"),
    "ImageColour.source": image("image_colour", {"to": "gray"}, source="bgr"),
    "ImageCrop.op": Case(pixels(), pixels({"op": "image_crop"} | CROP)),
    "ImageCrop.width": image("image_crop", CROP, width=7),
    "ImageCrop.height": image("image_crop", CROP, height=7),
    "ImageCrop.x": image("image_crop", CROP, x=0),
    "ImageCrop.y": image("image_crop", CROP, y=0),
    "ImageResize.op": Case(pixels(), pixels({"op": "image_resize"} | SMALLER)),
    "ImageResize.width": image("image_resize", SMALLER, width=6),
    "ImageResize.height": image("image_resize", SMALLER, height=6),
    "ImageResize.fit": image("image_resize", SMALLER, fit="cover"),
    "ImageResize.interpolation": image("image_resize", SMALLER, interpolation="nearest"),
    "ImageEncode.op": Case(pixels(), pixels({"op": "image_encode"})),
    "ImageEncode.format": image("image_encode", {}, format="png"),
    "ImageEncode.quality": image("image_encode", {}, quality=30),
    "ImageEncode.level": image("image_encode", {"format": "png"}, level=0),
}
CASES: dict[str, Case] = SOURCES | PARTS | COLUMNS | NUMBERS | IMAGES

FIXED = {"Spec.version"}
"""There is only one so far, and others are refused."""


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inside in get_args(annotation):
        yield from models(inside)


def fields(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    """The fields of a model and of all models in it."""
    seen.add(model)
    for name, field in model.model_fields.items():
        yield f"{model.__name__}.{name}"
        for inside in models(field.annotation):
            if inside not in seen:
                yield from fields(inside, seen)


def test_there_is_a_case_for_each_field() -> None:
    assert set(fields(Spec, set())) - FIXED == set(CASES)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording."""
    return recording(tmp_path_factory.mktemp("recordings") / "whole.mcap")


@pytest.mark.parametrize("name", CASES)
def test_changing_a_field_changes_what_comes_out(name: str, whole: Path, tmp_path: Path) -> None:
    case, source = CASES[name], whole
    if case.damaged:
        source = tmp_path / "damaged.mcap"
        source.write_bytes(whole.read_bytes()[:-100])
    before, again, after = (
        outcome(source, tmp_path / folder, BASE | change)
        for folder, change in (("1", case.before), ("2", case.before), ("3", case.after))
    )

    assert before == again
    assert before != after
    assert "split=" in before + after, "neither made a dataset"

"""What stands in a dataset's `manifest.json` beside its files: where each row and number comes from."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import bagmill
from bagmill.dataset.columns import Column
from bagmill.dataset.fits import BySplit
from bagmill.dataset.recordings import LeftOut, Recording, with_rows
from bagmill.dataset.spec import (
    ConcatSource,
    ConstantSource,
    CountSource,
    Label,
    MetadataSource,
    Source,
    Spec,
    StackSource,
    TopicSource,
    plain,
    spec_hash,
)
from bagmill.dataset.splits import split_names
from bagmill.recording.times import rfc3339


def dataset_facts(
    spec: Spec, sources: Sequence[Recording], left_out: Sequence[LeftOut], rows: Mapping[str, int]
) -> dict[str, Any]:
    """All but what is said of each column; `rows`: how many each split has."""
    facts = [source.extracted.facts for source in sources]
    return {
        "name": spec.name,
        "description": spec.description,
        "spec_hash": spec_hash(spec),
        "spec": plain(spec),
        "versions": _versions(spec),
        "rows": sum(rows.values()),
        "episodes": sum(len(with_rows(source.extracted)) for source in sources),
        "candidates": sum(one.candidates for one in facts),
        "bad": sum(one.bad for one in facts),
        "drops": _summed(one.drops for one in facts),
        "messages": _summed(one.topics for one in facts),
        "looks_ahead": sorted({name for one in facts for name in one.looks_ahead}),
        "sources": [_source(source, spec) for source in sources],
        "left_out": [{"name": one.name, "reason": one.reason} for one in left_out],
    }


def _versions(spec: Spec) -> dict[str, str]:
    """Of what changes the bytes of the files."""
    packages = ["numpy", "pyarrow"]
    if any(step.op.startswith("image_") for one in spec.features.values() for step in one.transforms):
        packages.append("opencv-python-headless")
    return {"bagmill": bagmill.__version__, **{name: version(name) for name in packages}}


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))


def _source(source: Recording, spec: Spec) -> dict[str, Any]:
    facts = source.extracted.facts
    start, end = facts.source.start_ns, facts.source.end_ns
    return {
        "name": source.name,
        "size": facts.source.size,
        "sha256": facts.source.sha256,
        "start_time": None if start is None else rfc3339(start),
        "start_time_ns": None if start is None else str(start),
        "end_time": None if end is None else rfc3339(end),
        "end_time_ns": None if end is None else str(end),
        "rows": facts.rows,
        "splits": _splits(source, spec),
        "first_episode": source.first_episode,
        "episodes": len(with_rows(source.extracted)),
        "candidates": facts.candidates,
        "bad": facts.bad,
        "drops": dict(sorted(facts.drops.items())),
        "complete": facts.complete,
    }


def _splits(source: Recording, spec: Spec) -> list[str]:
    """The splits that have rows of a recording."""
    names = split_names(spec.split)
    if source.split_of_episode is None:
        return [names[number] for number in sorted(set(source.splits(spec.split).tolist()))]
    places = [episode.index for episode in with_rows(source.extracted)]
    return [names[number] for number in sorted(set(source.split_of_episode[places].tolist()))]


def feature_facts(column: Column, sources: Sequence[Recording], found: BySplit) -> dict[str, Any]:
    """What is said of a feature; statistics are of its values before a `normalize` that is fitted."""
    return {
        **_column(column, sources),
        "shape": list(column.final.shape),
        "normalize": column.normalized,
        "statistics": {split: statistics.told() for split, statistics in found.items()},
    }


def label_facts(
    column: Column, sources: Sequence[Recording], classes: Mapping[str, Mapping[int, int]]
) -> dict[str, Any]:
    """What is said of a label; `classes`: how often each number stands in each split."""
    assert isinstance(column.spec, Label)
    numbers = column.spec.numbers
    return {
        **_column(column, sources),
        "classes": numbers,
        "counts": {
            split: {name: counts.get(number, 0) for name, number in numbers.items()}
            for split, counts in classes.items()
        },
    }


def _column(column: Column, sources: Sequence[Recording]) -> dict[str, Any]:
    parts = [source.extracted.facts.column(column.name) for source in sources]
    candidates = sum(source.extracted.facts.candidates for source in sources)
    missing = sum(part.missing for part in parts)
    return {
        "type": str(column.final),
        "source": source_text(column.spec.source),
        "sync": column.spec.sync.policy,
        "policy": column.spec.missing.policy,
        "present": sum(part.present for part in parts),
        "missing": missing,
        "missing_share": missing / candidates if candidates else 0.0,
        "filled": sum(part.filled for part in parts),
        "nan": sum(part.nan for part in parts),
    }


def source_text(source: Source) -> str:
    """A source in one line, for people."""
    match source:
        case TopicSource():
            return source.topic if source.field is None else f"{source.topic} {source.field}"
        case ConstantSource():
            return f"constant {source.constant}"
        case MetadataSource():
            return f"metadata {source.metadata} {source.key}"
        case CountSource():
            return f"count of {source.count}"
        case ConcatSource():
            return f"concat({', '.join(map(source_text, source.concat))})"
        case StackSource():
            return f"stack({', '.join(map(source_text, source.stack))})"

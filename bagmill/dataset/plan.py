"""The plan of a column: what it reads, what is done with it, and of which type it becomes.

Everything that schemas and the spec alone can tell is refused here, before anything is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from bagmill.dataset.fillers import filler_of
from bagmill.dataset.labels import constants, label
from bagmill.dataset.sources import (
    ConstantLeaf,
    CountLeaf,
    Leaf,
    MessageLeaf,
    Records,
    Schemas,
    SourcePlan,
)
from bagmill.dataset.spec import Feature, Label, Missing, Spec
from bagmill.dataset.spec.transforms import Cast, Normalize
from bagmill.dataset.transforms import Chain, Fit, steps
from bagmill.dataset.transforms.base import Op, unfit
from bagmill.dataset.transforms.listing import reshape
from bagmill.dataset.values import RAW_IMAGE, Values, ValueType
from bagmill.errors import SpecUnfit
from bagmill.faults import Fault, token

__all__ = [
    "ColumnPlan",
    "ConstantLeaf",
    "CountLeaf",
    "Leaf",
    "MessageLeaf",
    "Rest",
    "plan_column",
    "plan_columns",
    "plan_rest",
]

Column = Feature | Label
Samples = Mapping[str, pa.RecordBatch]
"""Some of the first messages of topics, which tell the size and type of images' pixels (see `samples.py`)."""


@dataclass(frozen=True)
class Rest:
    """What is done with the stored values of a column once statistics are known.

    `fitted`: the normalize that needs them; without one there is nothing left to do. `filler`: the value of
    one row that stands where there is none, for the missing policies `zeros` and `constant`.
    """

    stored: ValueType
    final: ValueType
    fitted: Normalize | None
    filler: Values | None
    column: Column
    pointer: str

    def chain(self, fit: Fit | None = None) -> Chain:
        """The steps from stored to final values; `fit` has the statistics that `fitted` names:
        `mean` and `std`, or `min` and `max`, each float64 of the shape of a stored value.
        """
        return Chain(self.stored, tuple(_after(self.column, self.pointer, self.stored, fit)))


@dataclass(frozen=True)
class ColumnPlan:
    """A feature or label of the spec, for the recordings of one kind.

    `leaves` are what is joined to rows; `combine` makes one value a row of theirs, of the type `joined`;
    `before` makes what is stored of it; `rest` is done when the statistics are known.
    """

    name: str
    pointer: str
    column: Column
    source: SourcePlan
    before: Chain
    rest: Rest

    @property
    def leaves(self) -> Sequence[Leaf]:
        """What is read, in the order of `combine`."""
        return self.source.leaves

    def combine(self, parts: Sequence[Values]) -> Values:
        """The values of rows from those of the leaves; missing where one of them is."""
        return self.source.combine(parts)

    @property
    def is_label(self) -> bool:
        """Whether it is a label."""
        return isinstance(self.column, Label)

    @property
    def missing(self) -> Missing:
        """What is done with rows without a value."""
        return self.column.missing

    @property
    def joined(self) -> ValueType:
        """The type of what `combine` makes."""
        return self.source.type

    @property
    def stored(self) -> ValueType:
        """The type of what `before` makes."""
        return self.rest.stored

    @property
    def final(self) -> ValueType:
        """The type in the dataset."""
        return self.rest.final

    @property
    def fitted(self) -> Normalize | None:
        """The normalize that needs statistics of the stored values."""
        return self.rest.fitted


def plan_columns(
    spec: Spec, schemas: Schemas, records: Records, samples: Samples | None = None
) -> list[ColumnPlan]:
    """The plans of all columns of a spec: features, then labels.

    Args:
        spec: the spec.
        schemas: of the topics that its `input` takes: the decoder's `fields`, with its `facts` as metadata
            (`bagmill.columns.METADATA_KEY`), where labels may use the names of constants.
        records: values of the recording's metadata records.
        samples: of the topics of images whose pixels become a column without `image_resize`, or `as_is`.

    Raises:
        SpecUnfit: `items` has the first fault of each column.
    """
    plans: list[ColumnPlan] = []
    faults: list[Fault] = []
    for kind, columns in (("features", spec.features), ("labels", spec.labels)):
        for name, column in columns.items():
            pointer = f"/{kind}{token(name)}"
            try:
                plans.append(plan_column(name, column, pointer, schemas, records, samples))
            except SpecUnfit as error:
                faults.extend(error.items)
    if faults:
        raise SpecUnfit(items=faults)
    return plans


def plan_column(
    name: str,
    column: Column,
    pointer: str,
    schemas: Schemas,
    records: Records,
    samples: Samples | None = None,
) -> ColumnPlan:
    """The plan of one column; the arguments are those of `plan_columns`.

    Raises:
        SpecUnfit: the column does not fit the messages; `items` has one fault.
    """
    source = SourcePlan(column.source, column.sync, f"{pointer}/source", schemas, records)
    if isinstance(column, Label):
        names = _names(source, schemas)
        ops = [(pointer, label(column, source.type, names, pointer))]
    else:
        ops = _before(column, pointer, source, _sample(source, samples or {}))
    chain = Chain(source.type, tuple(ops))
    return ColumnPlan(name, pointer, column, source, chain, plan_rest(column, pointer, chain.type))


def plan_rest(column: Column, pointer: str, stored: ValueType) -> Rest:
    """What is left to do with stored values of a column.

    Raises:
        SpecUnfit: what is left does not take them, or its missing policy has no value of the final type.
    """
    ops = _after(column, pointer, stored, None)
    final = ops[-1][1].type if ops else stored
    fitted = None if isinstance(column, Label) else _fitted(column)[1]
    filler = filler_of(column.missing, final, f"{pointer}/missing")
    return Rest(stored, final, fitted, filler, column, pointer)


def _fitted(feature: Feature) -> tuple[int, Normalize | None]:
    """The place of the first transform that needs statistics, and the transform."""
    for number, transform in enumerate(feature.transforms):
        if isinstance(transform, Normalize) and transform.is_fitted:
            return number, transform
    return len(feature.transforms), None


def _placed(feature: Feature, pointer: str) -> list[tuple[str, Any]]:
    return [(f"{pointer}/transforms/{number}", one) for number, one in enumerate(feature.transforms)]


def _sample(source: SourcePlan, samples: Samples) -> Values | None:
    """Values of a source that is an image."""
    leaf = source.leaves[0]
    if not isinstance(leaf, MessageLeaf) or leaf.topic not in samples:
        return None
    is_coded = leaf.type.image or leaf.type.is_bytes
    return leaf.extract(samples[leaf.topic]) if is_coded and len(source.leaves) == 1 else None


def _before(
    feature: Feature, pointer: str, source: SourcePlan, sample: Values | None
) -> list[tuple[str, Op]]:
    place, fitted = _fitted(feature)
    transforms = _placed(feature, pointer)[:place]
    ops = steps(transforms, source.type, sample=sample)
    found = ops[-1][1].type if ops else source.type
    if found.element == RAW_IMAGE:
        hint = "Add `image_decode`, and `image_encode` to keep files."
        raise unfit(
            f"{pointer}/transforms", "these are messages with pixels, which no column can hold.", hint
        )
    return ops if fitted else [*ops, *_shaped(feature, pointer, found)]


def _after(column: Column, pointer: str, stored: ValueType, fit: Fit | None) -> list[tuple[str, Op]]:
    if isinstance(column, Label) or _fitted(column)[1] is None:
        return []
    place = _fitted(column)[0]
    transforms = _placed(column, pointer)[place:]
    for at, one in transforms[1:]:
        if isinstance(one, Normalize) and one.is_fitted:
            raise unfit(at, "only one `normalize` of a feature can be fitted.", "Give this one its numbers.")
    ops = steps(transforms, stored, fit)
    return [*ops, *_shaped(column, pointer, ops[-1][1].type)]


def _shaped(feature: Feature, pointer: str, source: ValueType) -> list[tuple[str, Op]]:
    """The cast and the shape that the feature asks for at its end."""
    ops: list[tuple[str, Op]] = []
    if feature.dtype is not None:
        ops = steps([(f"{pointer}/dtype", Cast(op="cast", dtype=feature.dtype))], source)
        source = ops[-1][1].type if ops else source
    if feature.shape is not None and feature.shape != source.shape:
        at = f"{pointer}/shape"
        ops.append((at, reshape(feature.shape, source, at)))
    return ops


def _names(source: SourcePlan, schemas: Schemas) -> Mapping[str, int]:
    """Names of constants that values of a source may have."""
    found: dict[str, int] = {}
    for leaf in source.leaves:
        if isinstance(leaf, MessageLeaf):
            found |= constants(schemas[leaf.topic], leaf.access.leaf)
    return found

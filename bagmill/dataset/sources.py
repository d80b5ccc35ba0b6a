"""From the sources of a spec to what is read: leaves, and how their values become one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from bagmill.dataset.between import type_between
from bagmill.dataset.joining import concatenated, expanded
from bagmill.dataset.paths import Access, resolve
from bagmill.dataset.spec import (
    ConcatSource,
    ConstantSource,
    CountSource,
    MetadataSource,
    Source,
    StackSource,
    Sync,
    TopicSource,
)
from bagmill.dataset.transforms.base import unfit
from bagmill.dataset.values import Values, ValueType
from bagmill.suggestions import did_you_mean

Schemas = Mapping[str, pa.Schema]
"""The columns of each topic's messages, by topic."""
Records = Mapping[str, Mapping[str, str]]
"""The values of the recording's metadata records, by the name of the record."""
Combine = Callable[[Sequence[Values]], Values]


@dataclass(frozen=True)
class MessageLeaf:
    """A field of a topic's messages, to be joined to rows.

    `path` is that of the field; `read` is the type of the messages' values, `type` that of the rows': numbers
    become floats by `linear`.
    """

    topic: str
    path: str | None
    access: Access
    read: ValueType
    type: ValueType
    pointer: str

    def extract(self, batch: pa.RecordBatch) -> Values:
        """The values of all messages of a batch."""
        found = self.access.extract(batch)
        return replace(found, type=self.read)


@dataclass(frozen=True)
class CountLeaf:
    """How many messages of a topic came since the row before."""

    topic: str
    pointer: str

    @property
    def type(self) -> ValueType:
        """The type of the number."""
        return ValueType(pa.int64())


@dataclass(frozen=True)
class ConstantLeaf:
    """The same in each row."""

    value: Values
    pointer: str

    @property
    def type(self) -> ValueType:
        """The type of the value."""
        return self.value.type

    def rows(self, count: int) -> Values:
        """The value, so many times."""
        return self.value.take(np.zeros(count, np.int64))


Leaf = MessageLeaf | CountLeaf | ConstantLeaf


class SourcePlan:
    """What a source reads, in the order in which `combine` takes it."""

    def __init__(self, source: Source, sync: Sync, pointer: str, schemas: Schemas, records: Records) -> None:
        self._sync, self._schemas, self._records = sync, schemas, records
        self._sync_pointer = pointer.rpartition("/")[0] + "/sync"
        self.leaves: list[Leaf] = []
        self.type, self._combine = self._plan(source, pointer)

    def combine(self, parts: Sequence[Values]) -> Values:
        """The values of rows from those of the leaves; missing where one of them is."""
        return self._combine(parts)

    def _plan(self, source: Source, pointer: str) -> tuple[ValueType, Combine]:
        match source:
            case TopicSource():
                return self._leaf(self._message(source, pointer))
            case CountSource():
                self._schema(source.count, f"{pointer}/count")
                return self._leaf(CountLeaf(source.count, f"{pointer}/count"))
            case ConstantSource():
                return self._leaf(ConstantLeaf(constant(source.constant, f"{pointer}/constant"), pointer))
            case MetadataSource():
                return self._leaf(ConstantLeaf(self._metadata(source, pointer), pointer))
            case ConcatSource():
                return self._concat(source.concat, f"{pointer}/concat", expand=False)
            case StackSource():
                return self._concat(source.stack, f"{pointer}/stack", expand=True)

    def _leaf(self, leaf: Leaf) -> tuple[ValueType, Combine]:
        number = len(self.leaves)
        self.leaves.append(leaf)
        return leaf.type, lambda parts: parts[number]

    def _schema(self, topic: str, pointer: str) -> pa.Schema:
        if topic not in self._schemas:
            hint = did_you_mean(topic, sorted(self._schemas))
            raise unfit(pointer, f"there is no topic {topic!r} among those that `input` takes.", hint)
        return self._schemas[topic]

    def _message(self, source: TopicSource, pointer: str) -> MessageLeaf:
        schema = self._schema(source.topic, f"{pointer}/topic")
        at = pointer if source.field is None else f"{pointer}/field"
        access = resolve(source.field, schema, at)
        read = self._checked(access.type)
        if self._sync.policy != "linear":
            return MessageLeaf(source.topic, source.field, access, read, read, at)
        type_ = type_between(read)
        if type_ is None:
            hint = "Numbers can be; for others use `last` or `nearest`."
            raise unfit(f"{self._sync_pointer}/policy", f"{read} can't be interpolated.", hint)
        return MessageLeaf(source.topic, source.field, access, read, type_, at)

    def _checked(self, type_: ValueType) -> ValueType:
        if self._sync.rotation and not (type_.interpolates and type_.shape[-1:] == (4,)):
            raise unfit(f"{self._sync_pointer}/rotation", f"a quaternion is 4 numbers, and this is {type_}.")
        return type_ if self._sync.rotation is None else replace(type_, rotation=self._sync.rotation)

    def _metadata(self, source: MetadataSource, pointer: str) -> Values:
        values = self._records.get(source.metadata)
        if values is None:
            hint = did_you_mean(source.metadata, sorted(self._records))
            raise unfit(f"{pointer}/metadata", f"there is no metadata record {source.metadata!r}.", hint)
        if source.key not in values:
            hint = did_you_mean(source.key, sorted(values))
            raise unfit(
                f"{pointer}/key", f"the record {source.metadata!r} has no value {source.key!r}.", hint
            )
        return constant(values[source.key], pointer)

    def _concat(self, sources: Sequence[Source], pointer: str, *, expand: bool) -> tuple[ValueType, Combine]:
        parts = [self._plan(one, f"{pointer}/{number}") for number, one in enumerate(sources)]
        if expand:
            _must_be_alike([kind for kind, _ in parts], pointer)
        kinds = [kind for kind, _ in parts]
        type_, join = concatenated(
            [expanded(kind) if expand or not kind.shape else kind for kind in kinds], pointer
        )
        return type_, lambda values: join([combine(values) for _, combine in parts])


def _must_be_alike(kinds: Sequence[ValueType], pointer: str) -> None:
    for number, kind in enumerate(kinds):
        if kind.shape != kinds[0].shape or not kind.is_fixed:
            text = f"{kind} can't be stacked on {kinds[0]}: `stack` takes values of one fixed shape."
            raise unfit(f"{pointer}/{number}", text)


def constant(value: Any, pointer: str) -> Values:
    """A value of a spec as one row: bool, int64, float64 or string, or a list of them.

    Raises:
        SpecUnfit: a list is empty, or its elements are of several kinds.
    """
    several = isinstance(value, tuple | list)
    elements = list(value) if several else [value]
    kinds = {type(one) for one in elements}
    kinds = {float} if kinds == {int, float} else kinds
    if len(kinds) != 1:
        raise unfit(pointer, "the elements of a constant are of one kind." if kinds else "it is empty.")
    element = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}[kinds.pop()]
    type_ = ValueType(element, (len(elements),) if several else ())
    try:
        return Values.from_arrow(pa.array([elements if several else value], type_.arrow), type_)
    except (OverflowError, pa.ArrowInvalid) as error:
        raise unfit(pointer, "an integer has 64 bits at most.") from error

"""What a table becomes as features of a tf.train.Example: their names, types and shapes.

| in the table | features |
|---|---|
| `log_time`, `publish_time` | `log_time_ns`, `publish_time_ns` |
| integers, booleans, enums | int64_list |
| float32, float64 | float_list, of 32 bits; float64 that is a time or a place: int64_list of its bits |
| strings, bytes | bytes_list |
| struct | its members, `/` between the names |
| fixed list | a fixed number of values |
| list | a variable number of values |
| list in a list | the values of all, and how many each inner list has in `<name>/row_lengths` |
| map | a list of `<name>/key` and one of `<name>/value` |
| null | no feature; in a list 0 or empty, and in `<name>/valid` a 0 in its place |
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import pyarrow as pa

from bagmill.columns import METADATA_KEY
from bagmill.errors import FeatureCollision

EXACT_WORDS = frozenset(
    {"time", "times", "timestamp", "timestamps", "stamp", "sec", "secs", "seconds", "latitude", "longitude"}
)
"""Words in the name of a float64 column that 32 bits would spoil: times by a minute, places by a meter."""


class DType(StrEnum):
    """The kinds of lists that a feature can be."""

    FLOAT = "float"
    INT64 = "int64"
    BYTES = "bytes"


class Stored(StrEnum):
    """How a value of a column is stored."""

    FLOAT32 = "float32"
    FLOAT64_BITS = "float64 bits"
    INT64 = "int64"
    UINT64_BITS = "uint64 bits"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature of the examples of a table.

    Attributes:
        key: its name in the example.
        dtype: what kind of list it is.
        stored: how its values are stored.
        column: the column of the table, `.` between names and `[]` for elements of lists.
        source: the Arrow type of the column's values; empty where the feature only tells about them.
        shape: the dimensions of an example's value; `None` where it varies.
        partitions: of each dimension but the first its size, or the feature that holds its sizes.
        optional: absent where the column is null; `valid` is absent where no value is null.
    """

    key: str
    dtype: DType
    stored: Stored
    column: str
    source: str = ""
    shape: tuple[int | None, ...] = ()
    partitions: tuple[int | str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Leaf:
    """Values. `valid` tells of those in a list which are null."""

    feature: Feature
    valid: Feature | None

    @property
    def features(self) -> Iterator[Feature]:
        """The features that come of it."""
        yield self.feature
        if self.valid is not None:
            yield self.valid


@dataclass(frozen=True, slots=True)
class Nested:
    """A column that has others in it: a struct, a list of `size` elements or of any number, or a map.

    `lengths`, of a list in a list: how many elements each has.
    """

    children: Sequence["Node"]
    size: int | None = None
    lengths: Leaf | None = None

    @property
    def features(self) -> Iterator[Feature]:
        """The features that come of it."""
        for node in [self.lengths, *self.children]:
            if node is not None:
                yield from node.features


Node = Leaf | Nested


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column stands: its names, and the lists that are above it."""

    key: str
    column: str
    shape: tuple[int | None, ...] = ()
    partitions: tuple[int | str, ...] = ()
    optional: bool = False
    """Whether it can be absent from an example."""
    has_nulls: bool = False
    """Whether it can be null in a list."""
    depth: int = 1
    """Which list of this name would come next: a list of lists has but one name."""

    def nullable(self, is_nullable: bool) -> "_Place":
        if self.shape:
            return replace(self, has_nulls=self.has_nulls or is_nullable)
        return replace(self, optional=self.optional or is_nullable)

    def member(self, member: pa.Field) -> "_Place":
        names = replace(self, key=f"{self.key}/{member.name}", column=f"{self.column}.{member.name}", depth=1)
        return names.nullable(member.nullable)

    def elements(self, size: int | None) -> "_Place":
        """Of a list here: of `size` elements, or of any number."""
        part = [] if not self.shape else [size if size is not None else self.lengths_key]
        return replace(
            self,
            column=f"{self.column}[]",
            shape=(*self.shape, size),
            partitions=(*self.partitions, *part),
            # A null list has no elements, but if it is of a fixed size.
            has_nulls=self.has_nulls and size is not None,
            depth=self.depth + (size is None and bool(self.shape)),
        )

    @property
    def lengths_key(self) -> str:
        return f"{self.key}/row_lengths" + (f"_{self.depth}" if self.depth > 1 else "")

    def leaf(self, key: str, dtype: DType, stored: Stored, source: str = "") -> Leaf:
        feature = Feature(key, dtype, stored, self.column, source, self.shape, self.partitions, self.optional)
        if not self.has_nulls:
            return Leaf(feature, None)
        valid = replace(
            feature, key=f"{key}/valid", dtype=DType.INT64, stored=Stored.INT64, source="", optional=True
        )
        return Leaf(feature, valid)


@dataclass(frozen=True, slots=True)
class Plan:
    """The columns of a table that become features, by index, and how."""

    nodes: Sequence[tuple[int, Node]]
    features: Sequence[Feature] = field(init=False)

    def __post_init__(self) -> None:
        found = [feature for _, node in self.nodes for feature in node.features]
        object.__setattr__(self, "features", found)


def plan_features(schema: pa.Schema) -> Plan:
    """The features of a table's examples, in the order in which they are written.

    Raises:
        FeatureCollision: two columns would become one feature.
    """
    plan = Plan(
        [
            (number, _node(item.type, _Place(_key(item.name), item.name).nullable(item.nullable)))
            for number, item in enumerate(schema)
            if item.name != "log_time"  # it is `log_time_ns` again
        ]
    )
    _refuse_collisions(plan.features, schema)
    return plan


def _key(name: str) -> str:
    return "publish_time_ns" if name == "publish_time" else name


def _node(kind: pa.DataType, place: _Place) -> Node:
    if pa.types.is_struct(kind):
        return Nested([_node(member.type, place.member(member)) for member in kind])
    if pa.types.is_map(kind):
        inside = place.elements(None)
        members = [inside.member(kind.key_field), inside.member(kind.item_field)]
        types = kind.key_type, kind.item_type
        return Nested([_node(*item) for item in zip(types, members, strict=True)], None, _lengths(place))
    if pa.types.is_list(kind):
        inside = place.elements(None).nullable(kind.value_field.nullable)
        return Nested([_node(kind.value_type, inside)], None, _lengths(place))
    if pa.types.is_fixed_size_list(kind):
        inside = place.elements(kind.list_size).nullable(kind.value_field.nullable)
        return Nested([_node(kind.value_type, inside)], kind.list_size)
    return place.leaf(place.key, *_stored(place.column, kind), str(kind))


def _lengths(place: _Place) -> Leaf | None:
    return place.leaf(place.lengths_key, DType.INT64, Stored.INT64) if place.shape else None


def _stored(column: str, kind: pa.DataType) -> tuple[DType, Stored]:
    if pa.types.is_float64(kind) and _is_exact(column):
        return DType.INT64, Stored.FLOAT64_BITS
    if pa.types.is_floating(kind):
        return DType.FLOAT, Stored.FLOAT32
    if pa.types.is_uint64(kind):
        return DType.INT64, Stored.UINT64_BITS
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return DType.BYTES, Stored.BYTES
    return DType.INT64, Stored.INT64


def _is_exact(column: str) -> bool:
    words = re.findall(r"[A-Z]?[a-z]+", column.rpartition(".")[2])
    return not EXACT_WORDS.isdisjoint(word.lower() for word in words)


def _refuse_collisions(found: Sequence[Feature], schema: pa.Schema) -> None:
    columns: dict[str, str] = {}
    for feature in found:
        if feature.key in columns:
            facts = json.loads((schema.metadata or {}).get(METADATA_KEY.encode(), b"{}"))
            raise FeatureCollision(
                f"the columns {columns[feature.key]} and {feature.column} would both become "
                f"the feature {feature.key}",
                where={"topic": facts["topic"]} if "topic" in facts else {},
            )
        columns[feature.key] = feature.column

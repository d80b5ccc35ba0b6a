"""What decoding needs to know about each type of message, made once for a schema."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from bagmill.schemas.arrow import arrow_type
from bagmill.schemas.protobuf import entry_of, extensions, load_descriptor, parse_protobuf
from bagmill.schemas.tree import MOST_KNOWN, Field, Mapping, Sequence, Struct, Type

VARINT, FIXED64, LENGTH, GROUP, END_GROUP, FIXED32 = range(6)
"""Wire types (protobuf.dev/programming-guides/encoding#structure)."""

BAD = -1
"""Instead of the number of a slot: nothing that is read here can have this tag."""

LONG = -2
"""Instead of the number of a slot: the tag has more than this byte."""

_WIRES = {
    FieldDescriptor.TYPE_DOUBLE: FIXED64,
    FieldDescriptor.TYPE_FIXED64: FIXED64,
    FieldDescriptor.TYPE_SFIXED64: FIXED64,
    FieldDescriptor.TYPE_FLOAT: FIXED32,
    FieldDescriptor.TYPE_FIXED32: FIXED32,
    FieldDescriptor.TYPE_SFIXED32: FIXED32,
    FieldDescriptor.TYPE_STRING: LENGTH,
    FieldDescriptor.TYPE_BYTES: LENGTH,
    FieldDescriptor.TYPE_MESSAGE: LENGTH,
    FieldDescriptor.TYPE_GROUP: GROUP,
}
_DTYPES = {
    FieldDescriptor.CPPTYPE_INT32: "<i4",
    FieldDescriptor.CPPTYPE_ENUM: "<i4",
    FieldDescriptor.CPPTYPE_INT64: "<i8",
    FieldDescriptor.CPPTYPE_UINT32: "<u4",
    FieldDescriptor.CPPTYPE_UINT64: "<u8",
    FieldDescriptor.CPPTYPE_DOUBLE: "<f8",
    FieldDescriptor.CPPTYPE_FLOAT: "<f4",
    FieldDescriptor.CPPTYPE_BOOL: "?",
}
_FIXED = {FIXED64: 8, FIXED32: 4}
_LONGEST_RUN = 16
_ZIGZAG = (FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SINT64)


@dataclass(frozen=True, slots=True)
class Slot:
    """A form in which a field can stand in a message. `tag` 0: it is unknown, and is passed over."""

    wire: int
    tag: int = 0
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """Numbers of fixed size that an encoder writes one behind the other if it leaves none out.

    `slots` and where their values stand behind the first tag; `tags` that must stand between; `size` of all.
    """

    slots: tuple[tuple[int, int], ...]
    tags: tuple[tuple[int, int], ...]
    size: int


@dataclass(frozen=True, slots=True)
class Number:
    """How a number is made from its wire form. `named`: all that a closed enum can hold."""

    wire: int
    dtype: np.dtype[np.generic]
    zigzag: bool
    named: npt.NDArray[np.int32] | None


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """A field of a message, or the key or value of a map.

    `slot`: where it is expected; `packed`: where its packed form is, if it can have one. `content`: a number,
    a message, or None for bytes. `text`: they must be UTF-8. `presence`: it is null where it is absent.
    """

    type: pa.DataType
    slot: int
    packed: int | None
    content: "Number | MessagePlan | None"
    repeated: bool
    presence: bool
    text: bool
    map: bool


@dataclass(slots=True)
class MessagePlan:
    """A type of message.

    `slots` are in the order of their tags; behind them are those of unknown fields, by wire type. `choices`:
    the members of each oneof, as places in `fields`. `entry`: it is the entry of a map. `cells`: how many
    values a message makes, not counting the elements of lists. `by_byte` and `by_first_byte`: the slot by the
    first byte of a tag. `runs`: by their first slot.
    """

    fields: tuple[FieldPlan, ...]
    choices: tuple[tuple[int, ...], ...]
    slots: tuple[Slot, ...]
    by_tag: dict[int, int]
    entry: bool
    cells: int
    by_first_byte: npt.NDArray[np.int16] = field(init=False)
    by_byte: list[int] = field(init=False)
    runs: dict[int, Run] = field(init=False)

    def __post_init__(self) -> None:
        self.runs = {
            first: run for first in range(len(self.by_tag)) if len((run := self._run(first)).slots) > 1
        }
        self.by_byte = [self.slot(tag) for tag in range(0x80)] + [LONG] * 0x80
        self.by_first_byte = np.array(self.by_byte, np.int16)

    def _run(self, first: int) -> Run:
        """The numbers of fixed size from a slot on."""
        slots: list[tuple[int, int]] = []
        tags: list[tuple[int, int]] = []
        at = -1
        for number in range(first, min(first + _LONGEST_RUN, len(self.by_tag))):
            slot = self.slots[number]
            if slot.repeated or slot.tag >= 0x80 or slot.wire not in _FIXED:
                break
            tags.append((at, slot.tag))
            slots.append((number, at + 1))
            at += 1 + _FIXED[slot.wire]
        return Run(tuple(slots), tuple(tags[1:]), at)

    def slot(self, tag: int) -> int:
        """The slot of a tag: a field's, that of unknown ones, or `BAD`."""
        wire = tag & 7
        if tag in self.by_tag:
            return self.by_tag[tag]
        return len(self.by_tag) + wire if tag >= 8 and wire <= FIXED32 and wire != END_GROUP else BAD

    @property
    def unknown_group(self) -> int:
        """The slot of groups that are unknown: cursors wait before the tag, which tells the end tag."""
        return len(self.by_tag) + GROUP


@lru_cache(MOST_KNOWN)
def compile_plan(name: str, data: bytes) -> MessagePlan:
    """Make the plan for the message `name` of a descriptor set.

    Raises:
        SchemaError: as `parse_protobuf`.
    """
    return _Compiler().message(parse_protobuf(name, data), load_descriptor(name, data))


@dataclass(slots=True)
class _Compiler:
    known: dict[str, MessagePlan] = field(default_factory=dict)

    def message(self, node: Struct, message: Descriptor) -> MessagePlan:
        name = message.full_name
        if name not in self.known:
            items = [*message.fields, *extensions(message)]
            numbers = [item.number for item in items]
            choices = tuple(
                tuple(numbers.index(member.number) for member in choice.fields) for choice in message.oneofs
            )
            self.known[name] = self.plan(node.fields, items, choices)
        return self.known[name]

    def entry(self, node: Mapping, message: Descriptor) -> MessagePlan:
        """The plan of a map's entries. Keys and values that are absent are their default."""
        members = Field("key", node.key), Field("value", node.value)
        return self.plan(members, entry_of(message), (), entry=True)

    def plan(
        self,
        members: Iterable[Field],
        items: Iterable[FieldDescriptor],
        choices: tuple[tuple[int, ...], ...],
        *,
        entry: bool = False,
    ) -> MessagePlan:
        forms = dict(sorted(form for item in items for form in _forms(item).items()))
        by_tag = {tag: slot for slot, tag in enumerate(forms)}
        fields = tuple(self.field(member, item, by_tag) for member, item in zip(members, items, strict=True))
        unknown = [Slot(wire) for wire in range(FIXED32 + 1)]
        return MessagePlan(fields, choices, (*forms.values(), *unknown), by_tag, entry, _cells(fields))

    def field(self, member: Field, item: FieldDescriptor, by_tag: dict[int, int]) -> FieldPlan:
        wire = _WIRES.get(item.type, VARINT)
        return FieldPlan(
            type=arrow_type(member.type),
            slot=by_tag[item.number << 3 | wire],
            packed=by_tag.get(item.number << 3 | LENGTH) if wire not in (LENGTH, GROUP) else None,
            content=self.content(member.type, item, wire),
            repeated=item.is_repeated,
            presence=member.optional,
            text=item.type == FieldDescriptor.TYPE_STRING,
            map=isinstance(member.type, Mapping),
        )

    def content(self, node: Type, item: FieldDescriptor, wire: int) -> Number | MessagePlan | None:
        if isinstance(node, Mapping):
            return self.entry(node, item.message_type)
        element = node.element if isinstance(node, Sequence) else node
        if isinstance(element, Struct):
            return self.message(element, item.message_type)
        return None if wire == LENGTH else _number(item, wire)


def _forms(item: FieldDescriptor) -> dict[int, Slot]:
    """The forms of a field by tag. A list of numbers is read packed and not, however it was declared."""
    wire = _WIRES.get(item.type, VARINT)
    wires = {wire, LENGTH} if item.is_repeated and wire != GROUP else {wire}
    tags = {item.number << 3 | each: each for each in wires}
    return {tag: Slot(each, tag, item.is_repeated) for tag, each in tags.items()}


def _number(item: FieldDescriptor, wire: int) -> Number:
    named = None
    if item.enum_type is not None and item.enum_type.is_closed:
        named = np.array([value.number for value in item.enum_type.values], np.int32)
    return Number(wire, np.dtype(_DTYPES[item.cpp_type]), item.type in _ZIGZAG, named)


def _cells(fields: Iterable[FieldPlan]) -> int:
    return sum(
        item.content.cells if isinstance(item.content, MessagePlan) and not item.repeated else 1
        for item in fields
    )

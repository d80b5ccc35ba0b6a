"""Random protobuf schemas and messages, in all forms that are legal and in some that are not.

Everything is drawn from a `random.Random`, which hypothesis can stand behind.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from bagmill.schemas.protobuf import load_descriptor
from tests.schemas.descriptors import Proto, descriptor_set, enum, field, file, map_entry, message

SCALARS = [
    kind for kind in range(1, 19) if kind not in (Proto.TYPE_GROUP, Proto.TYPE_MESSAGE, Proto.TYPE_ENUM)
]
KEYS = [kind for kind in SCALARS if kind not in (Proto.TYPE_DOUBLE, Proto.TYPE_FLOAT, Proto.TYPE_BYTES)]
NUMBERS = [*range(1, 18), 100, 2047, 2048, 18999, 20000, 2**21, 2**29 - 1]
INTEGERS = [0, 1, -1, 127, 128, 300, 2**31 - 1, -(2**31), 2**32 - 1, 2**35, 2**63 - 1, -(2**63), 2**64 - 1]
TEXTS = ["", "a", "map", "grüß", "\0", "日本語", "🤖", "x" * 130]


@dataclass(frozen=True)
class Made:
    """A schema: the data that stands in a recording, and the message's descriptor."""

    name: str
    data: bytes

    @property
    def descriptor(self) -> Descriptor:
        return load_descriptor(self.name, self.data)


def make_schema(random: Random) -> Made:
    """A descriptor set; its last message is the one that is sent, and uses only earlier ones."""
    syntax = random.choice(["proto2", "proto3"])
    enums = [enum("E", {"E0": 0, "E1": 1, "E_1": -1, "E9": 900})]
    if syntax == "proto2":
        enums.append(enum("F", {"F5": 5, "F7": 7}))
    made = file("a.proto", [], syntax=syntax, enums=enums)
    for number in range(random.randint(1, 4)):
        made.message_type.append(_make_message(random, made, number, syntax))
    if syntax == "proto2" and random.random() < 0.5:
        _extend(random, made)
    return Made(f"p.M{len(made.message_type) - 1}", descriptor_set(made))


def _make_message(random: Random, made: FileDescriptorProto, number: int, syntax: str) -> DescriptorProto:
    count = random.choice([0, 1, 2, 3, 5, 8])
    body = message(f"M{number}", [], oneofs=["choice"])
    for place, tag in enumerate(random.sample(NUMBERS, count)):
        name = f"f{place}"
        if random.random() < 0.12:
            body.field.append(_make_map(random, body, name, tag, number, syntax))
        else:
            body.field.append(_make_field(random, name, tag, number, syntax))
    chosen = [item for item in body.field if item.HasField("oneof_index")]
    if not chosen:
        del body.oneof_decl[:]
    for item in body.field:
        if item.proto3_optional:
            item.oneof_index = len(body.oneof_decl)
            body.oneof_decl.add(name=f"_{item.name}")
    if syntax == "proto2":
        body.extension_range.add(start=3000, end=4000)
    return body


def _make_field(random: Random, name: str, tag: int, messages: int, syntax: str) -> Proto:
    kind, type_name = _type(random, messages, syntax, groups=True)
    item = field(name, tag, kind, type_name=type_name)
    form = random.random()
    if form < 0.35:
        item.label = Proto.LABEL_REPEATED
        if kind not in (Proto.TYPE_STRING, Proto.TYPE_BYTES, Proto.TYPE_MESSAGE, Proto.TYPE_GROUP):
            packed = random.choice([None, True, False])
            if packed is not None:
                item.options.packed = packed
    elif form < 0.55:
        item.oneof_index = 0
    elif form < 0.65 and syntax == "proto3":
        item.proto3_optional = True
    elif form < 0.6 and syntax == "proto2":
        item.label = Proto.LABEL_REQUIRED
    return item


def _make_map(
    random: Random, body: DescriptorProto, name: str, tag: int, messages: int, syntax: str
) -> Proto:
    kind, type_name = _type(random, messages, syntax, groups=False)
    if type_name == ".p.F":
        type_name = ".p.E"  # a map's enum must have a zero
    entry = f"F{name[1:]}Entry"
    body.nested_type.append(map_entry(entry, random.choice(KEYS), kind, type_name))
    return field(name, tag, Proto.TYPE_MESSAGE, type_name=f".p.{body.name}.{entry}", repeated=True)


def _type(random: Random, messages: int, syntax: str, *, groups: bool) -> tuple[int, str]:
    choice = random.random()
    if messages and choice < 0.35:
        kinds = [Proto.TYPE_MESSAGE] * 6 + [Proto.TYPE_GROUP] * (groups and syntax == "proto2")
        return random.choice(kinds), f".p.M{random.randrange(messages)}"
    if choice < 0.5:
        return Proto.TYPE_ENUM, random.choice([".p.E", ".p.F"]) if syntax == "proto2" else ".p.E"
    return random.choice(SCALARS), ""


def _extend(random: Random, made: FileDescriptorProto) -> None:
    for number in range(random.randint(1, 3)):
        owner = random.randrange(len(made.message_type))
        item = _make_field(random, f"ext{number}", 3000 + number, owner, "proto2")
        item.ClearField("oneof_index")
        if item.label == Proto.LABEL_REQUIRED:
            item.label = Proto.LABEL_OPTIONAL
        if item.type == Proto.TYPE_GROUP:
            item.type = Proto.TYPE_MESSAGE
        item.extendee = f".p.M{owner}"
        made.extension.append(item)


def make_message(random: Random, made: Made) -> Message:
    """A message with some of its fields set."""
    value = GetMessageClass(made.descriptor)()
    _fill(random, value, random.choice([0.0, 0.5, 0.9, 1.0]))
    return value


def _fill(random: Random, value: Message, share: float) -> None:
    descriptor = value.DESCRIPTOR
    for item in [*descriptor.fields, *descriptor.file.pool.FindAllExtensions(descriptor)]:
        if random.random() >= share:
            continue
        if item.message_type is not None and item.message_type.GetOptions().map_entry:
            _fill_map(random, getattr(value, item.name), item, share)
        elif item.is_repeated:
            _fill_list(random, value, item, share)
        elif item.message_type is not None:
            inner = value.Extensions[item] if item.is_extension else getattr(value, item.name)
            inner.SetInParent()
            _fill(random, inner, share)
        elif item.is_extension:
            value.Extensions[item] = scalar(random, item)
        else:
            setattr(value, item.name, scalar(random, item))


def _fill_list(random: Random, value: Message, item: FieldDescriptor, share: float) -> None:
    target = value.Extensions[item] if item.is_extension else getattr(value, item.name)
    for _ in range(random.choice([0, 1, 1, 2, 3, 12])):
        if item.message_type is not None:
            _fill(random, target.add(), share)
        else:
            target.append(scalar(random, item))


def _fill_map(random: Random, target: Any, item: FieldDescriptor, share: float) -> None:
    key, value = item.message_type.fields_by_name["key"], item.message_type.fields_by_name["value"]
    for _ in range(random.choice([0, 1, 2, 5])):
        if value.message_type is not None:
            _fill(random, target[scalar(random, key)], share)
        else:
            target[scalar(random, key)] = scalar(random, value)


def scalar(random: Random, item: FieldDescriptor) -> Any:
    """A value of a field's type."""
    if item.enum_type is not None:
        return random.choice([value.number for value in item.enum_type.values])
    match item.cpp_type:
        case FieldDescriptor.CPPTYPE_BOOL:
            return random.random() < 0.5
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return random.choice([0.0, -0.0, 1.5, float("inf"), float("nan"), random.random()])
        case FieldDescriptor.CPPTYPE_FLOAT:
            return random.choice([0.0, -0.0, 1.5, float("-inf"), float("nan"), 3.25])
        case FieldDescriptor.CPPTYPE_STRING if item.type == FieldDescriptor.TYPE_BYTES:
            return random.randbytes(random.choice([0, 1, 4, 200]))
        case FieldDescriptor.CPPTYPE_STRING:
            return random.choice(TEXTS)
    bits = 32 if item.cpp_type in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32) else 64
    signed = item.cpp_type in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return random.choice(
        [number for number in INTEGERS if low <= number <= high] + [random.randrange(1 << 20)]
    )


def varint(value: int, extra: int = 0) -> bytes:
    """A varint, with `extra` bytes more than it needs."""
    result = bytearray()
    while value >= 0x80:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    result.append(value)
    for _ in range(extra):
        result[-1] |= 0x80
        result.append(0)
    return bytes(result)


@dataclass
class Part:
    """A field on the wire."""

    number: int
    wire: int
    value: bytes


def split(payload: bytes) -> Iterator[Part]:
    """The fields of a valid message."""
    at = 0
    while at < len(payload):
        tag, at = _read_varint(payload, at)
        end = _end(payload, at, tag)
        start = _read_varint(payload, at)[1] if tag & 7 == 2 else at
        yield Part(tag >> 3, tag & 7, payload[start:end])
        at = end


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def _end(data: bytes, at: int, tag: int) -> int:
    match tag & 7:
        case 0:
            return _read_varint(data, at)[1]
        case 1:
            return at + 8
        case 2:
            length, at = _read_varint(data, at)
            return at + length
        case 3:
            while True:
                inner, at = _read_varint(data, at)
                if inner & 7 == 4:
                    return at
                at = _end(data, at, inner)
        case _:
            return at + 4


def join(random: Random, parts: list[Part], wild: float) -> bytes:
    """Fields as a message, tags and lengths sometimes with more bytes than they need."""
    result = b""
    for part in parts:
        extra = random.randint(1, 2) if random.random() < wild else 0
        tag = part.number << 3 | part.wire
        result += varint(tag, min(extra, 5 - len(varint(tag))))
        if part.wire == 2:
            result += varint(len(part.value), extra)
        result += part.value
    return result


def scramble(random: Random, descriptor: Descriptor, payload: bytes) -> bytes:
    """The same message, or nearly, as no encoder would write it."""
    parts = list(split(payload))
    items = {item.number: item for item in descriptor.fields}
    for part in parts:
        item = items.get(part.number)
        if part.wire == 2 and item is not None and item.message_type is not None:
            part.value = scramble(random, item.message_type, part.value)
    if random.random() < 0.4:
        random.shuffle(parts)
    if parts and random.random() < 0.3:
        parts.append(random.choice(parts))
    if random.random() < 0.3:
        parts.insert(random.randint(0, len(parts)), _stranger(random, items))
    if items and random.random() < 0.3:
        parts.insert(random.randint(0, len(parts)), _other_form(random, random.choice(list(items.values()))))
    return join(random, parts, random.choice([0, 0, 0.2]))


def _stranger(random: Random, items: dict[int, FieldDescriptor]) -> Part:
    """A field that the schema does not list, or one of another wire type than it should have."""
    number = random.choice([5000, 3999, *items])
    wire = random.choice([0, 1, 2, 3, 5])
    ends = {
        0: varint(random.choice([0, 1, 2**64 - 1, 2**33])),
        1: random.randbytes(8),
        2: b"" if random.random() < 0.5 else b"\x08\x01",
        3: b"\x08\x05" + varint(number << 3 | 4),
        5: random.randbytes(4),
    }
    return Part(number, wire, ends[wire])


def _other_form(random: Random, item: FieldDescriptor) -> Part:
    """Some value of a field in a form of its own: packed or not, an unknown enum value, a big number."""
    value = varint(random.choice([0, 5, 6, 2**32 + 1, 2**64 - 1]), random.randint(0, 1))[:10]
    value = value[:-1] + bytes([value[-1] & 0x7F])
    if random.random() < 0.5:
        return Part(item.number, 0, value)
    return Part(item.number, 2, value * random.randint(0, 3))


def damage(random: Random, payload: bytes) -> bytes:
    """A message with some bytes cut, flipped, or put in."""
    changed = bytearray(payload)
    for _ in range(random.randint(1, 3)):
        place = random.randint(0, len(changed))
        match random.randrange(4):
            case 0:
                del changed[place:]
            case 1 if place < len(changed):
                changed[place] ^= 1 << random.randrange(8)
            case 2:
                changed[place:place] = random.randbytes(random.randint(1, 4))
            case _:
                changed[place : place + random.randint(1, 4)] = b""
    return bytes(changed)


def make_payloads(random: Random, made: Made, count: int) -> list[bytes]:
    """Messages as encoders write them, joined, scrambled and damaged."""
    result = []
    for _ in range(count):
        payload = make_message(random, made).SerializePartialToString()
        form = random.random()
        if form < 0.15:
            payload += make_message(random, made).SerializePartialToString()
        elif form < 0.4:
            payload = scramble(random, made.descriptor, payload)
        if random.random() < 0.15:
            payload = damage(random, payload)
        result.append(payload)
    return result

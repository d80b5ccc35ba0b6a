"""Random ROS definitions with messages for them, for comparison with other people's encoders and decoders."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

NUMBERS = {
    "bool": "?",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "int64": "i8",
    "uint64": "u8",
    "float32": "f4",
    "float64": "f8",
}


@dataclass(frozen=True)
class Member:
    """A field: `message` is the number of an inner message; `array` is None, a fixed size, or `[]`."""

    kind: str
    array: int | str | None
    message: int = -1

    def line(self, number: int) -> str:
        """The field as a line of a definition."""
        base = f"pkg/M{self.message}" if self.kind == "message" else self.kind
        suffix = "" if self.array is None else "[]" if self.array == "[]" else f"[{self.array}]"
        return f"{base}{suffix} f{number}"


Message = tuple[Member, ...]

_arrays = st.one_of(st.none(), st.just("[]"), st.integers(1, 40))


def _member(messages: int) -> st.SearchStrategy[Member]:
    plain = st.builds(Member, st.sampled_from([*NUMBERS, "string"]), _arrays)
    if not messages:
        return plain
    small = st.one_of(st.none(), st.just("[]"), st.integers(1, 3))
    return st.one_of(plain, plain, st.builds(Member, st.just("message"), small, st.integers(0, messages - 1)))


@st.composite
def definitions(draw: st.DrawFn) -> list[Message]:
    """Messages of which each uses only earlier ones; the last is the one that is sent."""
    result: list[Message] = []
    for number in range(draw(st.integers(1, 4))):
        result.append(tuple(draw(st.lists(_member(number), min_size=1, max_size=6))))
    return result


def text_of(messages: list[Message]) -> str:
    """The definition as a recorder writes it."""
    texts = ["\n".join(member.line(number) for number, member in enumerate(message)) for message in messages]
    sections = [f"{'=' * 80}\nMSG: pkg/M{number}\n{text}" for number, text in enumerate(texts[:-1])]
    return "\n".join([texts[-1], *sections])


def value_of(draw: st.DrawFn, member: Member, messages: list[Message]) -> Any:
    """A random value as plain Python: numbers, texts, lists, dicts; bytes for `uint8` arrays."""
    if member.array is None:
        return _one(draw, member, messages)
    count = draw(st.integers(0, 4)) if member.array == "[]" else int(member.array)
    if member.kind == "uint8":
        return draw(st.binary(min_size=count, max_size=count))
    if member.kind in NUMBERS and count > 4:
        # What is in a long array matters less than how long it is.
        return [_one(draw, member, messages)] * count
    return [_one(draw, member, messages) for _ in range(count)]


def _one(draw: st.DrawFn, member: Member, messages: list[Message]) -> Any:
    match member.kind:
        case "message":
            return message_of(draw, member.message, messages)
        case "string":
            return draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
        case "bool":
            return draw(st.booleans())
        case "float32" | "float64":
            return draw(st.floats(width=32 if member.kind == "float32" else 64))
        case kind:
            limits = np.iinfo(NUMBERS[kind])
            return draw(st.integers(int(limits.min), int(limits.max)))


def message_of(draw: st.DrawFn, number: int, messages: list[Message]) -> dict[str, Any]:
    """A random message."""
    return {f"f{at}": value_of(draw, member, messages) for at, member in enumerate(messages[number])}


@st.composite
def sent(draw: st.DrawFn) -> tuple[list[Message], list[dict[str, Any]]]:
    """A definition and up to three messages of it."""
    messages = draw(definitions())
    return messages, [message_of(draw, len(messages) - 1, messages) for _ in range(draw(st.integers(1, 3)))]


def rosbags_message(
    store: Any, number: int, messages: list[Message], values: dict[str, Any], root: str
) -> Any:
    """The same message as an object of the `rosbags` package."""
    name = root if number == len(messages) - 1 else f"pkg/msg/M{number}"
    members = {
        f"f{at}": _rosbags_value(store, member, messages, values[f"f{at}"])
        for at, member in enumerate(messages[number])
    }
    return store.types[name](**members)


def _rosbags_value(store: Any, member: Member, messages: list[Message], value: Any) -> Any:
    if member.kind == "message":
        items = value if member.array is not None else [value]
        made = [rosbags_message(store, member.message, messages, item, "") for item in items]
        return made if member.array is not None else made[0]
    if member.array is not None and member.kind in NUMBERS:
        dtype = NUMBERS[member.kind]
        return np.frombuffer(value, dtype) if isinstance(value, bytes) else np.array(value, dtype)
    return value


def equal(one: Any, other: Any) -> bool:
    """Whether two plain values are the same, NaN and the sign of zero included."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or (
            one == other and math.copysign(1, one) == math.copysign(1, other)
        )
    return bool(one == other) and type(one) is type(other)

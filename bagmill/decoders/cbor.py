"""CBOR messages (RFC 8949), one after the other: typed like JSON, and they have byte strings.

| in the message | value |
|---|---|
| undefined | null |
| half, single and double floats | float64 |
| bignum (tags 2, 3) | integer |
| decimal fraction, bigfloat (tags 4, 5) | the nearest float64 |
| typed array (tags 64 to 87, RFC 8746) | array of numbers; of uint8: bytes |
| any other tag | what is tagged, as if it had no tag |

Refused are keys that are no text, a key that stands twice in a map, simple values without a meaning, and
references to other parts of a message (tags 25, 28, 29 and 256), which can make of few bytes very many.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from cbor2 import CBORDecodeError, CBORDecoder, CBORTag, frozendict, undefined

from bagmill.decoders.base import UnreadableMessage
from bagmill.decoders.inspected import Inspection
from bagmill.decoders.json.text import MAX_LEVELS
from bagmill.recording import Schema

_NUMBERS = {
    **{64 + size: f">u{1 << size}" for size in range(4)},
    **{68 + size: f"<u{1 << size}" for size in range(4)},
    **{72 + size: f">i{1 << size}" for size in range(4)},
    **{76 + size: f"<i{1 << size}" for size in range(1, 4)},
    **{80 + size: f">f{2 << size}" for size in range(3)},
    **{84 + size: f"<f{2 << size}" for size in range(3)},
}
"""Typed arrays by tag, as numpy names their numbers; 64 and 68 are uint8. Floats of 128 bits are missing."""

_REFERENCES = {25: "string reference", 28: "shared value", 29: "shared reference", 256: "string reference"}
_BUILT_IN = (0, 1, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799)
"""Tags that cbor2 would make objects of. Bignums it may: they are integers."""

_SCALARS = frozenset({type(None), bool, int, float, str, bytes})
_MOST_BITS = 1 << 12
"""Bits of a mantissa, and the most of an exponent, far beyond what float64 has."""


class CborInspection(Inspection):
    """Looks at CBOR messages before they are decoded."""

    def __init__(self, schema: Schema | None) -> None:
        super().__init__(schema, "cbor", parse_message)


def parse_message(payload: bytes) -> Any:
    """Read one message.

    Raises:
        UnreadableMessage: it is no CBOR, holds what has no column or is nested too deep, or bytes are left.
    """
    stream = BytesIO(payload)
    decoder = CBORDecoder(
        stream,
        tag_hook=_other_tag,
        semantic_decoders=_TAGS,
        max_depth=MAX_LEVELS,
        allow_duplicate_keys=False,
        strict_hashable_types=True,
    )
    try:
        value = decoder.decode()
    except CBORDecodeError as error:
        cause = error.__cause__
        raise UnreadableMessage(
            str(cause) if isinstance(cause, UnreadableMessage) else f"no valid CBOR: {error}"
        ) from None
    if stream.tell() != len(payload):
        raise UnreadableMessage(f"{len(payload) - stream.tell()} bytes are left over")
    return _plain(value)


def _plain(value: Any) -> Any:
    """A value of nothing but what JSON has, and bytes. What is tagged may come as a tuple or frozendict."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is undefined:
        return None
    if not isinstance(value, dict | frozendict):
        raise UnreadableMessage(f"{value!r} has no column")
    if not all(type(key) is str for key in value):
        raise UnreadableMessage("a key is no text")
    return {key: _plain(item) for key, item in value.items()}


def _other_tag(tag: CBORTag, _: bool) -> Any:
    return tag.value


def _content(value: Any, _: bool) -> Any:
    return value


def _reference(name: str) -> Callable[[Any, bool], Any]:
    def refuse(_: Any, __: bool) -> Any:
        raise UnreadableMessage(f"a {name} is not read")

    return refuse


def _array(numbers: str) -> Callable[[Any, bool], Any]:
    dtype = np.dtype(numbers)

    def convert(value: Any, _: bool) -> Any:
        if not isinstance(value, bytes) or len(value) % dtype.itemsize:
            raise UnreadableMessage("a typed array is no whole number of elements")
        return value if dtype == np.uint8 else np.frombuffer(value, dtype).tolist()

    return convert


def _scaled(nearest: Callable[[int, int], float]) -> Callable[[Any, bool], Any]:
    """A pair of exponent and mantissa as the nearest float."""

    def convert(value: Any, _: bool) -> float:
        if not isinstance(value, list | tuple) or [type(item) for item in value] != [int, int]:
            raise UnreadableMessage("a decimal fraction or bigfloat is no pair of integers")
        exponent, mantissa = value
        try:
            if abs(exponent) > _MOST_BITS or mantissa.bit_length() > _MOST_BITS:
                raise OverflowError
            return nearest(mantissa, exponent)
        except OverflowError:
            raise UnreadableMessage("a decimal fraction or bigfloat is beyond float64") from None

    return convert


def _decimal(mantissa: int, exponent: int) -> float:
    return mantissa / 10**-exponent if exponent < 0 else float(mantissa * 10**exponent)


def _binary(mantissa: int, exponent: int) -> float:
    return mantissa / (1 << -exponent) if exponent < 0 else float(mantissa << exponent)


_TAGS = (
    dict.fromkeys(_BUILT_IN, _content)
    | {tag: _reference(name) for tag, name in _REFERENCES.items()}
    | {tag: _array(numbers) for tag, numbers in _NUMBERS.items()}
    | {4: _scaled(_decimal), 5: _scaled(_binary)}
)

"""Ways to ruin bytes. All take their chances from a generator, so that a case can be made again."""

import random
from collections.abc import Callable, Sequence

EXTREMES = [
    bytes(8),
    b"\xff" * 8,
    b"\xff" * 4 + bytes(4),
    bytes(7) + b"\x80",
    b"\xff" * 7 + b"\x7f",
    bytes(4),
    b"\xff" * 4,
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
]
"""Numbers of lengths, offsets and times at their limits."""

Way = Callable[[bytes, random.Random], bytes]


def _place(data: bytes, chance: random.Random) -> int:
    return chance.randrange(len(data)) if data else 0


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6) if data else 0):
        changed[_place(data, chance)] = chance.randrange(256)
    return bytes(changed)


def cut(data: bytes, chance: random.Random) -> bytes:
    start = _place(data, chance)
    return data[:start] + data[start + chance.randint(1, 200) :]


def spliced(data: bytes, chance: random.Random) -> bytes:
    at, start = _place(data, chance), _place(data, chance)
    return data[:at] + data[start : start + chance.randint(1, 400)] + data[at:]


def extreme(data: bytes, chance: random.Random) -> bytes:
    at, number = _place(data, chance), chance.choice(EXTREMES)
    return data[:at] + number + data[at + len(number) :]


def ended(data: bytes, chance: random.Random) -> bytes:
    return data[: _place(data, chance)] + chance.choice([b"", chance.randbytes(40)])


def grafted(others: Sequence[bytes]) -> Way:
    """Give a way to go on as another one from some place on."""

    def graft(data: bytes, chance: random.Random) -> bytes:
        other = chance.choice(others)
        return data[: _place(data, chance)] + other[_place(other, chance) :]

    return graft


WAYS: list[Way] = [flipped, cut, spliced, extreme, ended]


def ruined(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """Ruin bytes in one or two ways."""
    ways = [*WAYS, grafted(others)]
    for _ in range(chance.randint(1, 2)):
        data = chance.choice(ways)(data, chance)
    return data

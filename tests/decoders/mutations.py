"""Damage to messages."""

import random

_LENGTHS = (b"\xff" * 4, bytes(4), b"\1\0\0\0", b"\3\0\0\0", b"\0\0\0\1")


def mutated(chance: random.Random, payload: bytes) -> bytes:
    """Cut, overwrite, insert or append bytes, or flip a bit."""
    data = bytearray(payload)
    for _ in range(chance.choice([1, 1, 2])):
        at = chance.randint(0, len(data))
        match chance.randint(0, 5):
            case 0:
                del data[at:]
            case 1:
                data[at:at] = chance.randbytes(chance.randint(1, 4))
            case 2:
                data[at : at + 4] = chance.choice(
                    [b"\xff" * 4, bytes(4), b"\1\0\0\0", b"\3\0\0\0", b"\0\0\0\1"]
                )
            case 3:
                del data[at : at + chance.randint(1, 4)]
            case 4 if at:
                data[at - 1] ^= 1 << chance.randint(0, 7)
            case _:
                data += bytes(chance.randint(1, 4))
    return bytes(data)

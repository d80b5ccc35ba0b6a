"""Writing messages as the specifications say, plainly: what decoders are tested with.

CDR: OMG DDSI-RTPS 2.5, chapter 10; ROS 1: wiki.ros.org/roscpp/Overview.
"""

import struct
from typing import Any

from bagmill.schemas.tree import Kind, Primitive, Sequence, Struct, Type
from tests.decoders.trees import NUMBERS


class Writer:
    """Writes values. `alignment`: the most that a value is aligned to; `nul`: CDR's end of strings."""

    def __init__(self, order: str = "<", alignment: int = 8, *, nul: bool = True, wide: int = 4) -> None:
        self.order = order
        self.alignment = alignment
        self.nul = nul
        self.wide = wide
        self.body = bytearray()

    def number(self, kind: Kind, value: Any) -> None:
        data = struct.pack(self.order + NUMBERS[kind], value)
        self.body += bytes(-len(self.body) % min(len(data), self.alignment)) + data

    def value(self, node: Type, value: Any) -> None:
        match node:
            case Primitive(kind=Kind.STRING):
                data = value.encode() + b"\0" * self.nul
                self.number(Kind.UINT32, len(data))
                self.body += data
            case Primitive(kind=Kind.WSTRING):
                self.wide_text(value)
            case Primitive(kind=kind):
                self.number(kind, value)
            case Sequence(element=element, size=size):
                if size is None:
                    self.number(Kind.UINT32, len(value))
                for item in value:
                    self.value(element, item)
            case Struct(fields=fields):
                for item in fields:
                    self.value(item.type, value[item.name])
                if not fields and self.nul:
                    self.body += b"\0"
            case _:
                raise TypeError(node)

    def wide_text(self, value: str) -> None:
        units = struct.unpack(f"<{len(value.encode('utf-16-le')) // 2}H", value.encode("utf-16-le"))
        self.number(Kind.UINT32, len(units))
        code = {2: "H", 4: "I"}[self.wide]
        self.body += struct.pack(f"{self.order}{len(units)}{code}", *units)


def cdr(root: Type, value: Any, order: str = "<", wide: int = 4) -> bytes:
    """A ROS 2 message."""
    writer = Writer(order, wide=wide)
    writer.value(root, value)
    return (b"\0\1\0\0" if order == "<" else b"\0\0\0\0") + bytes(writer.body)


def ros1(root: Type, value: Any) -> bytes:
    """A ROS 1 message."""
    writer = Writer("<", 1, nul=False)
    writer.value(root, value)
    return bytes(writer.body)

"""Protobuf messages, decoded many at once."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError, EncodeError, Message
from google.protobuf.message_factory import GetMessageClass

from bagmill.decoders.base import Buffer, Decoded, Note, Offsets
from bagmill.decoders.columnar.block import Part
from bagmill.decoders.merging import merge
from bagmill.decoders.places.arrays import struct_array
from bagmill.decoders.places.budget import GREEDY
from bagmill.decoders.protobuf.account import Account
from bagmill.decoders.protobuf.build import build_columns
from bagmill.decoders.protobuf.level import Place
from bagmill.decoders.protobuf.plan import compile_plan
from bagmill.errors import BagmillError
from bagmill.kernels import call
from bagmill.schemas.arrow import arrow_schema, describe
from bagmill.schemas.protobuf import load_descriptor
from bagmill.schemas.tree import Struct


class _Usual(NamedTuple):
    """A message by its number, as protobuf's own classes write it. `strange`: it had unknown fields."""

    number: int
    payload: bytes
    strange: bool


class ProtobufDecoder:
    """Decodes messages of the descriptor set's message `name`, whose tree is `root`.

    Members that are absent are null; those that proto3 can't tell from their default are their default.

    Messages in a form that is legal but no encoder writes (a nested message in several pieces, several
    members of a oneof, a map's key twice, a list half packed) are made usual first: protobuf's own classes
    read and write them. These also say what is wrong with a message that can't be read.
    """

    def __init__(self, root: Struct, name: str, data: bytes) -> None:
        self.fields = arrow_schema(root)
        self.facts: Mapping[str, Any] = describe(root)
        self.raw_reason: BagmillError | None = None
        self.notes: list[Note] = []
        self._plan = compile_plan(name, data)
        self._class: type[Message] = GetMessageClass(load_descriptor(name, data))

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Decode the messages."""
        rows, account = self._columns(buffer, start, end)
        good = account.good
        self._note_unknown(bool(account.strange[good].any()))
        if good.all():
            return Decoded(pa.RecordBatch.from_struct_array(rows))
        unreadable = dict.fromkeys(np.flatnonzero(account.budget.greedy).tolist(), GREEDY)
        doubtful = np.flatnonzero(account.doubtful & ~account.budget.greedy)
        usual = _make_usual(self._class, buffer, start, end, doubtful.tolist(), unreadable)
        fine = call("filter", rows, pa.array(good)), np.flatnonzero(good)
        rows, _ = merge([fine, self._decode_usual(usual, unreadable)], rows.type)
        return Decoded(pa.RecordBatch.from_struct_array(rows), sorted(unreadable.items()))

    def _columns(self, buffer: Buffer, start: Offsets, end: Offsets) -> tuple[pa.StructArray, Account]:
        """All messages as rows, and which of them are to be left out."""
        account = Account(buffer, start, end)
        columns = build_columns(account, self._plan, Place(start, end, None, start.size, None, 0))
        return struct_array(pa.struct(list(self.fields)), start.size, columns), account

    def _decode_usual(self, usual: Sequence[_Usual], unreadable: dict[int, str]) -> Part:
        """The rows of messages that were made usual, and their numbers."""
        ends = np.cumsum([len(message.payload) for message in usual], dtype=np.int64)
        starts = np.append(0, ends)[:-1]
        buffer = np.frombuffer(b"".join(message.payload for message in usual), np.uint8)
        rows, account = self._columns(buffer, starts, ends)
        good = account.good
        for place in np.flatnonzero(~good).tolist():
            # Protobuf's classes take any bytes for a string of proto2, and nothing else is left to doubt.
            unreadable[usual[place].number] = (
                GREEDY if account.budget.greedy[place] else "a string is no UTF-8"
            )
        self._note_unknown(any(message.strange for message, fine in zip(usual, good, strict=True) if fine))
        indices = np.array([message.number for message in usual], np.int64)
        return call("filter", rows, pa.array(good)), indices[good]

    def _note_unknown(self, found: bool) -> None:
        """Tell once that messages hold more than their schema: a newer sender's fields have no columns."""
        if found and not self.notes:
            self.notes.append(
                Note(
                    "unknown_fields",
                    "messages hold fields that their schema does not list; they have no columns",
                )
            )


def _make_usual(
    kind: type[Message],
    buffer: Buffer,
    start: Offsets,
    end: Offsets,
    indices: Sequence[int],
    unreadable: dict[int, str],
) -> list[_Usual]:
    """These messages as protobuf's own classes write them; those that they can't read become unreadable."""
    result = []
    for index in indices:
        try:
            message = kind.FromString(bytes(buffer[start[index] : end[index]]))
            before = message.SerializePartialToString(deterministic=True)
            message.DiscardUnknownFields()
            after = message.SerializePartialToString(deterministic=True)
        except (DecodeError, EncodeError) as error:
            unreadable[index] = f"no valid protobuf: {error}"
        else:
            result.append(_Usual(index, after, before != after))
    return result

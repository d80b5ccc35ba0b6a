"""Topics through Bagmill's own columns: decoded in blocks, shaped, and made into chunks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rerun.chunk import Chunk

from bagmill.decoders import Decoder
from bagmill.inspection import Grouping
from bagmill.recording import Block
from bagmill.visualize.components import blobs, one_each
from bagmill.visualize.plan import Part
from bagmill.visualize.shapes import Rows, Shown, View, view_as_text, view_of

_STAMPED = {"ros2msg": "ros2_timestamp", "ros1msg": "ros1_timestamp"}
"""Timeline of the messages' own time, by the language of their schema; the first is the SDK's name."""
_MOST_NS = np.uint64(2**63 - 1)


@dataclass(slots=True)
class Topic:
    """One topic on its way into the recording: what is read, what can't be, how it is shown."""

    part: Part
    decoder: Decoder
    taken: frozenset[str]
    messages: int = 0
    unreadable: int = 0
    first_unreadable: str = ""
    unshaped: str = ""
    entities: dict[str, None] = field(default_factory=dict)
    view: View = field(init=False)

    def __post_init__(self) -> None:
        schema = self.part.table.schema
        self.view = view_of(pa.struct(list(self.decoder.fields)), schema.name if schema else "")

    @property
    def shown(self) -> Shown:
        """The kind."""
        return Shown.RAW if self.decoder.raw_reason is not None else self.view.shown

    @property
    def scattered(self) -> bool:
        """Whether a message becomes any number of rows."""
        return self.decoder.raw_reason is None and self.view.shape.scattered

    @property
    def left_out(self) -> tuple[str, ...]:
        """Paths of fields that are not shown."""
        return () if self.decoder.raw_reason is not None else self.view.left_out

    def chunks(self, block: Block, rows: NDArray[np.int64]) -> Iterator[Chunk]:
        """Decode messages of a block and show them."""
        decoded = self.decoder.decode(block.buffer, block.start[rows], block.end[rows])
        bad = [index for index, _ in decoded.unreadable]
        if bad:
            self.first_unreadable = self.first_unreadable or decoded.unreadable[0][1]
            self.unreadable += len(bad)
        good = np.delete(rows, bad)
        for chunk in self._show(self._rows(block, good, decoded.batch)) if good.size else ():
            self.entities[chunk.entity_path] = None
            yield chunk
        self.messages += int(rows.size)

    def _rows(self, block: Block, rows: NDArray[np.int64], batch: pa.RecordBatch) -> Rows:
        message = batch.to_struct_array() if batch.num_columns else pa.array([{}] * rows.size, pa.struct([]))
        schema = self.part.table.schema
        return Rows(
            entity=self.part.entity,
            message=message,
            log_time=_signed(block.log_time[rows]),
            publish_time=_signed(block.publish_time[rows]),
            stamped=_STAMPED.get(schema.encoding) if schema else None,
            first=self.messages == 0,
            taken=self.taken,
        )

    def _show(self, rows: Rows) -> list[Chunk]:
        """All chunks of these rows; where values don't fit their shape, these rows become text."""
        if self.decoder.raw_reason is not None:
            return [rows.chunk([one_each("McapMessage:data", blobs(rows.message.field("data")))])]
        try:
            return list(self.view.chunks(rows))
        except (ValueError, TypeError, ArithmeticError, LookupError, pa.ArrowException) as error:
            self.unshaped = self.unshaped or f"{type(error).__name__}: {error}"
            return list(view_as_text().chunks(rows))


class Columns:
    """All topics of a run: counts their messages, and shows those that are not the SDK reader's."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.messages = [0] * len(parts)
        self.topics: dict[int, Topic] = {}
        self._grouping = Grouping([part.table for part in parts])

    def chunks(self, block: Block) -> Iterator[Chunk]:
        """Count a block's messages, and make chunks of those that go through columns."""
        for number, rows in self._grouping.split(block):
            self.messages[number] += int(rows.size)
            if number in self.topics:
                yield from self.topics[number].chunks(block, rows)


def _signed(nanoseconds: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Times as Rerun holds them, up to the year 2262; later ones become that."""
    return np.minimum(nanoseconds, _MOST_NS).astype(np.int64)

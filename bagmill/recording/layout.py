"""What is known of a file before its data section is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bagmill.recording.losses import Loss
from bagmill.recording.records import Attachment, ChunkIndex, Metadata, Statistics


class Layout(NamedTuple):
    """Places and witnesses. Offsets in bytes of the file.

    Attributes:
        start: first byte behind the Header.
        limit: no record of the data section reaches beyond it.
        exact: the data section is known to end at `limit`.
        closed: the file ends with a footer, so it was not cut off.
        chunks: the summary's chunk index, in the order of the file.
        proven: the summary's CRC was there and right, so a record that contradicts it is a damaged one.
        skippable: MessageIndex records are known to name all messages, so chunks may be skipped by them.
        statistics: what the writer counted.
        losses: damage of what stands outside of the data section.
    """

    start: int
    limit: int
    exact: bool = False
    closed: bool = False
    chunks: Sequence[ChunkIndex] = ()
    proven: bool = False
    skippable: bool = False
    statistics: Statistics | None = None
    losses: Sequence[Loss] = ()

    @property
    def chunks_are_all(self) -> bool:
        """Whether the chunk index is known to list every chunk."""
        return (
            self.proven
            and self.statistics is not None
            and self.statistics.chunk_count == len(self.chunks) > 0
        )


@dataclass(slots=True)
class Inventory:
    """What was seen beside messages while the data section was read."""

    chunks: list[ChunkIndex] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    metadata: list[Metadata] = field(default_factory=list)
    without_crc: int = 0

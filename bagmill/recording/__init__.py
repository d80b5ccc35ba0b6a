"""Reading MCAP recordings: what is in them, and their messages in blocks, damaged files included."""

from bagmill.recording.blocks import Block
from bagmill.recording.identity import Identity
from bagmill.recording.losses import Loss
from bagmill.recording.reader import TARGET_BYTES, Recording
from bagmill.recording.records import Attachment, Channel, ChunkIndex, Metadata, Schema, Statistics
from bagmill.recording.spans import Span
from bagmill.recording.structure import Contents, Crc, Structure
from bagmill.recording.summary import Summary, SummarySource

__all__ = [
    "TARGET_BYTES",
    "Attachment",
    "Block",
    "Channel",
    "ChunkIndex",
    "Contents",
    "Crc",
    "Identity",
    "Loss",
    "Metadata",
    "Recording",
    "Schema",
    "Span",
    "Statistics",
    "Structure",
    "Summary",
    "SummarySource",
]

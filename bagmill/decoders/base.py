"""The seam where messages become columns.

Whatever is behind it, a decoder takes the payloads of one topic's messages as places in a buffer and gives
one record batch, with the messages that it could not read named and left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bagmill.errors import BagmillError

Buffer = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


class Kept(np.ndarray[Any, np.dtype[np.uint8]]):
    """A buffer whose bytes stay as they are while anything refers to it, so that blobs need not be copied."""


class UnreadableMessage(ValueError):
    """This one message can't be decoded; its text is the reason."""


class Decoded(NamedTuple):
    """The readable messages as rows, in order; `unreadable`: (index among all that were given, reason).

    Of messages in a buffer that is `Kept`, columns of bytes may be dictionaries whose values lie there.
    """

    batch: pa.RecordBatch
    unreadable: Sequence[tuple[int, str]] = ()


class Note(NamedTuple):
    """What the user must know about how a topic was decoded: a stable code and a sentence."""

    code: str
    message: str


class Decoder(Protocol):
    """Turns messages of one schema into rows.

    `fields`: the message's own fields, types final. `facts`: what the columns can't say, for the metadata
    (`schemas.arrow.describe`). `raw_reason`: why messages are kept as bytes; None where they are decoded.
    `notes`: grows while messages are decoded.
    """

    fields: pa.Schema
    facts: Mapping[str, Any]
    raw_reason: BagmillError | None
    notes: list[Note]

    def decode(self, buffer: Buffer, start: Offsets, end: Offsets) -> Decoded:
        """Decode the messages `buffer[start[i]:end[i]]`; never fails because of what they hold."""
        ...

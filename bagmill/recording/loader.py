"""Fills the buffer: whole chunks, records outside of chunks, and what is left of a chunk that was cut off."""

from collections.abc import Generator, Iterator

from bagmill.recording.account import Account
from bagmill.recording.blocks import Block, Buffer, Memory
from bagmill.recording.chunks import (
    check_crc,
    crc_of,
    is_stored,
    refuse_impossible,
)
from bagmill.recording.definitions import Definitions
from bagmill.recording.filling import Filler
from bagmill.recording.messages import Entries, Found, find_messages, scan
from bagmill.recording.records import (
    HEAD,
    HEAD_SIZE,
    MAX_RECORD,
    ChunkHead,
    CrcMismatch,
    Malformed,
    Opcode,
)
from bagmill.recording.source import Source, Window

OUTSIDE = frozenset({Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE})
"""Kinds of records that are read in windows where they stand outside of chunks."""


class Loader:
    """Loads runs of records and hands out blocks when the buffer is full.

    `unchecked` says whether any message so far had no CRC of its chunk to be checked with.
    """

    def __init__(
        self,
        source: Source,
        definitions: Definitions,
        account: Account,
        memory: Memory,
        max_record: int = MAX_RECORD,
    ) -> None:
        self.unchecked = False
        self._source = source
        self._definitions = definitions
        self._account = account
        self._memory = memory
        self._max_record = max_record
        self._buffer = Buffer(memory)
        self._filler = Filler(source)
        self._ambiguous: dict[int, int] = {}

    def chunk(self, head: ChunkHead, entries: Entries) -> Iterator[Block]:
        """Decompress and check one chunk, and find its messages.

        Raises:
            Malformed: nothing of it can be believed; nothing of it was kept.
        """
        if is_stored(head) and head.data_size > self._max_record:
            yield from self._chunk_in_parts(head)
            return
        refuse_impossible(head, self._max_record)
        target = yield from self._reserve(head.uncompressed_size)
        self._filler.fill(head, target)
        self.unchecked |= head.crc == 0
        begin = self._buffer.used
        end = begin + head.uncompressed_size
        found = find_messages(self._buffer.views, begin, end, entries)
        self._keep(found, head.uncompressed_size, head.offset)
        if found.stop != end:
            lost = self._account.named_by(entries, beyond=found.stop - begin)
            reason = f"the records in a chunk are damaged from byte {found.stop - begin} on"
            self._account.lose(head.offset, head.length, reason, lost)
        elif head.crc == 0 and (lost := self._not_found(entries, found)):
            reason = "the chunk does not hold all messages that its index names"
            self._account.lose(head.offset, head.length, reason, lost)

    def run(self, at: int, end: int, *, inside: bool = False) -> Generator[Block, None, int]:
        """Read records that stand side by side in the file, in windows, until another kind comes (or the
        end).

        Args:
            at: offset of the first record.
            end: offset that no record reaches beyond.
            inside: they are a chunk's, where records of other kinds are passed by.

        Returns:
            the offset of the first record that was not read, by way of the generator.
        """
        size = Window.SIZE
        while at < end:
            wanted = min(size, end - at)
            target = yield from self._reserve(wanted)
            self._source.read_into(at, target)
            begin = self._buffer.used
            found = scan(self._buffer.views, begin, begin + wanted, whole=inside)
            used = found.stop - begin
            if used:
                self._keep(found, used, at)
                at += used
                size = min(size * 2, max(self._memory.target, Window.SIZE))
                self.unchecked |= not inside
            else:
                size = self._size_of_record(at, end, inside=inside)
                if size <= wanted:
                    break
        return at

    def rest_of_chunk(self, head: ChunkHead, limit: int) -> Iterator[Block]:
        """Take the whole messages of a chunk that is cut off at `limit`.

        Raises:
            Malformed: the records are all there, and their CRC does not match; otherwise it can't be checked.
        """
        size = max(0, min(head.data_size, limit - head.data_offset))
        if is_stored(head):
            if size == head.uncompressed_size:
                self._check_stored(head)
            yield from self.run(head.data_offset, head.data_offset + size, inside=True)
            return
        records = self._filler.salvage(head, min(size, self._max_record), self._max_record)
        target = yield from self._reserve(len(records))
        target[:] = records
        if len(records) == head.uncompressed_size:
            check_crc(head, target)
        begin = self._buffer.used
        found = scan(self._buffer.views, begin, begin + len(records), whole=True)
        self._keep(found, found.stop - begin, head.offset)

    def flush(self) -> Iterator[Block]:
        """Hand out what is in the buffer."""
        batch = self._buffer.take()
        if batch is None:
            return
        wanted = self._account.admit(batch, self._ambiguous)
        self._ambiguous = dict.fromkeys(self._ambiguous, 0)
        if wanted.any():
            yield batch.block(wanted)
        else:
            self._memory.give_back(batch.views)

    def _check_stored(self, head: ChunkHead) -> None:
        end = head.data_offset + head.data_size
        if head.crc and crc_of(self._source, head.data_offset, end) != head.crc:
            raise CrcMismatch("the chunk's CRC does not match")

    def _not_found(self, entries: Entries, found: Found) -> dict[int, int]:
        """How many messages by channel MessageIndex records name beyond those that were found."""
        present = self._account.selected(found.heads["channel"], found.heads["log_time"])
        named = self._account.named_by(entries)
        missing = {channel: count - present.get(channel, 0) for channel, count in named.items()}
        return {channel: count for channel, count in missing.items() if count > 0}

    def _chunk_in_parts(self, head: ChunkHead) -> Iterator[Block]:
        """Read a chunk without compression that is too big for memory, its CRC first."""
        refuse_impossible(head)
        end = head.data_offset + head.data_size
        self._check_stored(head)
        self.unchecked |= head.crc == 0
        after = yield from self.run(head.data_offset, end, inside=True)
        if after != end:
            self._account.lose(after, end - after, "the records in a chunk are damaged")

    def _size_of_record(self, at: int, end: int, *, inside: bool) -> int:
        """Size of a record that `run` can take whole; 0 if it can't."""
        if end - at < HEAD_SIZE:
            return 0
        opcode, length = HEAD.unpack(self._source.read(at, HEAD_SIZE))
        fits = length <= min(self._max_record, end - at - HEAD_SIZE)
        return HEAD_SIZE + int(length) if fits and (inside or opcode in OUTSIDE) else 0

    def _keep(self, found: Found, size: int, origin: int) -> None:
        """Keep messages that were found in the memory reserved last, and learn what is defined there."""
        begin, data = self._buffer.used, self._buffer.views.u8
        self._buffer.keep(size, origin, found)
        for opcode, start, end in found.definitions:
            try:
                clash = self._definitions.add(opcode, data[start:end].tobytes())
            except Malformed as exc:
                kind = Opcode(opcode).name.lower()
                self._account.lose(origin, None, f"a {kind} record is not valid ({exc})", harmless=True)
                continue
            for channel in clash:
                self._ambiguous.setdefault(channel, begin)

    def _reserve(self, size: int) -> Generator[Block, None, memoryview]:
        if not self._buffer.has_room(size):
            yield from self.flush()
        return self._buffer.reserve(size)

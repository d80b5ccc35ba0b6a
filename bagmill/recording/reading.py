"""One reading of the data section, record by record, from its start to its end.

Nothing is taken on trust: each record's frame is walked, so that messages in chunks which no index names are
found; a chunk index whose CRC was right contradicts damaged frames; and at the end the counts are compared.
"""

from bisect import bisect_left
from collections.abc import Generator, Iterator

from bagmill.recording.account import Account
from bagmill.recording.blocks import Block, Selection
from bagmill.recording.chunks import crc_of, head_bytes
from bagmill.recording.definitions import Definitions
from bagmill.recording.frames import chunk_at, is_chunk, may_be_record
from bagmill.recording.layout import Inventory, Layout
from bagmill.recording.loader import OUTSIDE, Loader
from bagmill.recording.messages import read_entries
from bagmill.recording.parse import read_attachment_head, read_chunk_head, read_metadata_head
from bagmill.recording.records import HEAD, HEAD_SIZE, SLACK, ChunkHead, ChunkIndex, Damage, Malformed, Opcode
from bagmill.recording.resync import next_chunk, next_run
from bagmill.recording.source import Source, Window
from bagmill.recording.tail import check_tail

_NAMES_AT_MOST = 1 << 20
_CHECKED = frozenset({Opcode.ATTACHMENT, Opcode.METADATA, Opcode.MESSAGE_INDEX, Opcode.DATA_END})
"""Kinds whose own fields tell whether they are what their opcode says."""


class Reading:
    """Reads the data section once. `done` is how far it has come, in bytes of the file."""

    def __init__(
        self,
        source: Source,
        layout: Layout,
        definitions: Definitions,
        selection: Selection,
        account: Account,
        loader: Loader,
    ) -> None:
        self.done = layout.start
        self.inventory = Inventory()
        self._source = source
        self._layout = layout
        self._definitions = definitions
        self._selection = selection
        self._account = account
        self._loader = loader
        self._window = Window(source, layout.limit)
        self._index = {chunk.offset: chunk for chunk in layout.chunks}
        self._landmarks = [chunk.offset for chunk in layout.chunks] if layout.proven else []
        self._data_crc: tuple[int, int] | None = None
        self._chunked = bool(layout.chunks)
        self._ended = False

    def blocks(self) -> Iterator[Block]:
        """Read everything.

        Raises:
            RecordingDamaged: the account's policy is to fail, and there is damage.
            RecordingUnreadable, RecordingChanged: the file can't be read any more.
        """
        for loss in self._layout.losses:
            self._account.lose(loss.offset, loss.length, loss.reason, harmless=loss.harmless, code=loss.code)
        at = self._layout.start
        while at < self._layout.limit and not self._ended:
            damage = None
            try:
                at = yield from self._record(at)
            except Malformed as exc:
                damage = exc.damage
            if damage is not None:
                at = yield from self._resume(at, damage)
            self.done = at
        yield from self._loader.flush()
        self._close()

    def _record(self, at: int) -> Generator[Block, None, int]:
        """Read the record at `at`, and return the offset behind it.

        Raises:
            Malformed: its frame can't be believed, so nobody knows where the next one begins.
        """
        opcode, end = self._frame(at)
        if opcode == Opcode.CHUNK:
            return (yield from self._chunk(at, end))
        if opcode not in _CHECKED and is_chunk(self._window, at, end):
            self._chunked = True
            raise Malformed("a chunk's opcode is damaged")
        if opcode in OUTSIDE:
            after = yield from self._loader.run(at, self._next_landmark(at))
            if after == at:
                raise Malformed(f"a {Opcode(opcode).name.lower()} record is not valid")
            return after
        if opcode == Opcode.MESSAGE_INDEX:
            return self._orphans(at)
        if opcode == Opcode.DATA_END:
            self._data_end(at, end)
        else:
            self._beside(opcode, at, end)
        return end

    def _frame(self, at: int) -> tuple[int, int]:
        """Opcode of the record at `at`, and the offset of its end."""
        head = self._window.at(at, HEAD_SIZE)
        if len(head) < HEAD_SIZE:
            raise Malformed("the data ends inside a record")
        opcode, length = HEAD.unpack_from(head)
        end = at + HEAD_SIZE + int(length)
        self._chunked |= opcode == Opcode.CHUNK
        if opcode == 0:
            raise Malformed("zeros stand where a record should begin")
        if end > self._layout.limit:
            raise Malformed("a record is longer than what is left of the data")
        if end > self._next_landmark(at + (opcode == Opcode.CHUNK)):
            raise Malformed("a damaged record stands where the summary knows a chunk")
        return opcode, end

    def _next_landmark(self, at: int) -> int:
        """Offset of the first chunk at or behind `at` that is known for certain, else the end of the data."""
        place = bisect_left(self._landmarks, at)
        return self._landmarks[place] if place < len(self._landmarks) else self._layout.limit

    def _beside(self, opcode: int, at: int, end: int) -> None:
        """Note a record that holds no message; one whose own lengths don't fit has a damaged frame."""
        if opcode == Opcode.ATTACHMENT:
            attachment = read_attachment_head(self._start_of(at, end), at, end - at, self._slack(end))
            self.inventory.attachments.append(attachment)
        elif opcode == Opcode.METADATA:
            metadata = read_metadata_head(self._start_of(at, end), at, end - at, self._slack(end))
            self.inventory.metadata.append(metadata)
        elif opcode < Opcode.DATA_END:
            reason = f"a {Opcode(opcode).name.lower().replace('_', ' ')} record stands in the data section"
            self._account.lose(at, end - at, reason, harmless=True)
        elif not may_be_record(self._window, end, self._layout.limit):
            raise Malformed("the length of an unknown record is wrong")

    def _slack(self, end: int) -> int:
        """How many bytes more than its fields a record that ends at `end` may have, by what follows it."""
        return SLACK if may_be_record(self._window, end, self._layout.limit) else 0

    def _start_of(self, at: int, end: int) -> memoryview:
        return self._window.at(at + HEAD_SIZE, min(end - at - HEAD_SIZE, _NAMES_AT_MOST))

    def _orphans(self, at: int) -> int:
        """Pass by MessageIndex records that don't follow a chunk: theirs was not recognized."""
        entries = read_entries(self._window, at, self._next_landmark(at))
        if entries.end == at:
            raise Malformed("a message index record is not valid")
        named = self._account.named_by(entries)
        if named:
            self._account.lose(at, None, "message indexes stand here without their chunk", named)
        return entries.end

    def _data_end(self, at: int, end: int) -> None:
        if end - at != HEAD_SIZE + 4:
            raise Malformed("the end of the data section is damaged")
        if self._layout.exact and end != self._layout.limit:
            raise Malformed("the data section ends before its end")
        self._data_crc = at, int.from_bytes(self._window.at(at + HEAD_SIZE, 4), "little")
        self._ended = True
        if not self._layout.exact:
            check_tail(self._source, end, self._account)

    def _chunk(self, at: int, end: int) -> Generator[Block, None, int]:
        content = self._window.at(at + HEAD_SIZE, head_bytes(end - at))
        head = read_chunk_head(content, at, end - at)
        known = self._index.get(at)
        if head.data_offset + head.data_size < end - self._slack(end):
            raise Malformed("a chunk's record is longer than the chunk")
        if self._landmarks and known is not None and known.length != end - at:
            raise Malformed("the chunk's length is not what the summary says")
        entries = read_entries(self._window, end, self._next_landmark(end))
        self.inventory.chunks.append(_index_of(head))
        self.inventory.without_crc += head.crc == 0
        if self._may_skip(head, known):
            self._account.some_readable = True
        else:
            damage = None
            try:
                yield from self._loader.chunk(head, entries)
            except Malformed as exc:
                damage = exc.damage
            if damage is not None:
                self._account.lose(at, end - at, damage, self._account.named_by(entries))
        return entries.end

    def _may_skip(self, head: ChunkHead, known: ChunkIndex | None) -> bool:
        """Whether two witnesses, its head and the chunk index, say that a chunk holds nothing wanted."""
        if known is None:
            return False
        first, last = head.start_time, head.end_time
        agreed = (first, last) == (known.start_time, known.end_time) and 0 < last >= first
        if agreed and self._selection.excludes_times(first, last):
            return True
        wanted = self._selection.channels
        return (
            wanted is not None and self._layout.skippable and wanted.isdisjoint(known.message_index_offsets)
        )

    def _resume(self, at: int, damage: Damage) -> Generator[Block, None, int]:
        """Record what is lost from `at` on, and find the next place to go on from."""
        following = self._following(at + 1)
        if following is None and not self._layout.closed:
            return (yield from self._cut_off(at, damage))
        stop = self._layout.limit if following is None else following
        within = [chunk for chunk in self._layout.chunks if at <= chunk.offset < stop]
        lost: dict[int, int] = {}
        for chunk in within:
            named = self._account.named_by(read_entries(self._window, chunk.end, stop))
            lost.update({channel: lost.get(channel, 0) + count for channel, count in named.items()})
        harmless = self._layout.chunks_are_all and not within
        self._account.lose(at, stop - at, damage, lost, harmless=harmless)
        return stop

    def _following(self, at: int) -> int | None:
        """Next offset at or behind `at` where reading can go on."""
        limit = self._layout.limit
        if self._landmarks:
            places = self._landmarks[bisect_left(self._landmarks, at) :]
            return next((place for place in places if chunk_at(self._window, place, limit)), None)
        found = next_chunk(self._source, at, limit)
        if found is not None or self._chunked:
            return found
        return next_run(self._source, at, limit, self._definitions.channels)

    def _cut_off(self, at: int, damage: Damage) -> Generator[Block, None, int]:
        """Save what a chunk at the end of a file that was cut off still gives."""
        limit = self._layout.limit
        self._ended = True
        yield from self._loader.flush()
        before = int(self._account.found.sum())
        head = self._cut_chunk(at)
        if head is not None:
            try:
                yield from self._loader.rest_of_chunk(head, limit)
            except Malformed as exc:
                damage = exc.damage
            yield from self._loader.flush()
        saved = int(self._account.found.sum()) - before
        rescued = f"; {saved} messages of it were saved" if saved else ""
        self._account.lose(
            at, limit - at, f"the file was cut off here ({damage.reason}){rescued}", code="truncated"
        )
        return limit

    def _cut_chunk(self, at: int) -> ChunkHead | None:
        """Head of a chunk that is not whole; its sizes may be those of a chunk that was never closed."""
        head = self._window.at(at, HEAD_SIZE)
        if len(head) < HEAD_SIZE or head[0] != Opcode.CHUNK:
            return None
        try:
            content = self._window.at(at + HEAD_SIZE, head_bytes(self._layout.limit - at))
            chunk = read_chunk_head(content, at, 1 << 65)
        except Malformed:
            return None
        return chunk if chunk.compression in {"", "none", "zstd", "lz4"} else None

    def _close(self) -> None:
        layout = self._layout
        if not (self._ended or layout.closed):
            reason = "the file ends without the end of its data; what was recorded after it is missing"
            self._account.lose(layout.limit, None, reason, code="truncated")
        if self._loader.unchecked and self._data_crc is not None:
            end, crc = self._data_crc
            if crc and crc_of(self._source, 0, end) != crc:
                reason = (
                    "the data section's CRC does not match; messages without a CRC of their own may be wrong"
                )
                self._account.lose(layout.start, end - layout.start, reason, code="crc_mismatch")
        self._account.close(layout.statistics, layout.limit)


def _index_of(head: ChunkHead) -> ChunkIndex:
    return ChunkIndex(
        head.offset,
        head.length,
        head.start_time,
        head.end_time,
        head.compression,
        head.data_size,
        head.uncompressed_size,
    )

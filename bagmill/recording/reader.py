"""A recording: what is in it, and its messages block by block."""

from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from bagmill.choices import OnCorrupt
from bagmill.probe import MAGIC, shown
from bagmill.recording.account import Account
from bagmill.recording.ahead import ReadAhead
from bagmill.recording.blocks import Block, Memory, Selection
from bagmill.recording.definitions import Definitions
from bagmill.recording.identity import Identity, identify
from bagmill.recording.layout import Inventory, Layout
from bagmill.recording.loader import Loader
from bagmill.recording.losses import Loss
from bagmill.recording.magic import check_magic, read_file_header
from bagmill.recording.parts import attachment_data, metadata_values
from bagmill.recording.reading import Reading
from bagmill.recording.records import MAX_RECORD, Attachment, Footer, Header, Malformed, Metadata
from bagmill.recording.scan import nothing_readable, scan_summary
from bagmill.recording.source import Source, written_size
from bagmill.recording.spans import Span, channel_spans
from bagmill.recording.structure import Contents, Crc, Structure, check_data_crc
from bagmill.recording.summary import Summary, is_complete, read_summary, read_trailer

TARGET_BYTES = 16 << 20
"""Decompressed bytes in a block: enough to work on many messages at once, and still in the cache's reach."""

_TARGETS_AHEAD = 4
"""Blocks that wait when reading ahead: one that is used, and what is read while all cores are busy writing.

Two tables that grow alike are full at the same time; what they take next should be there when they are done.
"""


class Recording:
    """An MCAP file open for reading; a context manager.

    `losses` tells what the last call of `blocks` found damaged or missing, `done_bytes` how far into the file
    it has come. Properties may be read from any thread; one `blocks` runs at a time.
    """

    def __init__(self, source: Source, *, max_record: int = MAX_RECORD) -> None:
        self._source = source
        self._max_record = max_record
        self._account: Account | None = None
        self._reading: Reading | None = None
        self._reader: ReadAhead | None = None

    @classmethod
    def open(cls, path: Path, *, max_record: int = MAX_RECORD) -> Self:
        """Open a recording and check that it is one.

        Args:
            path: of the file.
            max_record: records and decompressed chunks above so many bytes are not taken into memory whole.

        Raises:
            RecordingNotFound: nothing is there.
            NotARecordingFile: a folder, a pipe, a device.
            EmptyRecording: 0 bytes.
            LfsPointer, NotMcap: another kind of file.
            RecordingUnreadable: no permission, a loop of symlinks, an I/O error.
            RecordingDamaged: the file ends inside its first eight bytes.
        """
        source = Source.open(path)
        try:
            check_magic(source)
        except BaseException:
            source.close()
            raise
        return cls(source, max_record=max_record)

    def close(self) -> None:
        """Close the file; what reads ahead in it ends first."""
        if self._reader is not None:
            self._reader.stop()
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """Path that the recording was opened by."""
        return self._source.path

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self._source.size

    @property
    def profile(self) -> str:
        """Profile of the header, such as `ros2`; may be empty."""
        return self._header[0].profile

    @property
    def library(self) -> str:
        """Library that wrote the recording, as its header says; may be empty."""
        return self._header[0].library

    @cached_property
    def identity(self) -> Identity:
        """Size and a hash that tells recordings apart; costs reading the summary, not the file."""
        return identify(self._source, self._footer)

    @cached_property
    def summary(self) -> Summary:
        """What is in the recording: from its summary section, or by a scan of the file where that says too
        little.

        Raises:
            RecordingDamaged: a scan was needed, and nothing is readable.
        """
        return self.load_summary()

    def load_summary(self, on_progress: Callable[[int], None] | None = None) -> Summary:
        """Make `summary`, and tell how far a scan has come (bytes of the file, up to `size`).

        Raises:
            RecordingDamaged: a scan was needed, and nothing is readable.
        """
        if "summary" in self.__dict__:
            return self.summary
        given, layout = self._given
        if given is not None and is_complete(given):
            summary = given
        else:
            summary = scan_summary(self._source, layout, given, on_progress, max_record=self._max_record)
        self.__dict__["summary"] = summary
        return summary

    def blocks(
        self,
        *,
        channels: Collection[int] | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        on_corrupt: OnCorrupt = OnCorrupt.RECOVER,
        target_bytes: int = TARGET_BYTES,
        ahead: bool = False,
    ) -> Iterator[Block]:
        """Go through the messages in the order of the file.

        Args:
            channels: ids of the channels to take; None takes all.
            start_time: first log time to take, in ns.
            end_time: log time to stop before, in ns.
            on_corrupt: go on behind damage and tell in `losses`, or raise at the first.
            target_bytes: decompressed bytes in a block; only a chunk that is bigger makes a bigger block.
            ahead: read and decompress in a thread of its own while blocks are used.

        Raises:
            RecordingDamaged: damage, and `on_corrupt` is FAIL; or nothing is readable.
            RecordingUnreadable, RecordingChanged: the file can't be read any more.
        """
        selection = Selection(channels, start_time, end_time)
        summary = self.summary
        definitions = Definitions(summary.schemas.values(), summary.channels.values())
        account = Account(shown(self.path), definitions, selection, on_corrupt, known=summary.channels)
        memory = Memory(target_bytes)
        loader = Loader(self._source, definitions, account, memory, self._max_record)
        reading = Reading(self._source, self._given[1], definitions, selection, account, loader)
        self._account, self._reading = account, reading
        yield from memory.recycle(self._ahead(reading.blocks(), target_bytes) if ahead else reading.blocks())
        if account.nothing_readable:
            raise nothing_readable(self._source, account.log.entries)

    def _ahead(self, blocks: Iterator[Block], target_bytes: int) -> Iterator[Block]:
        self._reader = ReadAhead(blocks, _TARGETS_AHEAD * target_bytes)
        try:
            yield from self._reader
        finally:
            self._reader.stop()

    @property
    def losses(self) -> list[Loss]:
        """What the last call of `blocks` has found missing or damaged so far."""
        return [] if self._account is None else list(self._account.log.entries)

    @property
    def contents(self) -> Contents:
        """What the last call of `blocks` has found beside messages so far."""
        found = Inventory() if self._reading is None else self._reading.inventory
        return Contents(found.chunks, found.attachments, found.metadata, found.without_crc)

    @property
    def structure(self) -> Structure:
        """Which of the optional parts the file has; costs reading the summary."""
        footer = self._footer
        return Structure(
            closed=footer is not None,
            has_summary=footer is not None and footer.summary_start != 0,
            summary=self._given[0],
            summary_crc=footer is not None and footer.summary_crc != 0,
        )

    def check_data_crc(self) -> Crc:
        """Check the CRC of the whole data section, attachments included; reads the whole file."""
        return check_data_crc(self._source, self._footer)

    @property
    def done_bytes(self) -> int:
        """How far into the file the last call of `blocks` has come."""
        return 0 if self._reading is None else self._reading.done

    def spans(self) -> dict[int, Span]:
        """First and last log time of each channel that has messages, by its id; costs a few small reads."""
        return channel_spans(self._source, self.summary)

    def metadata_values(self, entry: Metadata) -> dict[str, str]:
        """Read the values of a metadata record.

        Raises:
            RecordingDamaged: no such record stands there.
        """
        return metadata_values(self._source, entry)

    def attachment_data(self, entry: Attachment) -> bytes:
        """Read an attachment's data and check its CRC.

        Raises:
            RecordingDamaged: no such record stands there, or the CRC does not match.
        """
        return attachment_data(self._source, entry)

    @cached_property
    def _header(self) -> tuple[Header, int, bool]:
        """Header, offset behind it, and whether it could be read."""
        found = read_file_header(self._source)
        return (*found, True) if found else (Header("", ""), len(MAGIC), False)

    @cached_property
    def _footer(self) -> Footer | None:
        return read_trailer(self._source)

    @cached_property
    def _given(self) -> tuple[Summary | None, Layout]:
        """The summary as it stands in the file (None without a usable one), and the layout it tells."""
        start, footer = self._header[1], self._footer
        losses = (
            []
            if self._header[2]
            else [Loss(start, None, "the header is missing or damaged", harmless=True, code="header_damaged")]
        )
        if footer is None:
            return None, Layout(start, max(start, written_size(self._source)), losses=losses)
        if not footer.summary_start:
            return None, Layout(start, footer.offset, closed=True, losses=losses)
        try:
            given = read_summary(self._source, footer)
        except Malformed as exc:
            reason = f"{exc}; the file was scanned"
            losses.append(Loss(footer.summary_start, None, reason, harmless=True, code="summary_damaged"))
            return None, Layout(start, footer.offset, closed=True, losses=losses)
        return given, Layout(
            start,
            footer.summary_start,
            exact=True,
            closed=True,
            chunks=given.chunks,
            proven=footer.summary_crc != 0,
            skippable=is_complete(given) and given.indexes_are_complete(),
            statistics=given.statistics,
            losses=losses,
        )

"""The queue's two files and their picture in memory, kept equal. All under the queue's lock.

The journal has all that the snapshot does not: a snapshot of number 70 and a journal that begins after 50
are the queue, for lines up to 70 are passed over. So the two need no common moment: the snapshot is replaced
at any time, and the journal is begun anew after it, with the lines that the snapshot does not know.

Both name their history. A queue that was made anew has a new one, since it may lack what the old one knew;
then it is marked `rebuild`, until a worker has compared it with the folders.
"""

from pathlib import Path
from uuid import uuid4

from loguru import logger

from services import durable
from services.queue import snapshots
from services.queue.board import Board, Clock, Record
from services.queue.journal import BadJournal, Journal
from services.queue.lines import Line
from services.queue.reserve import Reserve
from services.queue.snapshots import BadSnapshot


class Store:
    """The board, and the journal that it follows; no journal as long as nothing was ever done."""

    def __init__(self, snapshot: Path, journal: Path, reserve: Reserve, now: Clock) -> None:
        self.now = now
        self.board = Board(rebuild=True, now=now)
        self.journal: Journal | None = None
        self._snapshot = snapshot
        self._journal = journal
        self._reserve = reserve

    def catch_up(self) -> None:
        """Take in what others have done. Raises QueueUnreadable, StorageFailed."""
        journal = self.journal
        place = journal.place() if journal else None
        if journal is None or place is None:
            self._load()
        elif journal.identity != (place.st_ino, place.st_dev):
            self._follow(journal)
        elif place.st_size != journal.size:
            try:
                journal.take_in(self.board)
            except BadJournal:
                self._load()

    def add(self, record: Record, *, vital: bool) -> None:
        """Do an operation: write its line, then change the board. `vital` lines may use the reserve.

        Raises StorageFailed; then nothing has changed.
        """
        if self.journal is None:
            self.board.history = uuid4().hex
            self.journal = Journal.begin(self._journal, self.board.history, 0, rebuild=True)
        journal = self.journal
        line = Line(journal.seq + 1, journal.durable, self.now(), record)
        try:
            journal.add(line, self._reserve.give_up if vital else _no)
        except OSError as error:
            raise durable.storage_failed(self._journal, error) from error
        self.board.apply(record, line.seq, line.at)

    def shorten(self, seq: int, start: int) -> None:
        """Begin the journal anew after number `seq`, whose line ends at `start`; the snapshot knows it."""
        old = self.journal
        assert old
        rest = old.rest(start)
        self.journal = Journal.begin(self._journal, old.history, seq, rest=rest, seq=old.seq)

    def _follow(self, old: Journal) -> None:
        """Go on with the journal that has taken the place of the old one."""
        try:
            old.take_in(self.board)
            new = Journal.open(self._journal)
            if new and new.history == old.history and new.base <= self.board.seq:
                new.take_in(self.board)
                self.journal = new
                return
        except BadJournal:
            pass
        self._load()

    def _load(self) -> None:
        """Read both files, and make good what is wrong with them."""
        snapshot, problem = self._read_snapshot()
        try:
            journal = Journal.open(self._journal)
        except BadJournal:
            journal, problem = None, f"{self._set_aside(self._journal)}: it has no first line"
        if journal is None and snapshot is None and problem is None:
            self.board, self.journal = Board(rebuild=True, now=self.now), None
            return
        board = snapshot or Board(rebuild=True, now=self.now)
        if journal is None:
            self._begin_anew(board, problem or "the journal was gone")
            return
        start = self._start(snapshot, journal)
        if start is None:
            self._set_aside(self._journal)
            self._begin_anew(board, problem or "the snapshot and the journal did not belong together")
            return
        self._replay(start, journal)

    def _read_snapshot(self) -> tuple[Board | None, str | None]:
        try:
            return snapshots.read(self._snapshot, self.now), None
        except BadSnapshot as error:
            return None, f"{self._set_aside(self._snapshot)}: {error}"

    def _start(self, snapshot: Board | None, journal: Journal) -> Board | None:
        """The board that the journal's lines are about; None if there is none."""
        if snapshot and snapshot.history == journal.history and snapshot.seq >= journal.base:
            return snapshot
        if journal.base > 0:
            return None
        return Board(journal.history, rebuild=journal.rebuild, now=self.now)

    def _replay(self, board: Board, journal: Journal) -> None:
        self.board, self.journal = board, journal
        try:
            journal.take_in(board)
        except BadJournal:
            if not journal.is_torn():
                self._set_aside(self._journal)
                self._begin_anew(board, f"the journal was damaged after number {journal.seq}")
                return
            journal.cut()
            logger.info("cut off the end of the journal, after number {}: a crash left it", journal.seq)
        if journal.seq < board.seq:
            self._begin_anew(board, "the journal was older than the snapshot")

    def _begin_anew(self, board: Board, why: str) -> None:
        """Go on with what is known, marked as incomplete."""
        board.rebuild = True
        board.history = uuid4().hex
        # First the snapshot: one without a journal of its history leads here again.
        durable.write_bytes(self._snapshot, snapshots.layout(board.picture()))
        self.board, self.journal = board, Journal.begin(self._journal, board.history, board.seq, rebuild=True)
        logger.error("The queue is to be rebuilt from the folders: {}", why)

    def _set_aside(self, path: Path) -> str:
        aside = durable.set_aside(path)
        logger.error("{} could not be read; set aside as {}", path.name, aside.name)
        return aside.name


def _no() -> bool:
    return False

"""Reading ahead: blocks are read and decompressed in a thread of their own while earlier ones are used."""

from collections.abc import Iterator
from queue import SimpleQueue
from threading import Condition, Thread

from bagmill.recording.blocks import Block


class ReadAhead:
    """Iterates over blocks in a thread, which stops while the blocks that wait take `most` bytes or more.

    An iterator; what the thread raises is raised here, in its place among the blocks. A block counts as used
    when the next one is asked for.
    """

    def __init__(self, blocks: Iterator[Block], most: int) -> None:
        self._blocks = blocks
        self._most = most
        self._ready: SimpleQueue[Block | BaseException | None] = SimpleQueue()
        self._room = Condition()
        self._waiting = 0
        self._stopped = False
        self._used = 0
        self._thread = Thread(target=self._read, name="bagmill-reader", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Block]:
        return self

    def __next__(self) -> Block:
        self._take_back(self._used)
        item = self._ready.get()
        if isinstance(item, Block):
            self._used = item.memory.u8.size
            return item
        self._used = 0
        self._ready.put(None)
        if item is None:
            raise StopIteration
        raise item

    def stop(self) -> None:
        """End the thread, wherever it is; it reads nothing any more when this returns."""
        with self._room:
            self._stopped = True
            self._room.notify()
        self._thread.join()

    def _read(self) -> None:
        try:
            for block in self._blocks:
                self._ready.put(block)
                if not self._has_room(block.memory.u8.size):
                    return
        except BaseException as failure:  # noqa: BLE001 - it is raised where the blocks are used
            self._ready.put(failure)
        else:
            self._ready.put(None)

    def _has_room(self, size: int) -> bool:
        """Wait until fewer than `most` bytes wait to be used; False if there is no use any more."""
        with self._room:
            self._waiting += size
            self._room.wait_for(lambda: self._stopped or self._waiting < self._most)
            return not self._stopped

    def _take_back(self, size: int) -> None:
        with self._room:
            self._waiting -= size
            self._room.notify()

"""From a chunk's stored bytes in the file to its records in memory, by the shortest way."""

import numpy as np

from bagmill.recording.chunks import Bytes, Decompressor, check_crc, is_stored, matches
from bagmill.recording.lz4frames import START, StoredFrame
from bagmill.recording.records import ChunkHead
from bagmill.recording.source import Source


class Filler:
    """Reads and decompresses the chunks of a file. For one thread."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stored = np.empty(0, np.uint8)
        self._decompressor = Decompressor()

    def fill(self, head: ChunkHead, target: memoryview) -> None:
        """Fill `target` with the records of a chunk, which are exactly as many bytes.

        Raises:
            Malformed: the chunk is damaged; CrcMismatch: nothing is wrong but its CRC.
        """
        if is_stored(head):
            self._source.read_into(head.data_offset, target)
        elif self._fill_unproven(head, target):
            return
        else:
            self._decompressor.fill(head.compression, self._read(head.data_offset, head.data_size), target)
        check_crc(head, target)

    def salvage(self, head: ChunkHead, size: int, most: int) -> bytearray:
        """Decompress the first `size` stored bytes of a chunk: what comes out, but not more than `most`."""
        return self._decompressor.salvage(head.compression, self._read(head.data_offset, size), most)

    def _fill_unproven(self, head: ChunkHead, target: memoryview) -> bool:
        """Fill in a way that trusts the data, and say whether the CRC proves that nothing is wrong."""
        if head.compression != "lz4" or not head.crc or head.data_size < START:
            return False
        start = self._source.read(head.data_offset, START)
        frame = StoredFrame.guess(start, head.data_size, head.uncompressed_size)
        if frame is not None and frame.read(self._source, head.data_offset, target):
            return matches(head, target)
        stored = self._read(head.data_offset, head.data_size)
        return self._decompressor.fill_at_once(head.compression, stored, target) and matches(head, target)

    def _read(self, offset: int, size: int) -> Bytes:
        """Read stored bytes into memory that is used again for the next chunk."""
        if self._stored.size < size:
            self._stored = np.empty(size, np.uint8)
        data = self._stored[:size]
        self._source.read_into(offset, data.data)
        return data

"""Long blobs, which are written from the memory that they were read into."""

import random
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from bagmill.conversion import Conversion
from bagmill.convert import convert
from bagmill.decoders.base import Kept
from bagmill.decoders.cdr import CdrDecoder
from bagmill.inspection import open_decoders, read_blocks
from bagmill.options import ConvertOptions
from bagmill.recording import Recording, Schema
from bagmill.schemas import parse
from bagmill.schemas.tree import Struct
from bagmill.tables import plan_tables
from bagmill.writers.parquet import ParquetFormat
from bagmill.writers.pool import WriterPool
from tests.convert.making import SECOND, START, Sent, Stream, points, read, record

IMAGE = "string format\nuint8[] data"
LONG = 200 << 10


def image(data: bytes, order: str = "<") -> bytes:
    """A ROS 2 payload of `IMAGE`; with bytes behind the last field, as some writers align them."""
    begin = b"\0\1\0\0" if order == "<" else b"\0\0\0\0"
    return begin + struct.pack(f"{order}I4sI", 4, b"jpg\0", len(data)) + data


def images(topic: str, lengths: list[int], seed: int) -> Stream:
    """An image each tenth of a second."""
    bytes_of = random.Random(seed).randbytes
    sent = [Sent(image(bytes_of(size)), START + n * SECOND // 10) for n, size in enumerate(lengths)]
    return Stream(topic, ("sensor_msgs/msg/CompressedImage", "ros2msg", IMAGE.encode()), "cdr", sent)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cameras, which fill several row groups; one of which most images are short; and numbers."""
    chosen = random.Random(7)
    left, right = ([chosen.randrange(LONG, 2 * LONG) for _ in range(160)] for _ in range(2))
    mixed = [chosen.choice([0, 10, 2000, 2 * LONG]) for _ in range(100)]
    streams = [images(f"/{n}", lengths, n) for n, lengths in enumerate([left, right, mixed])]
    return record(tmp_path_factory.mktemp("long") / "a.mcap", *streams, points("/p", 160))


def decoder_of(definition: str) -> CdrDecoder:
    root = parse(Schema(1, "a/msg/B", "ros2msg", definition.encode()), "cdr")
    assert isinstance(root, Struct)
    return CdrDecoder(root)


class Noting(WriterPool):
    """A pool that counts the tables among the rows that come."""

    tables = 0

    def write(self, folder: str, batch: pa.RecordBatch | pa.Table) -> None:
        self.tables += isinstance(batch, pa.Table)
        super().write(folder, batch)


def made(recording: Path, folder: Path, *, in_place: bool, threads: int) -> tuple[Noting, dict[str, bytes]]:
    options, files = ConvertOptions(), ParquetFormat()
    with Recording.open(recording) as source:
        tables = plan_tables(source.summary.channels, source.summary.schemas)
        decoders = open_decoders(source, tables, options)
        sources = list(zip(tables, decoders, strict=True))
        with Noting(folder, files, threads=threads) as pool:
            conversion = Conversion(pool, folder, source.identity, sources, files, in_place=in_place)
            for block in read_blocks(source, tables, options, ahead=threads > 1):
                conversion.take(block)
            conversion.finish(source.losses, {})
    found = sorted(folder.rglob("*.parquet"))
    return pool, {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("threads", [1, 2])
def test_all_values_are_right(recording: Path, tmp_path: Path, threads: int) -> None:
    (tmp_path / "d").mkdir()
    convert(recording, tmp_path / "d", ConvertOptions(), threads=threads)

    with recording.open("rb") as file:
        sent = make_reader(file, decoder_factories=[DecoderFactory()]).iter_decoded_messages()
        expected: dict[str, list[object]] = {}
        for message in sent:
            value = message.decoded_message
            row = (value.x, value.y) if message.channel.topic == "/p" else (value.format, value.data)
            expected.setdefault(message.channel.topic, []).append((message.message.log_time, *row))
    for topic, rows in expected.items():
        names = ("log_time_ns", "x", "y") if topic == "/p" else ("log_time_ns", "format", "data")
        parts = sorted((tmp_path / "d" / f"topic=%2F{topic[1:]}").glob("*.parquet"))
        assert [tuple(row[name] for name in names) for part in parts for row in read(part)] == rows


def test_neither_threads_nor_copies_change_a_byte(recording: Path, tmp_path: Path) -> None:
    copying, copied = made(recording, tmp_path / "copied", in_place=False, threads=2)
    for threads in (0, 2):
        pool, left = made(recording, tmp_path / str(threads), in_place=True, threads=threads)
        assert left == copied
        assert pool.tables > 8
    assert copying.tables == 0


def test_what_one_decoder_reads_in_two_ways_is_copied() -> None:
    """Some messages little-endian and some big-endian: their rows must be put in order."""
    payloads = [image(bytes([n]) * LONG, "><"[n % 3 > 0]) for n in range(9)]
    buffer = np.frombuffer(b"".join(payloads), np.uint8).view(Kept)
    ends = np.cumsum([len(payload) for payload in payloads])
    decoder = decoder_of(IMAGE)

    decoded = decoder.decode(buffer, ends - len(payloads[0]), ends)

    assert decoded.batch.schema.equals(decoder.fields)
    assert decoded.batch.column("data").to_pylist() == [bytes([n]) * LONG for n in range(9)]


def test_messages_of_other_things_than_blobs_are_copied() -> None:
    decoder = decoder_of("uint8[] data\nfloat64[] ranges")
    payload = b"\0\1\0\0" + struct.pack("<I4sI4x8d", 4, b"abcd", 8, *range(8))
    buffer = np.frombuffer(payload * 3, np.uint8).view(Kept)
    ends = np.arange(1, 4) * len(payload)

    decoded = decoder.decode(buffer, ends - len(payload), ends)

    assert decoded.batch.schema.equals(decoder.fields)
    assert decoded.batch.to_pylist() == 3 * [{"data": b"abcd", "ranges": list(map(float, range(8)))}]

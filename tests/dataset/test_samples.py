"""A few messages of each topic, without reading the recording."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from mcap.writer import CompressionType, Writer

from bagmill.dataset.samples import MOST_PAYLOAD, first_messages, take_samples
from bagmill.decoders import make_decoder
from bagmill.recording import Recording
from bagmill.tables import plan_tables
from tests.conftest import Sample

SECOND = 1_000_000_000


def write(path: Path, *, chunk_size: int, chunked: bool = True) -> Path:
    """100 s: numbers at 50 Hz, blobs of 100 kB at 1 Hz, and one message on a topic of its own at 71 s."""
    with path.open("wb") as stream:
        writer = Writer(stream, chunk_size=chunk_size, compression=CompressionType.NONE, use_chunking=chunked)
        writer.start()
        schemas = {
            name: writer.register_schema(name, "ros2msg", text)
            for name, text in {"a/Number": b"int64 value", "a/Blob": b"uint8[] data"}.items()
        }
        channels = {
            topic: writer.register_channel(topic, "cdr", schemas[schema])
            for topic, schema in {"/number": "a/Number", "/blob": "a/Blob", "/once": "a/Number"}.items()
        }
        head = b"\0\1\0\0"
        for number in range(5000):
            at = number * SECOND // 50
            writer.add_message(channels["/number"], at, head + number.to_bytes(8, "little"), at)
            if number % 50 == 0:
                blob = bytes([number // 50]) * 100_000
                writer.add_message(channels["/blob"], at, head + len(blob).to_bytes(4, "little") + blob, at)
            if number == 71 * 50:
                writer.add_message(channels["/once"], at, head + (7).to_bytes(8, "little"), at)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def test_samples_come_from_all_over_the_recording_and_from_every_topic(tmp_path: Path) -> None:
    with Recording.open(write(tmp_path / "a.mcap", chunk_size=300_000)) as recording:
        tables = plan_tables(recording.summary.channels, recording.summary.schemas)
        taken = take_samples(recording, tables)

    found = {sample.table.topic: sample for sample in taken.samples}
    numbers = found["/number"].batch.column("value").to_numpy()
    assert np.array_equal(found["/number"].log_time, numbers * SECOND // 50)
    assert numbers[0] == 0
    assert 4999 in numbers
    assert 5 <= len(found["/number"].runs) <= 6
    assert sum(found["/number"].runs) == numbers.size <= 2400
    assert found["/once"].batch.to_pylist() == [{"value": 7}]
    assert taken.size < 3_000_000


def test_big_messages_are_kept_sparingly(tmp_path: Path) -> None:
    with Recording.open(write(tmp_path / "a.mcap", chunk_size=20_000_000)) as recording:
        tables = plan_tables(recording.summary.channels, recording.summary.schemas)
        taken = take_samples(recording, tables, places=1)

    blobs = next(sample for sample in taken.samples if sample.table.topic == "/blob")
    assert 1 <= len(blobs.log_time) <= MOST_PAYLOAD // 100_000
    assert blobs.batch.column("data")[0].as_py() == bytes(100_000)


def test_a_recording_without_chunks_is_sampled_at_its_beginning(tmp_path: Path) -> None:
    with Recording.open(write(tmp_path / "a.mcap", chunk_size=0, chunked=False)) as recording:
        tables = plan_tables(recording.summary.channels, recording.summary.schemas)
        taken = take_samples(recording, tables)

    number = next(sample for sample in taken.samples if sample.table.topic == "/number")
    assert number.batch.column("value").to_pylist() == list(range(2000))


def test_first_messages_are_found_wherever_they_are(tmp_path: Path) -> None:
    with Recording.open(write(tmp_path / "a.mcap", chunk_size=300_000)) as recording:
        tables = plan_tables(recording.summary.channels, recording.summary.schemas)
        decoders = [make_decoder(table.schema, table.message_encoding) for table in tables]
        found = first_messages(recording, tables, decoders)

    assert set(found) == {"/number", "/blob", "/once"}
    assert found["/number"].column("value").to_pylist()[:4] == [0, 1, 2, 3]
    assert found["/once"].num_rows == 1


def test_samples_of_all_kinds_of_messages(sample: Sample) -> None:
    with Recording.open(sample.path) as recording:
        tables = plan_tables(recording.summary.channels, recording.summary.schemas)
        taken = take_samples(recording, tables)

    assert {one.table.topic: len(one.log_time) for one in taken.samples} == sample.messages
    assert all(isinstance(one.batch, pa.RecordBatch) and not one.unreadable for one in taken.samples)

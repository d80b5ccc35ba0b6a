"""The official conformance suite: 416 valid files, each beside the list of records that it must yield."""

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bagmill.recording import Channel, Recording, Schema, parse
from bagmill.recording.parse import Fields, split_records
from bagmill.recording.records import ChunkIndex, Opcode
from tests.recording.making import MAGIC, Message, messages_of
from tests.support.places import SHARED_RECORDINGS

CASES = sorted((SHARED_RECORDINGS / "conformance").glob("*/*.mcap"))
Record = tuple[str, dict[str, Any]]


def expected(path: Path) -> list[Record]:
    """The list beside a file, numbers as numbers and bytes as bytes."""
    listed = json.loads(path.with_suffix(".json").read_text("utf-8"))["records"]
    return [(one["type"], {name: typed(name, value) for name, value in one["fields"]}) for one in listed]


def typed(name: str, value: Any) -> Any:
    if name == "data":
        return bytes(int(part) for part in value)
    if name in {"channel_message_counts", "message_index_offsets"}:
        return {int(key): int(part) for key, part in value.items()}
    texts = {"topic", "encoding", "message_encoding", "library", "profile", "name", "media_type"}
    is_number = isinstance(value, str) and name not in texts | {"compression"}
    return int(value) if is_number else value


def test_the_suite_is_whole(shared_recordings: Path) -> None:
    assert len(list((shared_recordings / "conformance").glob("*/*.mcap"))) == 416


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_messages_and_all_around_them(path: Path) -> None:
    """What the reader gives is what the list names, in its order."""
    records = expected(path)

    with Recording.open(path) as recording:
        summary = recording.summary
        assert list(messages_of(recording)) == [Message(**renamed(one)) for one in of("Message", records)]
        assert recording.losses == []
        assert [vars_of_schema(one) for one in summary.schemas.values()] == unique(of("Schema", records))
        assert [vars_of_channel(one) for one in summary.channels.values()] == unique(of("Channel", records))
        assert [
            {
                "log_time": one.log_time,
                "create_time": one.create_time,
                "name": one.name,
                "media_type": one.media_type,
                "data": recording.attachment_data(one),
            }
            for one in summary.attachments
        ] == [sorted_like(one) for one in of("Attachment", records)]
        assert [
            {"name": one.name, "metadata": recording.metadata_values(one)} for one in summary.metadata
        ] == of("Metadata", records)
        header = {"library": recording.library, "profile": recording.profile}
        assert [header] == of("Header", records)


def of(kind: str, records: list[Record]) -> list[dict[str, Any]]:
    return [fields for name, fields in records if name == kind]


def unique(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({one["id"]: one for one in found}.values())


def renamed(fields: dict[str, Any]) -> dict[str, Any]:
    return {"channel" if name == "channel_id" else name: value for name, value in fields.items()}


def sorted_like(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: fields[name] for name in ("log_time", "create_time", "name", "media_type", "data")}


def vars_of_schema(one: Schema) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "encoding": one.encoding, "data": one.data}


def vars_of_channel(one: Channel) -> dict[str, Any]:
    return {
        "id": one.id,
        "topic": one.topic,
        "message_encoding": one.message_encoding,
        "schema_id": one.schema_id,
        "metadata": one.metadata,
    }


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_record_one_by_one(path: Path) -> None:
    """The functions that read records give each field of each record, summary and footer included."""
    content = path.read_bytes()

    assert list(all_records(content[len(MAGIC) : -len(MAGIC)])) == expected(path)


def all_records(data: bytes) -> Iterator[Record]:
    """All records in their order, those in chunks in the place of their chunk; without message indexes."""
    for opcode, start, end in split_records(data):
        content = data[start:end]
        if opcode == Opcode.CHUNK:
            head = parse.read_chunk_head(content, 0, end - start + 9)
            yield from all_records(content[head.data_offset - 9 :][: head.data_size])
        elif opcode in READERS:
            yield READERS[Opcode(opcode)](content)


def read_message(content: bytes) -> Record:
    channel, sequence, log_time, publish_time = struct.unpack_from("<HIQQ", content)
    fields = {"channel_id": channel, "sequence": sequence, "log_time": log_time, "publish_time": publish_time}
    return "Message", fields | {"data": content[22:]}


def read_attachment(content: bytes) -> Record:
    one = parse.read_attachment_head(content, 0, len(content) + 9)
    fields = Fields(content, 16)
    fields.blob()
    fields.blob()
    data = fields.take(fields.u64())
    times = {"log_time": one.log_time, "create_time": one.create_time}
    return "Attachment", times | {"name": one.name, "media_type": one.media_type, "data": data}


def read_metadata(content: bytes) -> Record:
    name, values = parse.read_metadata(content)
    return "Metadata", {"name": name, "metadata": values}


def read_chunk_index(content: bytes) -> Record:
    one: ChunkIndex = parse.read_chunk_index(content)
    return "ChunkIndex", {
        "message_start_time": one.start_time,
        "message_end_time": one.end_time,
        "chunk_start_offset": one.offset,
        "chunk_length": one.length,
        "message_index_offsets": one.message_index_offsets,
        "message_index_length": one.message_index_length,
        "compression": one.compression,
        "compressed_size": one.compressed_size,
        "uncompressed_size": one.uncompressed_size,
    }


def read_attachment_index(content: bytes) -> Record:
    one = parse.read_attachment_index(content)
    return "AttachmentIndex", {
        "offset": one.offset,
        "length": one.length,
        "log_time": one.log_time,
        "create_time": one.create_time,
        "data_size": one.size,
        "name": one.name,
        "media_type": one.media_type,
    }


def read_metadata_index(content: bytes) -> Record:
    one = parse.read_metadata_index(content)
    return "MetadataIndex", {"offset": one.offset, "length": one.length, "name": one.name}


def read_statistics(content: bytes) -> Record:
    one = parse.read_statistics(content)
    return "Statistics", {
        "message_count": one.message_count,
        "schema_count": one.schema_count,
        "channel_count": one.channel_count,
        "attachment_count": one.attachment_count,
        "metadata_count": one.metadata_count,
        "chunk_count": one.chunk_count,
        "message_start_time": one.start_time,
        "message_end_time": one.end_time,
        "channel_message_counts": one.channel_message_counts,
    }


def read_summary_offset(content: bytes) -> Record:
    opcode, start, length = struct.unpack_from("<BQQ", content)
    return "SummaryOffset", {"group_opcode": opcode, "group_start": start, "group_length": length}


def read_footer(content: bytes) -> Record:
    one = parse.read_footer(content, 0)
    starts = {"summary_start": one.summary_start, "summary_offset_start": one.summary_offset_start}
    return "Footer", starts | {"summary_crc": one.summary_crc}


def read_header(content: bytes) -> Record:
    one = parse.read_header(content)
    return "Header", {"library": one.library, "profile": one.profile}


READERS: dict[Opcode, Callable[[bytes], Record]] = {
    Opcode.HEADER: read_header,
    Opcode.FOOTER: read_footer,
    Opcode.SCHEMA: lambda content: ("Schema", vars_of_schema(parse.read_schema(content))),
    Opcode.CHANNEL: lambda content: ("Channel", vars_of_channel(parse.read_channel(content))),
    Opcode.MESSAGE: read_message,
    Opcode.CHUNK_INDEX: read_chunk_index,
    Opcode.ATTACHMENT: read_attachment,
    Opcode.ATTACHMENT_INDEX: read_attachment_index,
    Opcode.STATISTICS: read_statistics,
    Opcode.METADATA: read_metadata,
    Opcode.METADATA_INDEX: read_metadata_index,
    Opcode.SUMMARY_OFFSET: read_summary_offset,
    Opcode.DATA_END: lambda content: ("DataEnd", {"data_section_crc": Fields(content).u32()}),
}

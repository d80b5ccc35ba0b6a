"""Protobuf and flatbuffer topics from a recording to Parquet."""

from pathlib import Path

import duckdb
import polars
import pyarrow.parquet as pq

from tests.convert.making import START, Sent, Stream, dataset, record
from tests.schemas.descriptors import Proto, descriptor_set, field, file, map_entry, message

FOLDER = Path(__file__).parents[1] / "schemas" / "flatbuffer"


def flatbuffers() -> Stream:
    full, least = (FOLDER / "full.bin").read_bytes(), (FOLDER / "least.bin").read_bytes()
    schema = ("test.Everything", "flatbuffer", (FOLDER / "everything.bfbs").read_bytes())
    payloads = [full, least, full[:40], full]
    return Stream("/fb", schema, "flatbuffer", [Sent(data, START + n) for n, data in enumerate(payloads)])


def protobufs() -> Stream:
    body = message(
        "A",
        [
            field("x", 1, Proto.TYPE_INT32, oneof=0, optional=True),
            field("m", 2, Proto.TYPE_MESSAGE, type_name=".p.A.MEntry", repeated=True),
        ],
        oneofs=["_x"],
    )
    body.nested_type.append(map_entry("MEntry", Proto.TYPE_STRING, Proto.TYPE_DOUBLE))
    schema = ("p.A", "protobuf", descriptor_set(file("a.proto", [body])))
    payloads = [b"\x08\x05", b"", b"\x08", b"\x12\x03\x0a\x01b\x12\x03\x0a\x01a"]
    return Stream("/pb", schema, "protobuf", [Sent(data, START + n) for n, data in enumerate(payloads)])


def test_what_can_be_read_becomes_rows_and_the_rest_is_kept(tmp_path: Path) -> None:
    made = dataset(record(tmp_path / "a.mcap", flatbuffers(), protobufs()), tmp_path / "d")

    assert [made.topics[topic]["decoded"] for topic in ("/fb", "/pb")] == [True, True]
    assert [row["last"] for row in made.rows("/fb")] == [65535, 0, 65535]
    assert [row["x"] for row in made.rows("/pb")] == [5, None, None]
    assert [row["m"] for row in made.rows("/pb")] == [[], [], [("a", 0.0), ("b", 0.0)]]
    assert made.topics["/fb"]["messages"]["unreadable"] == 1
    assert made.topics["/pb"]["messages"]["unreadable"] == 1


def test_others_read_the_files(tmp_path: Path) -> None:
    made = dataset(record(tmp_path / "a.mcap", flatbuffers(), protobufs()), tmp_path / "d")
    path = str(made.folder / made.topics["/fb"]["files"][0])

    query = f"select mixed.points[1].x, choice._d, inners[2].name from '{path}'"
    rows = duckdb.connect().execute(query).fetchall()
    frame = polars.read_parquet(path)

    assert rows == [(7.0, 2, "two"), (None, None, None), (7.0, 2, "two")]
    assert frame["doubles"].to_list() == [[0.5, -1.5], None, [0.5, -1.5]]
    assert pq.read_table(path)["text"].to_pylist() == ["grüß 🤖", None, "grüß 🤖"]

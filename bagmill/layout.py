"""Names of a dataset's folders and files: readable, safe on every file system, the same for any selection."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import quote

MAX_NAME = 200
"""Bytes of a file name; file systems allow 255, and tools put things before and behind."""

_CUT = 150
SCHEMA_ENDINGS: Mapping[str, str] = {
    "ros1msg": "msg",
    "ros2msg": "msg",
    "ros2idl": "idl",
    "omgidl": "idl",
    "protobuf": "binpb",
    "proto": "binpb",
    "flatbuffer": "bfbs",
    "jsonschema": "json",
}
"""How the file of a schema's text ends, by its encoding; others end in `txt`."""


def encode(text: str) -> str:
    """Percent-encode all but letters, digits, `_`, `.`, `-`; DuckDB and Polars decode it in folder names."""
    return quote(text, safe="").replace("~", "%7E")


def folder_names(tables: Sequence[tuple[str, str | None]]) -> list[str]:
    """The folder of each table, given as topic and, where a topic has several tables, what tells them apart.

    `topic=<encoded>` or `topic=<encoded>~<encoded>`. Names over `MAX_NAME` bytes, and all that are equal but
    for case (macOS would make them one folder), are cut and get a hash.
    """
    parts = [
        "~".join([encode(topic), *([encode(part)] if part is not None else [])]) for topic, part in tables
    ]
    times = Counter(part.lower() for part in parts)
    return [
        "topic=" + (_hashed(part) if times[part.lower()] > 1 or _is_long(part) else part) for part in parts
    ]


def schema_file(name: str, encoding: str, *, mark: str = "") -> str:
    """The file of a schema's text; `mark` tells apart those of one name."""
    stem = encode(name) or "schema"
    if mark or _is_long(stem):
        stem = f"{_cut(stem)}~{mark or digest(name.encode())}"
    return f"{stem}.{SCHEMA_ENDINGS.get(encoding, 'txt')}"


def digest(data: bytes) -> str:
    """64 bits of a sha256 in hex: enough to tell names apart."""
    return hashlib.sha256(data).hexdigest()[:16]


def _is_long(part: str) -> bool:
    return len(part) + len("topic=") > MAX_NAME


def _hashed(part: str) -> str:
    return f"{_cut(part)}~{digest(part.encode())}"


def _cut(part: str) -> str:
    """The beginning of an encoded name, not ending inside `%XX`."""
    return re.sub(r"%.?$", "", part[:_CUT])

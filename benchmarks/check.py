"""Whether outputs hold what their recordings hold: `python -m benchmarks.check OUTPUT RECORDING...`.

The output of one recording is OUTPUT, that of one of several OUTPUT/<its name without .mcap>.

Prints a JSON object: `wrong` rows and values, columns that are `missing`, and the `size` of all files. Every
number and string that the generator noted is compared, bit by bit.
"""

import json
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.recordings.facts import MODULUS, Facts, TopicFacts, bits

ALIASES: Mapping[str, tuple[str, ...]] = {
    "sec": ("secs",),
    "nanosec": ("nsec", "nsecs"),
}
"""What ROS 1 libraries call the parts of a time."""

_LENGTH = struct.Struct("<Q")


def check(facts: Facts, output: Path) -> tuple[list[str], list[str]]:
    """What is wrong and what is missing in a dataset, a folder `topic=<encoded>` for each topic."""
    wrong: list[str] = []
    missing: list[str] = []
    for name, topic in facts.topics.items():
        folder = output / f"topic={quote(name, safe='')}"
        files = sorted(folder.glob("*.parquet"))
        rows = sum(pq.read_metadata(file).num_rows for file in files)
        rows += sum(map(tfrecord_rows, folder.glob("*.tfrecord*")))
        if rows != topic.messages:
            wrong.append(f"{name}: {rows} rows of {topic.messages} messages")
        elif files:
            for column, state in _columns(topic, files):
                (missing if state == "missing" else wrong).append(f"{name} {column}")
    return wrong, missing


def tfrecord_rows(path: Path) -> int:
    """Records of a TFRecord file: each is a length, its CRC, the data, its CRC. Values are not read."""
    data = path.read_bytes()
    rows, place = 0, 0
    while place < len(data):
        place += _LENGTH.unpack_from(data, place)[0] + 16
        rows += 1
    return rows


def size(output: Path) -> int:
    """Bytes of all files of a dataset."""
    return sum(path.stat().st_size for path in output.rglob("*") if path.is_file())


def _columns(topic: TopicFacts, files: list[Path]) -> Iterator[tuple[str, str]]:
    """Columns that are missing or wrong."""
    numbers, blobs, missing = dict.fromkeys(topic.numbers, 0), dict.fromkeys(topic.blobs, 0), set()
    for batch in _batches(files):
        for path in numbers:
            leaf = _leaf(batch, path)
            if leaf is None or not _is_number(leaf.type):
                missing.add(path)
            else:
                numbers[path] = (numbers[path] + bits(_numbers(leaf))) % MODULUS
        for path in blobs:
            leaf = _leaf(batch, path)
            if leaf is None:
                missing.add(path)
            else:
                blobs[path] = zlib.crc32(_joined(leaf), blobs[path])
    for path, known in [*topic.numbers.items(), *topic.blobs.items()]:
        if path in missing:
            yield path, "missing"
        elif known != {**numbers, **blobs}[path]:
            yield path, "wrong"


def _batches(files: list[Path]) -> Iterator[pa.StructArray]:
    for file in files:
        with pq.ParquetFile(file) as parquet:
            for group in range(parquet.num_row_groups):
                for batch in parquet.read_row_group(group).to_batches():
                    yield batch.to_struct_array()


def _leaf(array: pa.Array, path: str) -> pa.Array | None:
    """Values of a nested column, lists laid end to end."""
    for name in path.split("."):
        array = _flat(array)
        if not pa.types.is_struct(array.type):
            return None
        names = {field.name for field in array.type}
        found = next((alias for alias in (name, *ALIASES.get(name, ())) if alias in names), None)
        if found is None:
            return None
        array = array.field(found)
    is_enum = pa.types.is_struct(array.type) and {field.name for field in array.type} == {"name", "value"}
    return array.field("value") if is_enum else array


def _flat(array: pa.Array) -> pa.Array:
    while (
        pa.types.is_list(array.type)
        or pa.types.is_large_list(array.type)
        or pa.types.is_fixed_size_list(array.type)
    ):
        array = array.flatten()
    return array


def _is_number(kind: pa.DataType) -> bool:
    while pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        kind = kind.value_type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _numbers(array: pa.Array) -> Any:
    array = _flat(array)
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    return pc.fill_null(array, 0).to_numpy(zero_copy_only=False)


def _joined(array: pa.Array) -> Any:
    """All bytes of strings or blobs, one behind the other."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    flat = _flat(array)
    if pa.types.is_integer(flat.type):
        return flat.to_numpy(zero_copy_only=False).tobytes()
    wide = flat.cast(pa.large_binary())
    offsets = memoryview(wide.buffers()[1]).cast("q")[wide.offset : wide.offset + len(wide) + 1]
    return memoryview(wide.buffers()[2] or b"")[offsets[0] : offsets[-1]]


def main(output: Path, recordings: Sequence[Path]) -> None:
    """Check each recording's output and print what was found in all of them."""
    several = len(recordings) > 1
    found: dict[str, Any] = {"wrong": [], "missing": [], "size": size(output)}
    for recording in recordings:
        facts = Facts.read(recording.with_suffix(".facts.json"))
        wrong, missing = check(facts, output / recording.stem if several else output)
        found["wrong"] += wrong
        found["missing"] += missing
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])

"""Message definitions as files, for topics whose messages are kept as bytes."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bagmill.errors import OutputFailed
from bagmill.layout import digest, schema_file
from bagmill.probe import shown
from bagmill.recording import Schema

SchemaKey = tuple[str, str, bytes]
"""Name, encoding and data of a schema."""


def write_schemas(output: Path, schemas: Iterable[Schema]) -> list[str]:
    """Write each different schema into `schemas/` and return the paths below `output`.

    Raises:
        OutputFailed: the disk is full or fails.
    """
    paths = schema_paths(schemas)
    for (_, _, data), path in paths.items():
        _write(output / path, data)
    return list(paths.values())


def schema_paths(schemas: Iterable[Schema]) -> dict[SchemaKey, str]:
    """The path below the output folder of each different schema, in a fixed order."""
    different = sorted({schema_key(schema) for schema in schemas})
    times = Counter(schema_file(name, encoding).lower() for name, encoding, _ in different)
    paths = {}
    for name, encoding, data in different:
        is_shared = times[schema_file(name, encoding).lower()] > 1
        mark = digest(b"\0".join((name.encode(), encoding.encode(), data))) if is_shared else ""
        file = schema_file(name, encoding, mark=mark)
        paths[name, encoding, data] = f"schemas/{file}"
    return paths


def schema_key(schema: Schema) -> SchemaKey:
    """What makes two schemas the same."""
    return schema.name, schema.encoding, schema.data


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise OutputFailed(
            f"writing failed: {error.strerror or error}", where={"path": shown(path)}
        ) from error

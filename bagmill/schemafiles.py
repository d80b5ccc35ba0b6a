"""Message definitions as files, for topics whose messages are kept as bytes."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bagmill.errors import OutputFailed
from bagmill.layout import digest, schema_file
from bagmill.recording import Schema
from bagmill.recording.source import shown


def write_schemas(output: Path, schemas: Iterable[Schema]) -> list[str]:
    """Write each different schema into `schemas/` and return the paths below `output`.

    Raises:
        OutputFailed: the disk is full or fails.
    """
    different = sorted({(schema.name, schema.encoding, schema.data) for schema in schemas})
    times = Counter(schema_file(name, encoding).lower() for name, encoding, _ in different)
    paths = []
    for name, encoding, data in different:
        is_shared = times[schema_file(name, encoding).lower()] > 1
        path = f"schemas/{schema_file(name, encoding, mark=digest(data) if is_shared else '')}"
        _write(output / path, data)
        paths.append(path)
    return paths


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise OutputFailed(
            f"writing failed: {error.strerror or error}", where={"path": shown(path)}
        ) from error

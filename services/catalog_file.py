"""The catalog's rows in a file, so that a restart need not read all states again.

A cache and nothing more: it can be deleted, and each row is compared with its file's version before it is
believed.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from loguru import logger

from models.base import SCHEMA_VERSION
from models.workflow import Status
from services import durable
from services.errors import StorageFailed
from services.state_manager import Version


class Row(NamedTuple):
    """What filters ask of a workflow; `text` is what `q` is looked for in."""

    version: Version
    status: Status
    template: str
    parent: str | None
    text: str


def load(path: Path) -> dict[str, Row]:
    """The rows by id; none if there is no file, or one that can't be read."""
    try:
        content = json.loads(path.read_bytes())
        if content["schema_version"] != SCHEMA_VERSION:
            return {}
        return {
            workflow: Row(Version(inode, time), Status(status), template, parent, text)
            for workflow, inode, time, status, template, parent, text in content["rows"]
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.info("{} is made anew: {}", path.name, error)
        return {}


def save(path: Path, rows: Mapping[str, Row]) -> None:
    """Write the rows. What fails is only told."""
    listed = [[workflow, *row.version, *row[1:]] for workflow, row in rows.items()]
    text = json.dumps({"schema_version": SCHEMA_VERSION, "rows": listed}, ensure_ascii=False)
    try:
        durable.write_bytes(path, text.encode(), sync=False)
        durable.sweep_temporaries(path)
    except (StorageFailed, ValueError) as error:
        logger.info("{} is not written: {}", path.name, error)

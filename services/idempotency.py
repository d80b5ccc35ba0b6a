"""Idempotency keys: the same key and payload lead to the same workflow, in any process, after any restart.

One file for each key, made exclusively and before the workflow's folder. Whoever finds a key without its
folder (a crash came between) makes the folder with the id that the file names.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from loguru import logger
from pydantic import ValidationError

from config import Settings
from models.base import utc_now
from models.idempotency import KeyRecord
from models.request import FromTemplate
from services import disk, durable
from services.errors import IdempotencyConflict, InvalidRequest
from services.ids import new_id
from services.locks import lock

FORM = re.compile(r"[\x21-\x7e]{1,255}")


def check_key(key: str) -> str:
    """The key itself, if it is 1 to 255 visible ASCII characters. Raises InvalidRequest otherwise."""
    if not FORM.fullmatch(key):
        raise InvalidRequest(
            "The Idempotency-Key must be 1 to 255 visible ASCII characters.",
            hint="A random UUID is a good key.",
        )
    return key


def payload_of(asked: FromTemplate) -> str:
    """sha256 of what is asked for, whatever form the request had; options left out equal their defaults."""
    text = json.dumps(asked.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Keys:
    """The keys of one set of state folders. `find` looks for the workflow whose request has a key."""

    def __init__(self, settings: Settings, find: Callable[[str], str | None]) -> None:
        self._folder = settings.idempotency_dir
        self._lock = settings.keys_lock
        self._find = find

    def known(self, key: str, payload: str) -> str | None:
        """The workflow of a key; None for a new key. Raises IdempotencyConflict for another payload."""
        try:
            record = KeyRecord.model_validate_json(self._path(key).read_bytes())
        except (FileNotFoundError, ValidationError):  # a bad file is seen to under the lock, in `held`
            return None
        return self._workflow(record, payload)

    @contextmanager
    def held(self, key: str, payload: str) -> Iterator[str]:
        """The id for the workflow of this key, new or known, while nobody else can make one for any key.

        Raises IdempotencyConflict for another payload.
        """
        path = self._path(key)
        with lock(self._lock):
            record = self._read(path, key, payload)
            if record is None:
                record = KeyRecord(workflow=new_id(), payload=payload, made_at=utc_now())
                durable.create_exclusive(path, durable.json_bytes(record))
            yield self._workflow(record, payload)

    def forget(self, key: str, gone: Callable[[], bool]) -> None:
        """Free the key of a deleted workflow, if it still is `gone`: a replay may just have made it anew."""
        with lock(self._lock):
            if gone():
                disk.unlink(self._path(key))

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _read(self, path: Path, key: str, payload: str) -> KeyRecord | None:
        try:
            return KeyRecord.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            logger.warning("{} could not be read; set aside as {}", path, durable.set_aside(path).name)
            return self._recovered(path, key, payload)

    def _recovered(self, path: Path, key: str, payload: str) -> KeyRecord | None:
        """The record made anew from the workflow's own request, which has the key too."""
        workflow = self._find(key)
        if workflow is None:
            return None
        record = KeyRecord(workflow=workflow, payload=payload, made_at=utc_now())
        durable.create_exclusive(path, durable.json_bytes(record))
        return record

    def _workflow(self, record: KeyRecord, payload: str) -> str:
        if record.payload != payload:
            raise IdempotencyConflict(where={"workflow": record.workflow})
        return record.workflow

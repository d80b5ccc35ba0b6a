"""`idempotency/<sha256 of the key>.json`: which workflow a key stands for."""

from pydantic import Field

from models.base import SCHEMA_VERSION, FileModel, Timestamp


class KeyRecord(FileModel):
    """Made exclusively, before the workflow's folder; a key without a folder gets it at the next POST."""

    schema_version: int = SCHEMA_VERSION
    workflow: str = Field(description="The id that the workflow of this key has, or will have.")
    payload: str = Field(description="sha256 of the canonical JSON of template, params and options.")
    made_at: Timestamp

"""Looks at recordings, without HTTP: what is asked is checked here, and done in a process beside this one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bagmill.dataset.spec import Spec, plain
from bagmill.errors import RecordingError, SelectionError, SpecError
from bagmill.faults import Fault
from config import Settings
from models.look import Kind, LookBody, LookRequest, PreviewBody
from services import sources
from services.config_service import Resolved, resolve
from services.configs.given import spec_of
from services.looks.pool import Looks

THREADS = 2
"""Of one look: somebody waits for it."""


class LookService:
    """Looks for one API process; all are begun and ended on its event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._looks = Looks(settings)

    async def inspect(self, asked: LookBody) -> bytes:
        """What is in a recording, as a line of JSON. Raises InvalidRequest, RecordingError, LookError."""
        return await self._look("inspect", asked.recording, {})

    async def draft(self, asked: LookBody) -> bytes:
        """A spec for a recording, as a line of JSON.

        Raises:
            InvalidRequest, RecordingError, LookError.
            NothingSelected: there is nothing in it that a model can learn from.
        """
        return await self._look("draft", asked.recording, {})

    async def preview(self, asked: PreviewBody) -> bytes:
        """The first rows that a spec makes, as a line of JSON.

        Raises:
            InvalidRequest, SpecError, RecordingError, LookError.
        """
        given = await asyncio.to_thread(self._given, asked)
        spec = given.spec if isinstance(given, Resolved) else given
        with _pointing_at(given):
            return await self._look("preview", asked.recording, {"spec": plain(spec), "rows": asked.rows})

    async def close(self) -> None:
        """End the processes."""
        await self._looks.close()

    async def _look(self, kind: Kind, recording: str, params: dict[str, Any]) -> bytes:
        try:
            path = (await asyncio.to_thread(sources.stamp, recording, self._settings.recordings_dir)).path
            request = LookRequest(kind=kind, recording=path, params=params, threads=THREADS)
            return await self._looks.look(request)
        except RecordingError as error:
            error.where["pointer"] = "/recording"
            raise

    def _given(self, asked: PreviewBody) -> Spec | Resolved:
        if asked.config is not None:
            return resolve(self._settings.configs_dir, asked.config, asked.revision)
        assert asked.spec is not None
        return spec_of(asked.spec, "/spec")


@contextmanager
def _pointing_at(given: Spec | Resolved) -> Iterator[None]:
    """Have the faults of a spec point into the request, or at the name of the config that has it."""
    try:
        yield
    except (SpecError, SelectionError) as error:
        if isinstance(given, Resolved):
            error.where |= {"config": given.config, "revision": given.revision}
            error.items = tuple(_told_of(item) for item in error.items)
        else:
            error.items = tuple(item._replace(pointer=f"/spec{item.pointer}") for item in error.items)
        if "pointer" in error.where:
            inside = isinstance(given, Spec)
            error.where["pointer"] = f"/spec{error.where['pointer']}" if inside else "/config"
        raise


def _told_of(fault: Fault) -> Fault:
    """A fault of a spec that does not stand in the request: its place is told in words."""
    return fault._replace(pointer="/config", detail=f"{fault.pointer}: {fault.detail}")

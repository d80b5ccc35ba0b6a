"""The API: `uvicorn app:app`, or `python app.py` with HOST and PORT from the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi_offline import FastAPIOffline
from loguru import logger

from bagmill import __version__
from bagmill.errors import BagmillError
from config import LogFormat, Settings
from routes import (
    capabilities,
    configs,
    errors,
    events,
    files,
    openapi,
    queue,
    specs,
    submit,
    system,
    templates,
    workflows,
)
from routes.common import known_names_only
from routes.guard import Guard
from routes.policy import Policy
from routes.stopping import Stopping
from services import logs
from services.autostart import Autostart
from services.config_service import ConfigService
from services.look_service import LookService
from services.workflow_service import WorkflowService


def create_app(settings: Settings) -> FastAPI:
    """The app for these settings. Nothing on disk is touched before its lifespan begins."""
    service, saved, stopping = WorkflowService(settings), ConfigService(settings), Stopping()
    looks = LookService(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        logs.configure(settings)
        if settings.log_format is LogFormat.JSON:
            logs.take_over("uvicorn", "uvicorn.error", "uvicorn.access")
        await run_in_threadpool(_prepare, service, saved)
        with Autostart(settings), stopping.listening():
            yield
        await looks.close()
        await run_in_threadpool(service.finish)

    app: FastAPI = FastAPIOffline(
        title="Bagmill",
        version=__version__,
        description="Turns robot recordings into datasets on this machine.",
        lifespan=lifespan,
        swagger_ui_parameters={"validatorUrl": None},  # it would ask a server on the internet
    )
    app.state.service, app.state.configs = service, saved
    app.state.looks, app.state.stopping = looks, stopping
    app.include_router(_api())
    app.include_router(system.router)
    openapi.describe(app)
    app.add_middleware(Guard, settings=settings)
    errors.install(app)
    app.add_middleware(Policy)
    return app


def _prepare(service: WorkflowService, saved: ConfigService) -> None:
    try:
        service.prepare()
        saved.prepare()
    except BagmillError as error:
        logger.error("the API can't start: {} {}", error, error.hint)
        raise


def _api() -> APIRouter:
    api = APIRouter(prefix="/api", dependencies=[Depends(known_names_only)])
    for module in (templates, submit, workflows, events, files, queue, configs, capabilities, specs):
        api.include_router(module.router)
    api.include_router(system.api)
    return api


app = create_app(Settings())

if __name__ == "__main__":
    uvicorn.run(app, host=(settings := Settings()).host, port=settings.port)

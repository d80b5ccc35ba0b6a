"""What several routers need: the service, checked query names, documented problems."""

from collections import Counter
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from pydantic import BeforeValidator

from bagmill.faults import Fault, token
from bagmill.suggestions import did_you_mean
from models.problem import Problem
from routes.stopping import Stopping
from services.config_service import ConfigService
from services.errors import InvalidRequest
from services.look_service import LookService
from services.workflow_service import WorkflowService

MANY = frozenset({"status"})
"""Query names that may stand more than once."""


def _service(request: Request) -> WorkflowService:
    service: WorkflowService = request.app.state.service
    return service


def _configs(request: Request) -> ConfigService:
    configs: ConfigService = request.app.state.configs
    return configs


def _looks(request: Request) -> LookService:
    looks: LookService = request.app.state.looks
    return looks


def _stopping(request: Request) -> Stopping:
    stopping: Stopping = request.app.state.stopping
    return stopping


Service = Annotated[WorkflowService, Depends(_service)]
Configs = Annotated[ConfigService, Depends(_configs)]
LooksOf = Annotated[LookService, Depends(_looks)]
Stop = Annotated[Stopping, Depends(_stopping)]
EmptyIsNone = BeforeValidator(lambda value: None if value == "" else value)
"""For `?limit=&cursor=`: a name without a value is as good as none."""


def known_names_only(request: Request) -> None:
    """Refuse query names that the route does not know, and names that stand twice."""
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = [field.alias for field in get_flat_params(route.dependant) if isinstance(field.field_info, Query)]
    given = Counter(name for name, _ in request.query_params.multi_items())
    faults = [
        Fault(token(name), "There is no such name here.", did_you_mean(name, known))
        for name in given
        if name not in known
    ]
    twice = [name for name, count in given.items() if count > 1 and name in known and name not in MANY]
    faults += [Fault(token(name), "This stands more than once.") for name in twice]
    if faults:
        raise InvalidRequest(items=faults)


Responses = dict[int | str, dict[str, Any]]


def problems(**told: str) -> Responses:
    """The problems of a route for its documentation: `s404="..."`."""
    return {
        int(status.removeprefix("s")): {"model": Problem, "description": text}
        for status, text in told.items()
    }

"""Health, metrics, and what stands beside the API."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from models.api import Health, ProblemInfo
from routes.common import Service, problems
from routes.errors import status_of_class
from routes.exceptions import NoSuchRoute
from services.problems import kinds, title_of

api = APIRouter(tags=["system"])
router = APIRouter(tags=["system"])


@api.get("/health", responses={503: {"model": Health, "description": "Not healthy; `problems` says why."}})
def health(service: Service, response: Response) -> Health:
    """Whether the API can read and write its folders; worker, queue and disk facts beside it."""
    found = service.health()
    response.status_code = 200 if found.status == "healthy" else 503
    return found


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(service: Service) -> Response:
    """Prometheus text, computed from the files: any API process gives the same."""
    return Response(service.metrics(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


@router.get("/problems/{code}", responses=problems(s404="There is no such kind of problem."))
def explain_problem(code: str) -> ProblemInfo:
    """What the `type` of a problem object leads to."""
    kind = kinds().get(code)
    if kind is None:
        raise NoSuchRoute(
            f"There is no kind of problem {code[:100]!r}.", hint="docs/errors.md lists them all."
        )
    return ProblemInfo(code=code, title=title_of(kind), hint=kind.default_hint, status=status_of_class(kind))


@router.get("/", include_in_schema=False)
def root() -> RedirectResponse:
    """To the documentation."""
    return RedirectResponse("/docs")

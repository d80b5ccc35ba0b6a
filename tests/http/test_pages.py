"""What stands beside the API: documentation without the internet, problem pages, errors of HTTP itself."""

import re
import socket
from urllib.parse import urlsplit

import httpx2
import pytest

from config import Settings
from routes.errors import status_of_class
from services.problems import kinds
from tests.support.processes import python

URL = re.compile(r"""(?:src|href|url)\s*[=:(]\s*["']?([^"'\s)>]+)""")


def test_the_root_leads_to_the_documentation(http: httpx2.Client) -> None:
    answer = http.get("/")

    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_documentation_needs_no_internet(http: httpx2.Client, page: str) -> None:
    answer = http.get(page)

    addresses = URL.findall(answer.text)
    assert answer.status_code == 200
    assert any("favicon" in address for address in addresses)
    for address in addresses:
        assert not urlsplit(address).netloc, address
        assert http.get(address).status_code == 200, address
    assert "//" not in re.sub(r"(?m)//.*$|<!--.*?-->", "", answer.text).replace("</", "")


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_a_browser_may_not_leave_the_machine_for_it(http: httpx2.Client, page: str) -> None:
    """The viewers' own code has addresses in it, of a logo and of a validator."""
    policy = http.get(page).headers["content-security-policy"]

    sources = {source for rule in policy.split(";") for source in rule.split()[1:]}
    assert "default-src 'self'" in policy
    assert sources <= {"'self'", "'unsafe-inline'", "'unsafe-eval'", "'none'", "data:", "blob:"}
    assert "validatorUrl" not in http.get("/docs").text or '"validatorUrl": null' in http.get("/docs").text


def test_the_description_of_the_api_is_whole(http: httpx2.Client) -> None:
    document = http.get("/openapi.json").json()

    text = str(document)
    references = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert references <= set(document["components"]["schemas"])
    assert "$defs" not in text
    assert "HTTPValidationError" not in text
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            assert "default" in answers, (method, path)
            for status, answer in answers.items():
                if status.startswith("4"):
                    assert list(answer["content"]) == ["application/problem+json"], (method, path, status)


def test_each_kind_of_problem_has_its_page(http: httpx2.Client) -> None:
    for code, kind in kinds().items():
        page = http.get(f"/problems/{code}").json()
        assert page["code"] == code
        assert page["title"]
        assert page["hint"]
        assert page["status"] == status_of_class(kind)
    assert http.get("/problems/nonsense").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "no_such_route"),
        ("GET", "/api", 404, "no_such_route"),
        ("GET", "/api/", 404, "no_such_route"),
        ("GET", "/api/workflows/x/y/z", 404, "no_such_route"),
        ("GET", "/static-offline-docs/nothing.js", 404, "no_such_route"),
        ("GET", "/static-offline-docs/../core.py", 404, "no_such_route"),
        ("GET", "/static-offline-docs/%2e%2e/core.py", 404, "no_such_route"),
        ("PUT", "/api/workflows", 405, "method_not_allowed"),
        ("POST", "/api/workflows", 405, "method_not_allowed"),
        ("GET", "/api/queue/pause", 405, "method_not_allowed"),
        ("BREW", "/api/health", 405, "method_not_allowed"),
        ("POST", "/docs", 405, "method_not_allowed"),
        ("GET", "/api/health?verbose=1", 422, "invalid_request"),
        ("GET", "/api/workflows?q=%ff", 400, "invalid_encoding"),
        ("GET", "/api/workflows/%ff", 400, "invalid_encoding"),
        ("GET", "/%c0%ae%c0%ae/", 400, "invalid_encoding"),
    ],
)
def test_errors_of_http_are_problems_too(
    http: httpx2.Client, method: str, path: str, status: int, code: str
) -> None:
    answer = http.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["hint"]


def test_allow_names_all_methods(http: httpx2.Client) -> None:
    assert http.put("/api/workflows/x").headers["allow"] == "DELETE, GET, PATCH"
    assert http.put("/api/workflows/from-template").headers["allow"] == "DELETE, GET, PATCH, POST"


def test_an_address_with_a_slash_too_many_leads_on(http: httpx2.Client) -> None:
    assert http.get("/api/workflows/", follow_redirects=True).status_code == 200


def test_a_redirect_does_not_leave_the_host(http: httpx2.Client) -> None:
    answer = http.get("/api/templates/", follow_redirects=False)

    assert answer.status_code == 307
    assert urlsplit(answer.headers["location"]).path == "/api/templates"


def test_what_is_no_http_ends_only_its_own_connection(http: httpx2.Client, settings: Settings) -> None:
    for garbage in (
        b"\x00\xff" * 100,
        b"GET /\r\n\r\n",
        b"POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", settings.port), timeout=30) as connection:
            connection.sendall(garbage + b"\r\n\r\n")
            connection.recv(1024)

    assert http.get("/api/health").status_code == 200


def test_the_api_loads_no_reader(http: httpx2.Client) -> None:
    """Nor at its start, nor for a request: what it imports is what it has."""
    code = (
        "import sys, app; from services import workflow_service, submission\n"
        "print([name for name in ('pyarrow', 'rerun', 'numpy', 'mcap') if name in sys.modules])"
    )

    assert python("-c", code).stdout.strip() == "[]"

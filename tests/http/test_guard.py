"""Hosts and origins: a web page must not drive a tool on localhost."""

import socket

import httpx2
import pytest

from config import Settings
from routes.guard import Guard
from tests.support.places import settings_in
from tests.support.server import Server


def code(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1234", "127.0.0.1:8000", "[::1]:8000", "localhost."]
)
def test_own_names_are_answered(http: httpx2.Client, host: str) -> None:
    assert http.get("/api/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:8000",
        "evil@localhost",
        "localhost@evil.example",
        "localhost/evil",
        "192.168.1.1",
        "[::2]",
        "localhost:port",
    ],
)
@pytest.mark.parametrize("path", ["/api/health", "/api/workflows", "/metrics", "/docs"])
def test_other_names_are_not(http: httpx2.Client, host: str, path: str) -> None:
    assert code(http.get(path, headers={"Host": host})) == (421, "unknown_host")


def test_a_request_without_a_host_is_not_answered(settings: Settings) -> None:
    with socket.create_connection(("127.0.0.1", settings.port)) as connection:
        connection.sendall(b"GET /api/health HTTP/1.0\r\n\r\n")
        answer = connection.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 421 ")


WRITES = [
    ("POST", "/api/workflows/from-template?template_id=test"),
    ("POST", "/api/queue/pause"),
    ("POST", "/api/workflows/x/cancel"),
    ("PATCH", "/api/workflows/x"),
    ("DELETE", "/api/workflows/x"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "garbage"},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "nonsense"},
    ],
)
def test_pages_of_other_sites_change_nothing(
    http: httpx2.Client, method: str, path: str, headers: dict[str, str]
) -> None:
    assert code(http.request(method, path, headers=headers)) == (403, "foreign_origin")
    assert http.get("/api/queue").json()["paused"] is False


def test_own_pages_and_programs_may_write(http: httpx2.Client, settings: Settings) -> None:
    for headers in (
        {},
        {"Origin": f"http://127.0.0.1:{settings.port}"},
        {"Origin": f"http://127.0.0.1:{settings.port}", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ):
        assert http.post("/api/queue/resume", headers=headers).status_code == 200


def test_pages_of_other_sites_may_not_read_either(http: httpx2.Client) -> None:
    """They may send the request, but no header lets them see the answer."""
    answer = http.get("/api/health", headers={"Origin": "https://evil.example"})

    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_hosts_can_be_added(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = settings_in(tmp_path_factory.mktemp("named"), allowed_hosts=["Robot-Lab"])
    with Server(settings) as server:
        server.start(worker=False)
        answers = {
            host: server.http.get("/api/health", headers={"Host": host}).status_code
            for host in ("robot-lab:8000", "robot-lab.evil.example", "localhost")
        }

    assert answers == {"robot-lab:8000": 200, "robot-lab.evil.example": 421, "localhost": 200}


@pytest.mark.parametrize(
    ("host", "asked", "answer"),
    [
        ("0.0.0.0", "192.168.1.20:8000", True),
        ("0.0.0.0", "evil.example", False),
        ("::", "[fe80::1]:8000", True),
        ("192.168.1.20", "192.168.1.20:8000", True),
        ("192.168.1.20", "192.168.1.21", False),
        ("127.0.0.1", "", False),
    ],
)
def test_a_server_that_listens_everywhere_answers_to_addresses(
    tmp_path_factory: pytest.TempPathFactory, host: str, asked: str, answer: bool
) -> None:
    async def nothing(*_: object) -> None:
        return

    guard = Guard(nothing, settings_in(tmp_path_factory.mktemp("guard"), host=host))

    assert guard.answers_to(asked) is answer

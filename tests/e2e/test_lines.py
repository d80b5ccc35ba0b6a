"""The lines of the README, sent byte for byte as curl sends them."""

import json
import re
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.conftest import Sample
from tests.support.results import read_json, rows_by_topic, verified
from tests.support.server import Server

JSON = {"Content-Type": "application/json"}


def sent(server: Server, method: str, target: str) -> tuple[int, dict[str, str], Any]:
    """(status, headers, JSON) of a request with an empty body, its target as it stands."""
    connection = HTTPConnection("127.0.0.1", server.settings.port, timeout=30)
    try:
        connection.request(method, target, headers=JSON)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())
    finally:
        connection.close()


def test_health(shared_server: Server) -> None:
    status, _, health = sent(shared_server, "GET", "/api/health")

    assert status == 200
    assert health["status"] == "healthy"


def test_the_self_check_as_curl_sends_it(shared_server: Server) -> None:
    target = "/api/workflows/from-template?template_id=test&params={}"
    status, headers, accepted = sent(shared_server, "POST", target)

    assert status == 202
    assert headers["location"] == f"/api/workflows/{accepted['id']}"
    state = shared_server.wait(accepted["id"])
    assert state["status"] == "completed", state
    assert state["warnings"] == []
    folder = shared_server.folder(accepted["id"])
    made = read_json(folder / "sample" / "manifest.json")["topics"]
    assert rows_by_topic(folder / "convert") == made
    assert verified(folder / "visualize" / "recording.rrd")


def test_everything_in_the_recordings_folder_as_curl_sends_it(shared_server: Server, sample: Sample) -> None:
    target = "/api/workflows/from-template?template_id=data_processing&params={}"
    status, _, accepted = sent(shared_server, "POST", target)

    assert status == 202
    state = shared_server.wait(accepted["id"])
    assert state["status"] == "completed", state
    assert state["children"]["completed"] == 1
    children = shared_server.http.get("/api/workflows", params={"parent": accepted["id"]}).json()["items"]
    assert [child["status"] for child in children] == ["completed"]
    assert rows_by_topic(shared_server.folder(children[0]["id"]) / "convert") == sample.messages


def test_the_list(shared_server: Server) -> None:
    status, _, listed = sent(shared_server, "GET", "/api/workflows")

    assert status == 200
    assert listed["next"] is None
    assert {item["template"] for item in listed["items"]} == {"test", "data_processing"}


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_pages_reach_nothing_outside(shared_server: Server, page: str) -> None:
    answer = shared_server.http.get(page)
    linked = re.findall(r"""(?:src|href)=["']([^"']+)""", answer.text)

    assert answer.status_code == 200
    assert linked
    assert not [link for link in linked if "//" in link]
    for link in linked:
        assert shared_server.http.get(link).status_code == 200, link

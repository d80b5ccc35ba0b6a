"""Lists, states, entity tags, long polls."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from config import Settings
from models.api import Patch
from services.ids import new_id
from services.workflow_service import WorkflowService
from tests.support.server import Server


@pytest.fixture
def made(api: Server, drive: Path) -> dict[str, str]:
    """One workflow of each of some templates: id by template."""
    return {
        "index": api.submit("index", {"recording": drive.name})["id"],
        "convert": api.submit("convert", {"recording": str(drive)})["id"],
        "test": api.submit("test")["id"],
    }


def listed(http: httpx2.Client, **query: Any) -> list[str]:
    answer = http.get("/api/workflows", params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_the_newest_comes_first(http: httpx2.Client, made: dict[str, str]) -> None:
    assert listed(http)[:3] == list(reversed(made.values()))


def test_an_item_tells_what_a_table_shows(http: httpx2.Client, made: dict[str, str]) -> None:
    item = http.get("/api/workflows").json()["items"][0]

    assert item["id"] == made["test"]
    assert item["template"] == "test"
    assert item["status"] == "queued"
    assert [step["name"] for step in item["steps"]] == ["sample", "index", "convert", "visualize"]
    assert "outputs" not in item["steps"][0]


def test_filters(http: httpx2.Client, made: dict[str, str]) -> None:
    http.post(f"/api/workflows/{made['test']}/cancel")

    assert made["test"] in listed(http, status="cancelled")
    assert made["test"] not in listed(http, status="queued")
    assert {made["test"], made["index"]} <= set(listed(http, status=["cancelled", "queued"]))
    assert made["convert"] in listed(http, template="convert")
    assert made["index"] not in listed(http, template="convert")
    assert made["index"] in listed(http, q="DRIVE.mc")
    assert made["test"] not in listed(http, q="drive.mcap")
    assert listed(http, q=made["index"].lower()) == [made["index"]]
    assert listed(http, parent=made["index"]) == []
    assert listed(http, q="no such thing") == []


def test_names_without_values_are_none(http: httpx2.Client, made: dict[str, str]) -> None:
    answer = http.get("/api/workflows?status=&template=&parent=&q=&limit=&cursor=")

    assert answer.status_code == 200
    assert answer.json()["items"][0]["id"] == made["test"]


def test_pages_are_stable_while_more_come(api: Server, http: httpx2.Client, made: dict[str, str]) -> None:
    everything = listed(http, limit=500)
    seen: list[str] = []
    cursor = None
    while True:
        page = http.get("/api/workflows", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [item["id"] for item in page["items"]]
        api.submit("test")
        if not (cursor := page["next"]):
            break

    assert made["test"] in everything
    assert seen == everything


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=501", "/limit"),
        ("limit=ten", "/limit"),
        ("limit=1&limit=2", "/limit"),
        ("status=broken", "/status/0"),
        ("cursor=zzz", "/cursor"),
        ("stauts=failed", "/stauts"),
        ("q=" + "x" * 2000, "/q"),
    ],
)
def test_bad_filters_are_pointed_at(http: httpx2.Client, query: str, pointer: str) -> None:
    answer = http.get(f"/api/workflows?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_an_unreadable_state_hides_no_other(api: Server, http: httpx2.Client, made: dict[str, str]) -> None:
    state = api.folder(made["convert"]) / "state.json"
    state.write_bytes(b'{"id": ')
    try:
        page = http.get("/api/workflows").json()
        alone = http.get(f"/api/workflows/{made['convert']}")
        metrics = http.get("/metrics")
    finally:
        (api.folder(made["convert"]) / "request.json").unlink()

    ids = [item["id"] for item in page["items"]]
    assert {made["test"], made["index"]} <= set(ids)
    assert made["convert"] not in ids
    assert [(one["id"], one["problem"]["code"]) for one in page["unreadable"]] == [
        (made["convert"], "state_unreadable")
    ]
    assert (alone.status_code, alone.json()["code"]) == (500, "state_unreadable")
    assert metrics.status_code == 200
    assert http.delete(f"/api/workflows/{made['convert']}").status_code == 204


def test_an_edited_state_hides_no_other(api: Server, http: httpx2.Client, made: dict[str, str]) -> None:
    workflow = api.submit("test")["id"]
    path = api.folder(workflow) / "state.json"
    path.write_text(path.read_text().replace('"params": {}', '"params": {"recording": 5, "recordings": [1]}'))

    assert workflow in {item["id"] for item in http.get("/api/workflows?limit=500").json()["items"]}
    assert http.get("/metrics").status_code == 200
    shutil.rmtree(path.parent)


def test_folders_that_are_no_workflows_are_passed_over(http: httpx2.Client, settings: Settings) -> None:
    (settings.workflows_dir / "notes").mkdir(exist_ok=True)
    (settings.workflows_dir / "README.md").write_text("mine")

    assert http.get("/api/workflows").status_code == 200


@pytest.mark.parametrize("workflow", ["nonsense", "01", "..", "%2e%2e", "x" * 300, "a%00b", "a%0ab"])
@pytest.mark.parametrize(
    "call", ["GET ", "GET /events", "GET /files/state.json", "POST /cancel", "POST /retry"]
)
def test_an_id_that_is_none_is_not_found(http: httpx2.Client, workflow: str, call: str) -> None:
    method, rest = call.split(" ")

    answer = http.request(method, f"/api/workflows/{workflow}{rest}")

    assert answer.status_code == 404, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_id_of_nobody_is_not_found(http: httpx2.Client) -> None:
    for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/retry")):
        answer = http.request(method, f"/api/workflows/{new_id()}{rest}", json={"pinned": True})

        assert (answer.status_code, answer.json()["code"]) == (404, "workflow_not_found")


def test_the_tag_is_the_revision(http: httpx2.Client, made: dict[str, str]) -> None:
    address = f"/api/workflows/{made['test']}"
    first = http.get(address)
    tag = first.headers["etag"]

    assert tag == f'"{first.json()["revision"]}"'
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        unchanged = http.get(address, headers={"If-None-Match": known})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert unchanged.headers["etag"] == tag
    assert http.get(address, headers={"If-None-Match": '"999"'}).status_code == 200
    http.patch(address, json={"priority": 3})
    changed = http.get(address, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_a_wait_ends_with_a_change(
    http: httpx2.Client, made: dict[str, str], engine: WorkflowService
) -> None:
    address = f"/api/workflows/{made['test']}"
    tag = http.get(address).headers["etag"]

    with ThreadPoolExecutor(2) as pool:
        with_tag = pool.submit(http.get, address, params={"wait": 60}, headers={"If-None-Match": tag})
        without = pool.submit(http.get, address, params={"wait": 60})
        assert not with_tag.done()
        assert http.get("/api/health").status_code == 200
        while not (with_tag.done() and without.done()):
            priority = (engine.get(made["test"]).priority + 1) % 100
            engine.change(made["test"], Patch(priority=priority))

    assert with_tag.result().status_code == without.result().status_code == 200
    assert with_tag.result().headers["etag"] != tag


def test_a_wait_ends_with_its_time(http: httpx2.Client, made: dict[str, str]) -> None:
    address = f"/api/workflows/{made['test']}"
    tag = http.get(address).headers["etag"]

    assert http.get(f"{address}?wait=0.3", headers={"If-None-Match": tag}).status_code == 304
    assert http.get(f"{address}?wait=0.3").status_code == 200


def test_a_wait_ends_with_the_workflow(http: httpx2.Client, made: dict[str, str]) -> None:
    address = f"/api/workflows/{made['test']}"
    http.post(f"{address}/cancel")
    tag = http.get(address).headers["etag"]

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(http.get, address, params={"wait": 60}, headers={"If-None-Match": tag})
        assert http.delete(address).status_code == 204

    assert waiting.result().status_code == 404


@pytest.mark.parametrize("wait", ["-1", "61", "nan", "inf", "soon"])
def test_waits_that_are_none_are_refused(http: httpx2.Client, made: dict[str, str], wait: str) -> None:
    answer = http.get(f"/api/workflows/{made['test']}?wait={wait}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/wait"


def test_templates_have_the_schema_of_their_params(http: httpx2.Client) -> None:
    answer = http.get("/api/templates").json()

    templates = {template["id"]: template for template in answer["items"]}
    others = {"dataset", "extract", "data_processing", "test"}
    assert set(templates) == {"index", "convert", "visualize", "ingest"} | others
    assert "hz" in json.dumps(templates["dataset"]["params"])
    assert "recordings" in templates["ingest"]["params"]["properties"]
    assert templates["ingest"]["params"]["additionalProperties"] is False
    assert templates["test"]["params"]["properties"] == {}
    assert "priority" in answer["options"]["properties"]
    assert json.dumps(answer)


def test_the_queue_can_be_paused(http: httpx2.Client) -> None:
    assert http.post("/api/queue/pause").json()["paused"] is True
    assert http.get("/api/queue").json()["paused"] is True
    assert http.get("/api/health").json()["queue"]["paused"] is True
    assert http.post("/api/queue/resume").json()["paused"] is False


def test_health_tells_of_worker_queue_and_disk(http: httpx2.Client) -> None:
    answer = http.get("/api/health")

    health = answer.json()
    assert answer.status_code == 200
    assert health["status"] == "healthy"
    assert health["worker"] == {"running": False, "autostart": False, "workers": []}
    assert set(health["queue"]["counts"]) == {"ready", "delayed", "leased"}
    assert 0 < health["disk"]["free"] <= health["disk"]["total"]


def test_metrics_count_what_is_on_disk(http: httpx2.Client, made: dict[str, str]) -> None:
    answer = http.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    count = len(listed(http, limit=500, template="index", status="queued"))
    assert made["index"]
    assert f'bagmill_workflows{{status="queued",template="index"}} {float(count)}' in answer.text
    assert "bagmill_disk_free_bytes" in answer.text
    assert 'bagmill_queue_jobs{state="ready"}' in answer.text

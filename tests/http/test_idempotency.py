"""Idempotency-Key: one workflow for one key, whoever asks, however often, whatever broke in between."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from config import Settings
from services.ids import new_id
from services.workflow_service import WorkflowService
from tests.support.server import Server

FROM_TEMPLATE = "/api/workflows/from-template"


def post(http: httpx2.Client, key: str, template: str = "test", **params: Any) -> httpx2.Response:
    body = {"template_id": template, "params": params}
    return http.post(FROM_TEMPLATE, json=body, headers={"Idempotency-Key": key})


def key_file(settings: Settings, workflow: str) -> Path:
    """The file that names this workflow."""
    return next(path for path in settings.idempotency_dir.glob("*.json") if workflow in path.read_text())


def test_the_same_key_and_payload_answer_with_the_same_workflow(http: httpx2.Client) -> None:
    first, again = post(http, "one"), post(http, "one")

    assert (first.status_code, again.status_code) == (202, 202)
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]


def test_the_form_of_the_request_does_not_matter(http: httpx2.Client) -> None:
    first = post(http, "form")

    again = http.post(
        f"{FROM_TEMPLATE}?template_id=test&options=%7B%22priority%22:0%7D",
        headers={"Idempotency-Key": "form"},
    )

    assert again.json()["id"] == first.json()["id"]


def test_another_payload_is_a_conflict(http: httpx2.Client, drive: Path) -> None:
    post(http, "two", "index", recording=drive.name)

    answer = post(http, "two", "convert", recording=drive.name)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_conflict")


def test_a_refused_request_does_not_use_up_its_key(http: httpx2.Client) -> None:
    refused = post(http, "three", "index", recording="nothing.mcap")

    accepted = post(http, "three")

    assert (refused.status_code, accepted.status_code) == (422, 202)


def test_a_replay_does_not_look_at_the_recording_again(http: httpx2.Client, drive: Path) -> None:
    first = post(http, "four", "index", recording=drive.name)
    drive.unlink()

    again = post(http, "four", "index", recording=drive.name)

    assert again.status_code == 202
    assert again.json()["id"] == first.json()["id"]


def test_the_key_stands_in_the_folder_from_the_first(http: httpx2.Client, settings: Settings) -> None:
    workflow = post(http, "five").json()["id"]

    assert '"idempotency_key": "five"' in (settings.workflows_dir / workflow / "request.json").read_text()


def test_a_key_without_its_folder_leads_to_that_folder(http: httpx2.Client, settings: Settings) -> None:
    """As a crash between the two leaves it."""
    first = post(http, "six").json()["id"]
    planned = new_id()
    path = key_file(settings, first)
    path.write_text(path.read_text().replace(first, planned))

    again = post(http, "six")

    assert again.json()["id"] == planned
    assert "idempotent-replay" not in again.headers
    assert post(http, "six").json()["id"] == planned


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"workflow": "x"}'])
def test_a_bad_key_file_is_set_aside_and_made_anew(
    http: httpx2.Client, settings: Settings, content: bytes
) -> None:
    key = f"seven-{content!r}".replace(" ", "")
    first = post(http, key).json()["id"]
    path = key_file(settings, first)
    path.write_bytes(content)

    again = post(http, key)

    assert again.json()["id"] == first
    assert first in path.read_text()
    assert list(path.parent.glob(f"{path.name}.unreadable-*"))


def test_many_at_once_make_one_workflow(http: httpx2.Client, settings: Settings) -> None:
    """Half of them from another process's point of view."""
    engine = WorkflowService(settings)
    before = set(settings.workflows_dir.iterdir())
    from models.request import FromTemplate

    def by_http(_: int) -> str:
        return str(post(http, "eight").json()["id"])

    def directly(_: int) -> str:
        return engine.submit(FromTemplate(template_id="test"), "eight").state.id

    with ThreadPoolExecutor(8) as pool:
        ids = {*pool.map(by_http, range(8)), *pool.map(directly, range(8))}

    assert len(ids) == 1
    assert {path.name for path in set(settings.workflows_dir.iterdir()) - before} == ids


def test_a_deleted_workflow_frees_its_key(http: httpx2.Client) -> None:
    first = post(http, "nine").json()["id"]
    http.post(f"/api/workflows/{first}/cancel")
    assert http.delete(f"/api/workflows/{first}").status_code == 204

    again = post(http, "nine").json()["id"]

    assert again != first


def test_a_replay_during_a_delete_leaves_one_workflow(http: httpx2.Client, settings: Settings) -> None:
    def delete(workflow: str) -> None:
        http.delete(f"/api/workflows/{workflow}")

    with ThreadPoolExecutor(4) as pool:
        for number in range(5):
            key = f"twelve-{number}"
            first = post(http, key).json()["id"]
            http.post(f"/api/workflows/{first}/cancel")
            deleted = pool.submit(delete, first)
            for replay in [pool.submit(post, http, key) for _ in range(12)]:
                replay.result()
            deleted.result()

            requests = [path.read_text() for path in settings.workflows_dir.glob("*/request.json")]
            assert sum(f'"{key}"' in request for request in requests) <= 1


def test_a_key_outlives_a_restart(api: Server) -> None:
    first = post(api.http, "ten").json()["id"]
    api.kill()
    api.start(worker=False)

    assert post(api.http, "ten").json()["id"] == first


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ü"])
def test_keys_that_are_none_are_refused(http: httpx2.Client, key: str) -> None:
    answer = http.post(
        FROM_TEMPLATE, json={"template_id": "test"}, headers=[(b"idempotency-key", key.encode())]
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_two_keys_are_refused(http: httpx2.Client) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]

    answer = http.post(FROM_TEMPLATE, json={"template_id": "test"}, headers=headers)

    assert answer.status_code == 422

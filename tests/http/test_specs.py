"""Looks at recordings through HTTP: inspect, draft, preview."""

import shutil
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from bagmill.dataset.draft import Draft
from bagmill.dataset.inspect import Inspected
from config import Settings
from tests.conftest import Sample
from tests.support.places import settings_in
from tests.support.server import Server
from tests.support.waiting import wait_for

SPEC: dict[str, Any] = {
    "rows": {"kind": "trigger", "topic": "/camera/image/compressed"},
    "features": {
        "image": {"source": {"topic": "/camera/image/compressed"}},
        "position": {
            "source": {"topic": "/joint_states", "field": "position"},
            "dtype": "float32",
            "missing": {"policy": "drop_row"},
        },
        "gyro": {
            "source": {"topic": "/imu/data", "field": "angular_velocity"},
            "sync": {"policy": "nearest", "tolerance": 0.001},
            "transforms": [{"op": "normalize"}],
        },
    },
}


@pytest.fixture(scope="module")
def drive(api: Server, sample: Sample) -> str:
    """The sample, in RECORDINGS_DIR."""
    shutil.copy(sample.path, api.settings.recordings_dir / "sample.mcap")
    return "sample.mcap"


def preview(http: httpx2.Client, **body: Any) -> httpx2.Response:
    return http.post("/api/specs/preview", json=body)


def problem(answer: httpx2.Response) -> tuple[int, str, list[str]]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    return answer.status_code, body["code"], [error["pointer"] for error in body["errors"]]


def changed(**features: Any) -> dict[str, Any]:
    return SPEC | {"features": SPEC["features"] | features}


def test_a_preview_shows_rows(http: httpx2.Client, drive: str, sample: Sample) -> None:
    answer = preview(http, recording=drive, spec=SPEC, rows=3)

    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert len(body["rows"]) == 3
    first = body["rows"][0]
    assert list(first) == ["time", "time_ns", "episode_index", "frame_index", "index", *SPEC["features"]]
    assert first["image"]["media_type"] == "image/jpeg"
    assert len(first["position"]) > 2
    assert body["window"]["whole"]
    assert body["messages"]["/camera/image/compressed"] == sample.messages["/camera/image/compressed"]
    assert body["candidates"] == sample.messages["/camera/image/compressed"]
    assert body["features"]["position"]["type"].startswith("float32[")


def test_what_is_in_a_recording_is_told(http: httpx2.Client, drive: str, sample: Sample) -> None:
    answer = http.post("/api/specs/inspect", json={"recording": drive})

    assert answer.status_code == 200, answer.text
    told = Inspected.model_validate(answer.json())
    assert {topic.topic: topic.messages for topic in told.topics} == sample.messages


def test_a_draft_can_be_previewed_and_saved(http: httpx2.Client, drive: str) -> None:
    answer = http.post("/api/specs/draft", json={"recording": drive})

    assert answer.status_code == 200, answer.text
    draft = Draft.model_validate(answer.json())
    assert preview(http, recording=drive, spec=draft.spec).json()["rows"]
    saved = http.post("/api/configs", json={"name": "drafted", "spec": draft.yaml})
    assert saved.json()["text"] == draft.yaml


@pytest.mark.parametrize("kind", ["inspect", "draft", "preview"])
def test_a_look_needs_a_recording(http: httpx2.Client, kind: str) -> None:
    bodies: list[dict[str, Any]] = [{"spec": SPEC} if kind == "preview" else {}, {"recording": "no.mcap"}]
    bodies[1] |= bodies[0]

    nothing, nowhere = (http.post(f"/api/specs/{kind}", json=body) for body in bodies)

    assert problem(nothing) == (422, "invalid_request", ["/recording"])
    assert problem(nowhere) == (422, "recording_not_found", ["/recording"])


def test_a_saved_config_can_be_previewed(http: httpx2.Client, drive: str) -> None:
    http.post("/api/configs", json={"name": "cam", "spec": SPEC})

    by_name = preview(http, recording=drive, config="CAM", revision=1, rows=2)

    assert by_name.json() == preview(http, recording=drive, spec=SPEC, rows=2).json()


def test_faults_point_into_the_request(http: httpx2.Client, drive: str) -> None:
    far = changed(position={"source": {"topic": "/joint_state", "field": "position"}})
    http.post("/api/configs", json={"name": "far", "spec": far})

    of_spec = preview(http, recording=drive, spec=far)
    of_config = preview(http, recording=drive, config="far")

    assert problem(of_spec) == (422, "spec_unfit", ["/spec/features/position/source/topic"])
    assert "/joint_states" in of_spec.json()["errors"][0]["hint"]
    assert problem(of_config) == (422, "spec_unfit", ["/config"])
    assert "/features/position/source/topic" in of_config.json()["errors"][0]["detail"]
    assert of_config.json()["where"]["revision"] == 1


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"recording": "none.mcap", "spec": SPEC}, "recording_not_found", "/recording"),
        ({"recording": "sample.mcap"}, "invalid_request", ""),
        ({"recording": "sample.mcap", "spec": SPEC, "config": "x"}, "invalid_request", ""),
        ({"recording": "sample.mcap", "spec": SPEC, "revision": 1}, "invalid_request", ""),
        ({"recording": "sample.mcap", "config": "nothing"}, "invalid_request", "/config"),
        ({"recording": "sample.mcap", "spec": SPEC, "rows": -1}, "invalid_request", "/rows"),
        ({"recording": "sample.mcap", "spec": SPEC | {"rows": 3}}, "spec_invalid", "/spec/rows"),
        ({"recording": "sample.mcap", "spec": "{"}, "spec_unreadable", "/spec"),
        ({"recording": "sample.mcap", "spec": SPEC, "speck": 1}, "invalid_request", "/speck"),
    ],
)
def test_what_can_not_be_previewed_is_refused(
    http: httpx2.Client, drive: str, body: dict[str, Any], code: str, pointer: str
) -> None:
    assert problem(preview(http, **body)) == (422, code, [pointer])


def test_a_recording_that_is_damaged_is_told(http: httpx2.Client, settings: Settings, drive: str) -> None:
    (settings.recordings_dir / "bad.mcap").write_bytes(b"\x89MCAP0\r\n" + bytes(1000))

    answer = preview(http, recording="bad.mcap", spec=SPEC)

    assert problem(answer) == (422, "recording_damaged", ["/recording"])


def warm(server: Server) -> psutil.Process:
    """The process that waits for the next look."""
    api = server.api
    assert api
    (child,) = wait_for(lambda: [one for one in api.family()[1:] if one.is_running()], "its process")
    return child


def test_a_client_that_goes_away_ends_the_look(api: Server, http: httpx2.Client, drive: str) -> None:
    assert preview(http, recording=drive, spec=SPEC).status_code == 200
    child = warm(api)
    child.suspend()

    with pytest.raises(httpx2.TimeoutException):
        http.post("/api/specs/preview", json={"recording": drive, "spec": SPEC}, timeout=0.5)

    wait_for(lambda: not child.is_running() or child.status() == "zombie", "the end of the look")
    assert preview(http, recording=drive, spec=SPEC).status_code == 200
    assert warm(api).pid != child.pid


def test_a_server_that_stops_waits_for_no_look(tmp_path: Path, sample: Sample) -> None:
    with Server(settings_in(tmp_path)) as server:
        server.start(worker=False)
        body = {"recording": str(sample.path), "spec": SPEC}
        assert server.http.post("/api/specs/preview", json=body).status_code == 200
        child = warm(server)
        child.suspend()
        answers: list[httpx2.Response] = []
        asking = threading.Thread(
            target=lambda: answers.append(server.http.post("/api/specs/preview", json=body))
        )
        asking.start()
        time.sleep(0.5)  # there is nothing to be seen of a request that is being answered
        assert server.api

        server.api.stop()

        asking.join()
        assert [problem(answer)[:2] for answer in answers] == [(429, "looks_busy")]
        assert not child.is_running()

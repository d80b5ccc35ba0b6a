"""POST /api/workflows/from-template: both forms, what is accepted, and what is refused with which words."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import httpx2
import pytest

from config import Settings
from services.ids import is_id
from tests.http.conftest import MCAP
from tests.support.places import settings_in
from tests.support.processes import start_api
from tests.support.server import Server

FROM_TEMPLATE = "/api/workflows/from-template"


def post(http: httpx2.Client, template: str, params: dict[str, Any], **options: Any) -> httpx2.Response:
    return http.post(FROM_TEMPLATE, json={"template_id": template, "params": params, "options": options})


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The problem object of an answer, which must have this status and code, and say what to do."""
    found: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, found["status"], found["code"]) == (status, status, code), found
    assert found["type"] == f"/problems/{code}"
    assert found["title"]
    assert found["detail"]
    assert found["hint"]
    return found


def test_the_lines_of_the_readme(http: httpx2.Client) -> None:
    """A query form with raw braces, and a JSON content type without a body."""
    for template in ("test", "data_processing"):
        answer = http.post(
            f"{FROM_TEMPLATE}?template_id={template}&params={{}}",
            headers={"Content-Type": "application/json"},
        )

        assert answer.status_code == 202, answer.text
        assert answer.json()["template"] == template


def test_raw_braces_reach_the_server_as_they_are(settings: Settings) -> None:
    """As `curl -g` sends them: clients of Python escape them."""
    request = (
        f"POST {FROM_TEMPLATE}?template_id=test&params={{}} HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", settings.port)) as connection:
        connection.sendall(request.encode())
        head = connection.recv(65536)

    assert head.startswith(b"HTTP/1.1 202 ")


def test_an_accepted_workflow_is_on_disk(http: httpx2.Client, settings: Settings, drive: Path) -> None:
    answer = post(http, "ingest", {"recording": "drive.mcap", "topics": "/imu*"}, priority=5, pinned=True)

    state = answer.json()
    folder = settings.workflows_dir / state["id"]
    assert answer.status_code == 202
    assert is_id(state["id"])
    assert answer.headers["location"] == f"/api/workflows/{state['id']}"
    assert json.loads((folder / "state.json").read_text()) == state
    assert state["params"] == {"recording": "drive.mcap", "topics": "/imu*"}
    assert (state["priority"], state["pinned"]) == (5, True)
    assert state["source"]["path"] == str(drive)
    assert state["source"]["size"] == len(MCAP)
    assert state["source"]["mtime_ns"] == drive.stat().st_mtime_ns
    assert [(s["name"], s["status"], s["needs"]) for s in state["steps"]] == [
        ("index", "queued", []),
        ("convert", "pending", ["index"]),
        ("visualize", "pending", ["index"]),
    ]
    queued = http.get("/api/queue").json()["jobs"]
    assert f"{state['id']}.index" in {job["id"] for job in queued}


def test_the_request_file_runs_it_again(http: httpx2.Client, settings: Settings, drive: Path) -> None:
    first = post(http, "convert", {"recording": str(drive)}, max_attempts=2, timeout=60).json()
    request = json.loads((settings.workflows_dir / first["id"] / "request.json").read_text())

    again = post(http, request["template_id"], request["params"], **request["options"]).json()

    assert again["id"] != first["id"]
    assert again["params"] == first["params"]
    assert again["steps"][0]["max_attempts"] == 2
    assert again["steps"][0]["timeout"] == 60


def test_the_query_takes_options_too(http: httpx2.Client) -> None:
    query = {"template_id": "test", "params": "{}", "options": '{"priority": 7}'}

    answer = http.post(FROM_TEMPLATE, params=query)

    assert answer.status_code == 202
    assert answer.json()["priority"] == 7


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b" {} "])
def test_an_empty_body_beside_a_query_is_none(http: httpx2.Client, body: bytes) -> None:
    answer = http.post(
        f"{FROM_TEMPLATE}?template_id=test", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 202, answer.text


def test_a_query_and_a_body_are_refused(http: httpx2.Client) -> None:
    answer = http.post(f"{FROM_TEMPLATE}?template_id=test", json={"template_id": "test"})

    problem(answer, 422, "invalid_request")


@pytest.mark.parametrize(
    ("sent", "pointer", "told"),
    [
        ({}, "/template_id", "missing"),
        ({"template_id": 5}, "/template_id", "string"),
        ({"template_id": "test", "parms": {}}, "/parms", "no such name"),
        ({"template_id": "test", "params": []}, "/params", "dict"),
        ({"template_id": "test", "params": None}, "/params", "dict"),
        ({"template_id": "test", "params": {"x": 1}}, "/params/x", "no such name"),
        ({"template_id": "test", "options": {"priority": "high"}}, "/options/priority", "integer"),
        ({"template_id": "test", "options": {"priority": 1000}}, "/options/priority", "less than"),
        ({"template_id": "test", "options": {"priority": True}}, "/options/priority", "integer"),
        ({"template_id": "test", "options": {"timeout": 0}}, "/options/timeout", "greater than"),
        ({"template_id": "test", "options": {"max_attempts": 1.5}}, "/options/max_attempts", "integer"),
        ({"template_id": "test", "options": {"allow_failed": True}}, "/options/allow_failed", "batch"),
        ({"template_id": "convert", "params": {}}, "/params", "recording"),
        ({"template_id": "convert", "params": {"recording": 5}}, "/params/recording", "string"),
        ({"template_id": "convert", "params": {"recording": ""}}, "/params/recording", "at least 1"),
        ({"template_id": "convert", "params": {"recordings": []}}, "/params/recordings", "at least 1"),
        ({"template_id": "convert", "params": {"recordings": {}}}, "/params/recordings", "list"),
        ({"template_id": "convert", "params": {"recordings": ["a", 1]}}, "/params/recordings/1", "string"),
        (
            {"template_id": "convert", "params": {"recording": "a", "recordings": "b"}},
            "/params",
            "either",
        ),
        (
            {"template_id": "convert", "params": {"recording": "a", "format": "csv"}},
            "/params/format",
            "parquet",
        ),
        (
            {"template_id": "convert", "params": {"recording": "a", "topics": ["/a", 1]}},
            "/params/topics/1",
            "string",
        ),
        (
            {"template_id": "convert", "params": {"recording": "a", "start_time": "yesterday"}},
            "/params/start_time",
            "isoformat",
        ),
        (
            {"template_id": "convert", "params": {"recording": "a", "start_time": 10**30}},
            "/params/start_time",
            "1970",
        ),
        (
            {"template_id": "convert", "params": {"recording": "a", "a/b~c": 1}},
            "/params/a~1b~0c",
            "no such name",
        ),
        ({"template_id": "convert", "params": {"recording": "\ud800"}}, "/params/recording", ""),
        (
            {"template_id": "convert", "params": {"recording": "a", "topics": ["/a", "\ud800"]}},
            "/params/topics/1",
            "Unicode",
        ),
        ({"template_id": "convert", "params": {"recording": "a", "topics": "\ud800"}}, "/params/topics", ""),
    ],
)
def test_faults_are_pointed_at(http: httpx2.Client, sent: Any, pointer: str, told: str) -> None:
    answer = http.post(
        FROM_TEMPLATE, content=json.dumps(sent).encode(), headers={"Content-Type": "application/json"}
    )

    (error,) = problem(answer, 422, "invalid_request")["errors"]
    assert error["pointer"] == pointer
    assert told in error["detail"]


def test_all_faults_are_told_at_once(http: httpx2.Client) -> None:
    answer = post(http, "convert", {"recording": 1, "recodings": [], "topic": "/imu"})

    found = problem(answer, 422, "invalid_request")
    hints = {error["pointer"]: error["hint"] for error in found["errors"]}
    assert hints == {
        "/params/recording": None,
        "/params/recodings": "Did you mean `recordings`?",
        "/params/topic": "Did you mean `topics`?",
    }


def test_an_unknown_option_has_a_suggestion(http: httpx2.Client) -> None:
    answer = post(http, "test", {}, prority=1)

    (error,) = problem(answer, 422, "invalid_request")["errors"]
    assert error["hint"] == "Did you mean `priority`?"


def test_an_unknown_template_has_a_suggestion(http: httpx2.Client) -> None:
    found = problem(post(http, "injest", {}), 422, "unknown_template")

    assert found["errors"][0]["pointer"] == "/template_id"
    assert "`ingest`" in found["hint"]


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b"{",
        b'{"template_id": "test",}',
        b"[]",
        b'"test"',
        b"1",
        b"\xff\xfe",
        b'{"template_id": "test", "params": {"a": "\xff"}}',
        b'{"template_id": "test", "template_id": "test"}',
        b'{"template_id": "test", "options": {"timeout": NaN}}',
        b'{"template_id": "test", "options": {"timeout": Infinity}}',
        b'{"template_id": "test", "options": {"timeout": 1e999}}',
        b'{"template_id": "test", "options": {"priority": ' + b"9" * 5000 + b"}}",
        b'{"a": ' * 20000 + b"1" + b"}" * 20000,
        b"[" * 200000,
        b'{"template_id": "test", "params": ' + b'{"a": ' * 40 + b"1" + b"}" * 41,
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_clean_json_is_a_bad_request(http: httpx2.Client, body: bytes) -> None:
    answer = http.post(FROM_TEMPLATE, content=body, headers={"Content-Type": "application/json"})

    problem(answer, 400, "invalid_json")


@pytest.mark.parametrize("params", ["{", "nonsense", '{"a":1,"a":2}', "{'a': 1}"])
def test_what_is_no_clean_json_in_the_query_is_pointed_at(http: httpx2.Client, params: str) -> None:
    answer = http.post(FROM_TEMPLATE, params={"template_id": "test", "params": params})

    assert problem(answer, 400, "invalid_json")["errors"][0]["pointer"] == "/params"


def test_a_query_that_is_not_utf8_is_refused(http: httpx2.Client) -> None:
    answer = http.post(f"{FROM_TEMPLATE}?template_id=convert&params=%7B%22recording%22%3A%22%FF.mcap%22%7D")

    problem(answer, 400, "invalid_encoding")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_body_that_is_not_declared_as_json_is_refused(http: httpx2.Client, kind: str) -> None:
    answer = http.post(FROM_TEMPLATE, content=b'{"template_id": "test"}', headers={"Content-Type": kind})

    problem(answer, 415, "unsupported_media_type")


def test_a_huge_body_is_refused(http: httpx2.Client) -> None:
    body = b'{"template_id": "' + b"x" * 5_000_000 + b'"}'

    answer = http.post(FROM_TEMPLATE, content=body, headers={"Content-Type": "application/json"})

    problem(answer, 413, "body_too_large")


def test_the_longest_body_is_a_setting(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, max_body=2000)
    json_type = {"Content-Type": "application/json"}
    with (
        start_api(settings),
        httpx2.Client(base_url=f"http://127.0.0.1:{settings.port}", headers=json_type) as http,
    ):
        for size, status, code in ((2000, 422, "unknown_template"), (2001, 413, "body_too_large")):
            body = b'{"template_id": "' + b"x" * (size - 19) + b'"}'
            assert len(body) == size
            problem(http.post(FROM_TEMPLATE, content=body), status, code)


@pytest.mark.parametrize(
    "query", ["template=test", "template_id=test&priority=5", "template_id=test&template_id=test"]
)
def test_query_names_that_are_none_are_refused(http: httpx2.Client, query: str) -> None:
    problem(http.post(f"{FROM_TEMPLATE}?{query}"), 422, "invalid_request")


def bad_paths(folder: Path) -> dict[str, tuple[str, str]]:
    """Name of the case → (recording, code), the files made below `folder`."""
    (folder / "folder").mkdir(exist_ok=True)
    contents = {
        "empty.mcap": b"",
        "text.mcap": b"this is a text file\n" * 100,
        "bag.mcap": b"#ROSBAG V2.0\n" + bytes(100),
        "short.mcap": MCAP[:5],
        "mangled.mcap": MCAP.replace(b"\r\n", b"\n"),
        "pointer.mcap": b"version https://git-lfs.github.com/spec/v1\noid sha256:"
        + b"0" * 64
        + b"\nsize 5\n",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    for link, target in (
        ("loop-a.mcap", "loop-b.mcap"),
        ("loop-b.mcap", "loop-a.mcap"),
        ("dangling.mcap", "gone"),
    ):
        if not (folder / link).is_symlink():
            (folder / link).symlink_to(target)
    if not (folder / "pipe.mcap").exists():
        os.mkfifo(folder / "pipe.mcap")
    return {
        "nothing there": ("nothing.mcap", "recording_not_found"),
        "below a file": ("text.mcap/below.mcap", "recording_not_found"),
        "dangling link": ("dangling.mcap", "recording_not_found"),
        "folder": ("folder", "not_a_recording_file"),
        "named pipe": ("pipe.mcap", "not_a_recording_file"),
        "device": ("/dev/zero", "not_a_recording_file"),
        "empty": ("empty.mcap", "empty_recording"),
        "text": ("text.mcap", "not_mcap"),
        "bag": ("bag.mcap", "not_mcap"),
        "too short": ("short.mcap", "recording_damaged"),
        "line ends": ("mangled.mcap", "not_mcap"),
        "lfs": ("pointer.mcap", "lfs_pointer"),
        "loop": ("loop-a.mcap", "recording_unreadable"),
        "nul": ("a\0b.mcap", "recording_unreadable"),
        "too long": ("x" * 5000, "recording_unreadable"),
        "far too long": ("x/" * 100_000, "recording_unreadable"),
    }


CASES = [
    "nothing there",
    "below a file",
    "dangling link",
    "folder",
    "named pipe",
    "device",
    "empty",
    "text",
    "bag",
    "too short",
    "line ends",
    "lfs",
    "loop",
    "nul",
    "too long",
    "far too long",
]


@pytest.mark.parametrize("case", CASES)
def test_a_path_that_leads_to_no_recording_is_refused(
    http: httpx2.Client, settings: Settings, case: str
) -> None:
    cases = bad_paths(settings.recordings_dir)
    assert sorted(cases) == sorted(CASES)
    recording, code = cases[case]
    before = list(settings.workflows_dir.iterdir())

    found = problem(post(http, "index", {"recording": recording}), 422, code)

    assert [error["pointer"] for error in found["errors"]] == ["/params/recording"]
    assert list(settings.workflows_dir.iterdir()) == before


def test_a_folder_as_recording_is_told_of_recordings(http: httpx2.Client, settings: Settings) -> None:
    (settings.recordings_dir / "day1").mkdir(exist_ok=True)

    found = problem(post(http, "ingest", {"recording": "day1"}), 422, "not_a_recording_file")

    assert "`recordings`" in found["hint"]


def test_a_batch_is_accepted_as_list_folder_or_glob(http: httpx2.Client, settings: Settings) -> None:
    folder = settings.recordings_dir / "runs" / "mo rning"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("a.mcap", "ü.mcap"):
        (folder / name).write_bytes(MCAP)

    for recordings in (["runs/mo rning/a.mcap"], "runs", str(folder), "runs/*/*.mcap", "runs/**/ü.mcap"):
        answer = post(http, "convert", {"recordings": recordings}, allow_failed=True)

        assert answer.status_code == 202, answer.text
        state = answer.json()
        assert [step["kind"] for step in state["steps"]] == ["expand"]
        assert state["children"] is None
        assert state["allow_failed"] is True
        assert state["source"] is None


@pytest.mark.parametrize("recordings", ["nowhere/*.mcap", "hollow", "hollow/**/*.mcap", "[", "**x/y"])
def test_a_folder_or_glob_without_recordings_is_refused(
    http: httpx2.Client, settings: Settings, recordings: str
) -> None:
    (settings.recordings_dir / "hollow" / ".hidden").mkdir(parents=True, exist_ok=True)
    (settings.recordings_dir / "hollow" / ".hidden" / "a.mcap").write_bytes(MCAP)
    (settings.recordings_dir / "hollow" / "notes.txt").write_bytes(b"no recording")

    answer = post(http, "convert", {"recordings": recordings})

    assert answer.status_code == 422
    assert answer.json()["code"] in {"recording_not_found", "recording_unreadable"}
    assert answer.json()["errors"][0]["pointer"] == "/params/recordings"


def test_each_entry_of_a_list_is_looked_at(http: httpx2.Client, settings: Settings, drive: Path) -> None:
    (settings.recordings_dir / "text.mcap").write_bytes(b"no recording at all")
    entries = ["drive.mcap", "gone.mcap", "text.mcap", str(drive)]

    found = problem(post(http, "convert", {"recordings": entries}), 422, "invalid_request")
    one = problem(post(http, "convert", {"recordings": entries[:2]}), 422, "recording_not_found")

    assert [error["pointer"] for error in found["errors"]] == [f"/params/recordings/{n}" for n in (1, 2, 3)]
    assert "entry 0" in found["errors"][2]["detail"]
    assert one["errors"][0]["pointer"] == "/params/recordings/1"


def test_no_answer_shows_what_was_not_asked(api: Server, http: httpx2.Client) -> None:
    """A problem of the program's own says nothing of its inside; the log has the traceback, once."""
    assert api.api
    settings = api.settings
    moved = settings.workflows_dir.with_name("moved")
    settings.workflows_dir.rename(moved)
    settings.workflows_dir.write_bytes(b"a file where the folder should be")
    try:
        found = problem(post(http, "test", {}), 500, "storage_failed")
        health = http.get("/api/health")
    finally:
        settings.workflows_dir.unlink()
        moved.rename(settings.workflows_dir)

    assert api.api.output.count(f"(request {found['where']['request']})") == 1
    assert health.status_code == 503
    assert health.json()["status"] == "unhealthy"
    assert health.json()["problems"][0]["code"] == "storage_failed"
    assert http.get("/api/health").json()["status"] == "healthy"

"""Committed files: all of them, with ranges, and nothing else."""

import json
import os
import threading
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from services import durable
from tests.support.server import Server

DATA = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def run(api: Server) -> tuple[str, Path]:
    """A workflow with a committed step folder, one in flight, and traps: its address and folder."""
    workflow = api.submit("test")["id"]
    folder = api.folder(workflow)
    data = folder / "convert" / "topic=%2Fimu"
    data.mkdir(parents=True)
    (data / "part-00000.parquet").write_bytes(DATA)
    (folder / "convert" / "ünï cöde;.json").write_text("{}")
    (folder / "convert" / "page.html").write_text("<script>alert(1)</script>")
    (folder / "convert" / ".hidden").write_text("hidden")
    (folder / "convert" / "empty").write_bytes(b"")
    (folder / "convert.1.partial").mkdir()
    (folder / "convert.1.partial" / "part").write_text("in flight")
    (folder / "extra").mkdir()
    (folder / "extra" / "file").write_text("not a step")
    (folder / "state.json.unreadable-1").write_text("set aside")
    (folder / "worker.log").write_text("a line\n")
    (api.settings.run_dir / "secret").write_text("secret")
    (folder / "convert" / "link-out").symlink_to(api.settings.run_dir / "secret")
    (folder / "convert" / "link-up").symlink_to(folder.parent)
    (folder / "convert" / "link-in").symlink_to(data / "part-00000.parquet")
    (folder / "index").symlink_to(api.settings.run_dir)
    os.mkfifo(folder / "convert" / "pipe")
    return f"/api/workflows/{workflow}/files", folder


@pytest.mark.parametrize("spelling", ["topic=%252Fimu", "topic=%2Fimu", "topic%3D%252Fimu"])
def test_a_name_with_an_encoded_slash(http: httpx2.Client, run: tuple[str, Path], spelling: str) -> None:
    answer = http.get(f"{run[0]}/convert/{spelling}/part-00000.parquet")

    assert answer.status_code == 200, answer.text
    assert answer.content == DATA
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == 'attachment; filename="part-00000.parquet"'
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"]


@pytest.mark.parametrize("name", ["state.json", "request.json", "events.jsonl", "worker.log"])
def test_the_files_beside_the_steps(http: httpx2.Client, run: tuple[str, Path], name: str) -> None:
    answer = http.get(f"{run[0]}/{name}")

    assert answer.status_code == 200
    assert answer.content == (run[1] / name).read_bytes()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


def test_files_that_change_while_they_are_read(http: httpx2.Client, run: tuple[str, Path]) -> None:
    log = run[1] / "worker.log"
    log.write_bytes(b"x" * 3_000_000)

    with http.stream("GET", f"{run[0]}/worker.log") as answer:
        with log.open("ab") as more:
            more.write(b"y" * 1_000_000)
        content = answer.read()

    assert len(content) == int(answer.headers["content-length"]) >= 3_000_000


def test_files_that_are_replaced_while_they_are_read(api: Server, http: httpx2.Client) -> None:
    workflow = api.submit("test")["id"]
    state = api.folder(workflow) / "state.json"
    short = state.read_bytes()
    long = short + b" " * 5000
    over = threading.Event()

    def replace() -> None:
        while not over.is_set():
            for content in (long, short):
                durable.write_bytes(state, content, sync=False)

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        for _ in range(300):
            answer = http.get(f"/api/workflows/{workflow}/files/state.json")
            assert answer.content in (long, short)
    finally:
        over.set()
        writer.join()


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("0-99", 0, 100), ("100-", 100, None), ("-50", -50, None), ("1000000-9999999", 1_000_000, None)],
)
def test_ranges(http: httpx2.Client, run: tuple[str, Path], wanted: str, start: int, end: int | None) -> None:
    answer = http.get(
        f"{run[0]}/convert/topic=%252Fimu/part-00000.parquet", headers={"Range": f"bytes={wanted}"}
    )

    assert answer.status_code == 206
    assert answer.content == DATA[start:end]
    assert answer.headers["content-range"].endswith(f"/{len(DATA)}")


def test_several_ranges(http: httpx2.Client, run: tuple[str, Path]) -> None:
    answer = http.get(
        f"{run[0]}/convert/topic=%252Fimu/part-00000.parquet", headers={"Range": "bytes=0-1,10-11"}
    )

    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ("bytes=9999999-", 416, "range_not_satisfiable"),
        ("bytes=5-1", 400, "bad_request"),
        ("lines=1-2", 400, "bad_request"),
        ("bytes=", 400, "bad_request"),
    ],
)
def test_ranges_that_are_none(
    http: httpx2.Client, run: tuple[str, Path], wanted: str, status: int, code: str
) -> None:
    answer = http.get(f"{run[0]}/convert/topic=%252Fimu/part-00000.parquet", headers={"Range": wanted})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{len(DATA)}"


def test_head_tells_the_size(http: httpx2.Client, run: tuple[str, Path]) -> None:
    answer = http.head(f"{run[0]}/convert/topic=%252Fimu/part-00000.parquet")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(DATA))


def test_names_of_all_kinds(http: httpx2.Client, run: tuple[str, Path]) -> None:
    strange = http.get(f"{run[0]}/convert/{quote('ünï cöde;.json')}")
    page = http.get(f"{run[0]}/convert/page.html")
    empty = http.get(f"{run[0]}/convert/empty")
    link = http.get(f"{run[0]}/convert/link-in")

    assert strange.status_code == 200
    assert "filename*=utf-8''" in strange.headers["content-disposition"]
    assert page.headers["content-disposition"].startswith("attachment")
    assert page.headers["content-security-policy"] == "sandbox"
    assert (empty.status_code, empty.content) == (200, b"")
    assert link.content == DATA


@pytest.mark.parametrize(
    "path",
    [
        "",
        "nothing",
        "convert",
        "convert/",
        "convert/nothing",
        "convert/topic=%252Fimu",
        "convert/topic=%252Fimu/",
        "convert//topic=%252Fimu/part-00000.parquet",
        "convert/./page.html",
        "convert/%2e/page.html",
        "convert.1.partial/part",
        "convert/.hidden",
        ".new-x/state.json",
        "extra/file",
        "state.json.unreadable-1",
        "../../secret",
        "..%2f..%2fsecret",
        "%2e%2e/%2e%2e/secret",
        "convert/..%2f..%2f..%2fsecret",
        "convert/%2e%2e/convert/page.html",
        "convert/../convert.1.partial/part",
        "convert/..%252f..%252fsecret",
        "convert/link-out",
        "convert/link-up/secret",
        "index/secret",
        "convert/pipe",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "convert/a%00b",
        "convert/a%5c..%5cb",
        "x" * 5000,
        "convert/" + "x/" * 2000,
    ],
)
def test_everything_else_is_not_found(api: Server, run: tuple[str, Path], path: str) -> None:
    connection = HTTPConnection("127.0.0.1", api.settings.port)  # unlike others, it sends the path as it is
    connection.request("GET", f"{run[0]}/{path}")

    with connection.getresponse() as answer:
        problem = json.loads(answer.read())
    connection.close()

    assert answer.status == problem["status"] == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["hint"]


def test_the_log_can_be_read_though_the_state_cannot(api: Server, http: httpx2.Client) -> None:
    workflow = api.submit("test")["id"]
    (api.folder(workflow) / "state.json").write_bytes(b"{")

    assert http.get(f"/api/workflows/{workflow}/files/events.jsonl").status_code == 200
    assert http.get(f"/api/workflows/{workflow}/files/state.json").content == b"{"
    assert http.get(f"/api/workflows/{workflow}/files/sample/x").status_code == 404

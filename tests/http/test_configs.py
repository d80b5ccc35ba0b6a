"""Saved configs through HTTP."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from config import Settings
from tests.support.server import Server

SPEC: dict[str, Any] = {
    "rows": {"kind": "trigger", "topic": "/joint_states"},
    "features": {"position": {"source": {"topic": "/joint_states", "field": "position"}}},
}
TEXT = """# by hand
description: "Arm only: caf\\u00e9"   # why not
rows: {kind: rate, hz: 30}
features:
  position: {source: {topic: /joint_states, field: position}}
"""
counter = iter(range(1_000_000))


@pytest.fixture
def name() -> str:
    """The name of a config that no other test has."""
    return f"config-{next(counter)}"


@pytest.fixture
def config(http: httpx2.Client, name: str) -> str:
    """A config with one revision."""
    assert make(http, name).status_code == 201
    return name


def make(http: httpx2.Client, name: str, spec: Any = SPEC, **more: Any) -> httpx2.Response:
    return http.post("/api/configs", json={"name": name, "spec": spec} | more)


def problem(answer: httpx2.Response) -> tuple[int, str, list[str]]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    return answer.status_code, body["code"], [error["pointer"] for error in body["errors"]]


def spec_with(**more: Any) -> dict[str, Any]:
    return SPEC | more


def test_a_config_is_a_folder(http: httpx2.Client, settings: Settings, name: str) -> None:
    answer = make(http, name, author="ada", note="first")

    body = answer.json()
    folder = settings.configs_dir / name
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/configs/{name}"
    assert answer.headers["etag"] == '"1"'
    assert (body["name"], body["revision"], body["author"], body["note"]) == (name, 1, "ada", "first")
    assert body["spec"] == {"version": 1} | SPEC
    assert body["text"] == (folder / "rev-0001.yaml").read_text("utf-8")
    assert sorted(path.name for path in folder.iterdir()) == ["log.jsonl", "rev-0001.yaml"]
    assert http.get(f"/api/configs/{name}").json() == body


def test_a_text_is_kept_as_it_was_sent(http: httpx2.Client, settings: Settings, name: str) -> None:
    body = make(http, name, TEXT).json()

    assert body["text"] == TEXT == (settings.configs_dir / name / "rev-0001.yaml").read_text("utf-8")
    assert body["description"] == "Arm only: café"
    assert body["spec"]["rows"] == {"kind": "rate", "hz": 30.0}


def test_a_text_of_json_may_escape_what_it_likes(http: httpx2.Client, name: str) -> None:
    body = make(http, name, json.dumps(spec_with(description="🤖"))).json()

    assert body["description"] == "🤖"


def test_the_author_is_the_user_by_default(http: httpx2.Client, config: str) -> None:
    assert http.get(f"/api/configs/{config}").json()["author"]


@pytest.mark.parametrize(
    "bad",
    ["", ".", "..", "a/b", "../x", ".hidden", "a b", "ä", "x" * 65, "ends.", "nul", "COM1.yaml", "a\0", "-a"],
)
def test_names_that_can_be_no_folder_are_refused(http: httpx2.Client, bad: str) -> None:
    assert problem(make(http, bad)) == (422, "invalid_request", ["/name"])


def test_names_are_unique_whatever_their_case(http: httpx2.Client, config: str) -> None:
    answer = make(http, config.upper())

    assert problem(answer) == (409, "config_exists", [])
    assert answer.json()["where"]["config"] == config
    assert http.get(f"/api/configs/{config.upper()}").json()["name"] == config


def test_faults_of_a_spec_are_pointed_at(http: httpx2.Client, name: str) -> None:
    bad = spec_with(features={"position": SPEC["features"]["position"] | {"dtype": "float31"}})

    answers = [make(http, name, bad), make(http, name, json.dumps(bad))]

    for answer in answers:
        assert problem(answer) == (422, "spec_invalid", ["/spec/features/position/dtype"])
        assert "float32" in answer.json()["hint"]
    assert http.get(f"/api/configs/{name}").status_code == 404


@pytest.mark.parametrize("text", ["{", "a: &x 1\nb: *x\n", 'description: "\\ud800"', "rows: 1\nrows: 2\n"])
def test_a_text_that_is_no_yaml_is_refused(http: httpx2.Client, name: str, text: str) -> None:
    assert problem(make(http, name, text)) == (422, "spec_unreadable", ["/spec"])


def test_half_a_surrogate_pair_is_no_text(http: httpx2.Client, name: str) -> None:
    body = json.dumps({"name": name, "spec": spec_with(description="\ud800")})
    answer = http.post("/api/configs", content=body.encode(), headers={"Content-Type": "application/json"})

    assert problem(answer)[:2] == (400, "invalid_json")


def test_unknown_names_are_refused(http: httpx2.Client, name: str) -> None:
    assert problem(make(http, name, autor="ada")) == (422, "invalid_request", ["/autor"])


def test_a_change_is_a_new_revision(http: httpx2.Client, settings: Settings, config: str) -> None:
    answer = http.patch(
        f"/api/configs/{config}", json={"spec": spec_with(split={"by": "time", "fractions": {"train": 1.0}})}
    )

    first = http.get(f"/api/configs/{config}/revisions/1").json()
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert answer.json()["spec"]["split"]["by"] == "time"
    assert "split" not in first["spec"]
    assert (first["revision"], first["newest"]) == (1, 2)
    assert first["hash"] != answer.json()["hash"]
    assert (settings.configs_dir / config / "rev-0002.yaml").is_file()


def test_a_change_that_changes_nothing_makes_no_revision(http: httpx2.Client, name: str) -> None:
    written = make(http, name, TEXT).json()

    again = [
        http.patch(f"/api/configs/{name}", json={"spec": TEXT}),
        http.patch(f"/api/configs/{name}", json={"spec": written["spec"]}),
        http.patch(f"/api/configs/{name}", json={"description": "Arm only: café"}),
    ]

    assert [answer.json() for answer in again] == [written] * 3


def test_comments_are_a_change_but_not_of_the_meaning(http: httpx2.Client, name: str) -> None:
    before = make(http, name, TEXT).json()

    after = http.patch(f"/api/configs/{name}", json={"spec": TEXT + "# more\n"}).json()

    assert (after["revision"], after["hash"]) == (2, before["hash"])
    assert after["text"].endswith("# more\n")


def test_the_description_alone_can_be_changed(http: httpx2.Client, config: str) -> None:
    before = http.get(f"/api/configs/{config}").json()

    after = http.patch(f"/api/configs/{config}", json={"description": "New words."}).json()

    assert after["description"] == "New words."
    assert after["spec"] == before["spec"] | {"description": "New words."}
    assert after["hash"] == before["hash"]


def test_spec_and_description_can_be_changed_together(http: httpx2.Client, config: str) -> None:
    change = {"spec": spec_with(rows={"kind": "rate", "hz": 10}), "description": "Ten."}

    after = http.patch(f"/api/configs/{config}", json=change).json()

    assert (after["description"], after["spec"]["rows"]["hz"]) == ("Ten.", 10)
    refused = http.patch(f"/api/configs/{config}", json={"spec": TEXT, "description": "Ten."})
    assert problem(refused) == (422, "invalid_request", ["/description"])


def test_a_change_must_change_something(http: httpx2.Client, config: str) -> None:
    assert problem(http.patch(f"/api/configs/{config}", json={"note": "x"}))[:2] == (422, "invalid_request")


def test_a_change_of_an_older_revision_is_refused(http: httpx2.Client, config: str) -> None:
    address, newer = f"/api/configs/{config}", {"description": "Mine."}
    http.patch(address, json={"description": "Theirs."})

    by_body = http.patch(address, json=newer | {"revision": 1})
    by_header = http.patch(address, json=newer, headers={"If-Match": '"1"'})
    of_both = http.patch(address, json=newer | {"revision": 2}, headers={"If-Match": '"1"'})
    deleted = http.delete(address, headers={"If-Match": '"1"'})
    restored = http.post(f"{address}/restore", json={"revision": 1}, headers={"If-Match": '"1"'})

    assert problem(by_body)[:2] == (409, "config_changed")
    for answer in (by_header, deleted, restored):
        assert problem(answer)[:2] == (412, "precondition_failed")
    assert problem(of_both) == (422, "invalid_request", ["/revision"])
    assert http.get(address).json()["description"] == "Theirs."


@pytest.mark.parametrize("headers", [{"If-Match": '"1"'}, {"If-Match": "*"}, {}])
def test_a_change_of_the_newest_revision_is_taken(
    http: httpx2.Client, config: str, headers: dict[str, str]
) -> None:
    change = {"description": "Mine."} | ({} if headers else {"revision": 1})

    answer = http.patch(f"/api/configs/{config}", json=change, headers=headers)

    assert (answer.status_code, answer.json()["revision"]) == (200, 2)


@pytest.mark.parametrize("tag", ["1", 'W/"1"', '"x"', '"1", "2"', ""])
def test_an_etag_that_is_none_matches_nothing(http: httpx2.Client, config: str, tag: str) -> None:
    answer = http.patch(f"/api/configs/{config}", json={"description": "x"}, headers={"If-Match": tag})

    assert problem(answer)[:2] == (412, "precondition_failed")


def test_an_unchanged_config_is_not_sent_again(http: httpx2.Client, config: str) -> None:
    answer = http.get(f"/api/configs/{config}", headers={"If-None-Match": '"1"'})

    assert (answer.status_code, answer.headers["etag"]) == (304, '"1"')


def test_the_history_says_who_did_what(http: httpx2.Client, config: str) -> None:
    change = {"spec": spec_with(rows={"kind": "rate", "hz": 10}), "author": "bob", "note": "slower"}
    http.patch(f"/api/configs/{config}", json=change)
    http.post(f"/api/configs/{config}/restore", json={"revision": 1, "author": "eve"})

    third, second, first = http.get(f"/api/configs/{config}/revisions").json()["items"]

    assert [one["revision"] for one in (first, second, third)] == [1, 2, 3]
    assert (second["action"], second["author"], second["note"]) == ("changed", "bob", "slower")
    assert second["changed"] == ["/rows/kind", "/rows/hz", "/rows/topic"]
    assert (third["action"], third["author"]) == ("restored", "eve")
    assert third["origin"]["revision"] == 1
    assert third["hash"] == first["hash"] != second["hash"]


def test_two_revisions_are_compared(http: httpx2.Client, config: str) -> None:
    labels = {"state": {"source": {"topic": "/a/b", "field": "x"}, "classes": ["off", "on"]}}
    http.patch(f"/api/configs/{config}", json={"spec": spec_with(labels=labels)})
    http.patch(f"/api/configs/{config}", json={"spec": spec_with(labels=labels, description="d")})

    both, last = (
        http.get(f"/api/configs/{config}/diff", params=query).json()
        for query in ({"before": 1, "after": 2}, {})
    )

    assert both["changes"] == [{"pointer": "/labels", "kind": "added", "before": None, "after": labels}]
    assert (both["same_meaning"], last["same_meaning"]) == (False, True)
    assert "+labels:" in both["text"]
    assert (last["before"], last["after"]) == (2, 3)
    assert [change["pointer"] for change in last["changes"]] == ["/description"]


def test_restoring_makes_a_new_revision(http: httpx2.Client, name: str) -> None:
    make(http, name, TEXT)
    http.patch(f"/api/configs/{name}", json={"spec": SPEC})

    answer = http.post(f"/api/configs/{name}/restore", json={"revision": 1})

    assert (answer.json()["revision"], answer.json()["text"]) == (3, TEXT)
    assert len(http.get(f"/api/configs/{name}/revisions").json()["items"]) == 3


def test_a_copy_begins_at_one(http: httpx2.Client, name: str) -> None:
    make(http, name, TEXT)
    http.patch(f"/api/configs/{name}", json={"spec": SPEC})

    answer = http.post(f"/api/configs/{name}/duplicate", json={"name": f"{name}.copy", "revision": 1})

    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/configs/{name}.copy"
    assert (answer.json()["revision"], answer.json()["text"]) == (1, TEXT)
    (line,) = http.get(f"/api/configs/{name}.copy/revisions").json()["items"]
    assert (line["action"], line["origin"]) == ("duplicated", {"config": name, "revision": 1})
    taken = http.post(f"/api/configs/{name}/duplicate", json={"name": name.upper()})
    assert problem(taken)[:2] == (409, "config_exists")


def test_a_deleted_config_is_gone(http: httpx2.Client, settings: Settings, config: str) -> None:
    assert http.delete(f"/api/configs/{config}").status_code == 204

    assert problem(http.get(f"/api/configs/{config}"))[:2] == (404, "config_not_found")
    assert problem(http.delete(f"/api/configs/{config}"))[:2] == (404, "config_not_found")
    assert not [path for path in settings.configs_dir.iterdir() if path.name.startswith(".gone-")]
    assert make(http, config).status_code == 201


def test_what_is_not_there_is_404(http: httpx2.Client, config: str) -> None:
    near = http.get(f"/api/configs/{config}x")

    assert problem(near)[:2] == (404, "config_not_found")
    assert config[:-1] in near.json()["hint"]
    assert problem(http.get(f"/api/configs/{config}/revisions/2"))[:2] == (404, "revision_not_found")
    assert problem(http.get("/api/configs/..%2Fworkflows"))[0] == 404
    restored = http.post(f"/api/configs/{config}/restore", json={"revision": 9})
    assert problem(restored)[:2] == (404, "revision_not_found")


def test_a_broken_file_hides_nothing_and_can_be_replaced(
    http: httpx2.Client, settings: Settings, config: str
) -> None:
    (settings.configs_dir / config / "rev-0002.yaml").write_text("rows: [", "utf-8")

    listed = http.get("/api/configs").json()
    broken = [one for one in listed["unreadable"] if one["id"] == config]
    assert [one["problem"]["code"] for one in broken] == ["config_unreadable"]
    assert problem(http.get(f"/api/configs/{config}"))[:2] == (500, "config_unreadable")
    assert http.get(f"/api/configs/{config}/revisions/1").status_code == 200
    assert len(http.get(f"/api/configs/{config}/revisions").json()["items"]) == 2

    restored = http.post(f"/api/configs/{config}/restore", json={"revision": 1})
    assert restored.json()["revision"] == 3
    assert config in [one["name"] for one in http.get("/api/configs").json()["items"]]


def test_strange_things_in_the_folder_are_no_configs(
    http: httpx2.Client, settings: Settings, name: str
) -> None:
    place = settings.configs_dir
    (place / name).mkdir()
    (place / f"{name}.txt").write_text("x", "utf-8")
    by_hand = place / f"{name}-by-hand"
    by_hand.mkdir()
    (by_hand / "rev-0007.yaml").write_text(TEXT, "utf-8")
    (by_hand / "log.jsonl").write_bytes(b"\xff{\n{}\n")

    listed = http.get("/api/configs").json()

    assert [one["id"] for one in listed["unreadable"] if one["id"].startswith(name)] == [name]
    found = next(one for one in listed["items"] if one["name"] == by_hand.name)
    assert (found["revision"], found["author"]) == (7, None)
    changed = http.patch(f"/api/configs/{by_hand.name}", json={"spec": SPEC}).json()
    assert changed["revision"] == 8
    assert changed["author"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
bodies = st.dictionaries(
    st.sampled_from(["name", "spec", "description", "revision", "author", "note"]) | st.text(max_size=5),
    values | st.just(SPEC) | st.just(TEXT),
    max_size=4,
)

CALLS = [("POST", ""), ("PATCH", "/fuzz"), ("POST", "/fuzz/restore"), ("POST", "/fuzz/duplicate")]


@hypothesis(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(
        [("POST", ""), ("PATCH", "/fuzz"), ("POST", "/fuzz/restore"), ("POST", "/fuzz/duplicate")]
    ),
    bodies | values,
)
def test_bodies_of_all_kinds(api: Server, call: tuple[str, str], body: Any) -> None:
    make(api.http, "fuzz")

    answer = api.http.request(
        call[0],
        f"/api/configs{call[1]}",
        content=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_folder_of_a_second_server_is_the_same(
    http: httpx2.Client, settings: Settings, config: str, tmp_path: Path
) -> None:
    """Whoever has the folder has everything: nothing stands anywhere else."""
    (settings.configs_dir / f"{config}-copy").mkdir()
    for file in (settings.configs_dir / config).iterdir():
        (settings.configs_dir / f"{config}-copy" / file.name).write_bytes(file.read_bytes())

    first, copy = (http.get(f"/api/configs/{name}").json() for name in (config, f"{config}-copy"))

    assert copy == first | {"name": f"{config}-copy"}

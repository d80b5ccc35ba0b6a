"""Requests for datasets: the spec is checked when it comes, and a config is taken as it is then."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from bagmill.dataset.spec import make_spec, spec_hash
from tests.http.test_submit import post, problem

SPEC: dict[str, Any] = {
    "rows": {"kind": "rate", "hz": 30},
    "features": {"x": {"source": {"topic": "/a", "field": "b"}}},
}


@pytest.mark.parametrize("template", ["dataset", "extract"])
def test_a_spec_is_taken(http: httpx2.Client, drive: Path, template: str) -> None:
    answer = post(http, template, {"recording": drive.name, "spec": SPEC, "force": True})

    assert answer.status_code == 202, answer.text
    state = answer.json()
    assert state["params"] == {"recording": drive.name, "spec": SPEC, "force": True}
    assert state["spec_hash"] == spec_hash(make_spec(SPEC))
    assert state["cached_from"] is None


def feature(**wrong: Any) -> dict[str, Any]:
    return {"features": {"x": {"source": {"topic": "/a"}} | wrong}}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"rows": {"kind": "rate", "hz": -1}}, "/rows/hz", ""),
    (feature(shpe=[3]), "/features/x/shpe", "shape"),
    (feature(dtype="flot32"), "/features/x/dtype", "float32"),
    (feature(shape=[-1]), "/features/x/shape/0", ""),
    (feature(sync={"tolerance": -1}), "/features/x/sync/tolerance", ""),
    ({"output": {"prefix": "../../etc/passwd"}}, "/output/prefix", ""),
    ({"output": {"prefix": "a/b"}}, "/output/prefix", ""),
    ({"output": {"prefix": ""}}, "/output/prefix", ""),
    ({"split": {"by": "time", "fractions": {"train": 0.5, "test": 0.6}}}, "/split", ""),
    ({"split": {"by": "time", "fractions": {"train": 0.5, "../x": 0.5}}}, "/split/fractions/..~1x", ""),
    ({"features": {"../x": {"source": {"topic": "/a"}}}}, "/features/..~1x", ""),
]


@pytest.mark.parametrize(("change", "pointer", "hint"), WRONG, ids=[pointer for _, pointer, _ in WRONG])
def test_a_spec_that_can_not_be_is_refused_at_once(
    http: httpx2.Client, drive: Path, change: dict[str, Any], pointer: str, hint: str
) -> None:
    answer = post(http, "dataset", {"recording": drive.name, "spec": SPEC | change})

    found = problem(answer, 422, "invalid_request")
    assert [item["pointer"] for item in found["errors"]] == [f"/params/spec{pointer}"]
    assert hint in (found["errors"][0]["hint"] or "")


def test_a_dataset_needs_one_spec(http: httpx2.Client, drive: Path) -> None:
    for more in ({}, {"spec": SPEC, "config": "arm"}, {"spec": SPEC, "revision": 1}):
        problem(post(http, "dataset", {"recording": drive.name} | more), 422, "invalid_request")


def test_a_config_is_taken_as_it_is_at_the_time(http: httpx2.Client, drive: Path) -> None:
    http.post("/api/configs", json={"name": "arm", "spec": SPEC}).raise_for_status()
    first = post(http, "dataset", {"recording": drive.name, "config": "ARM"}).json()
    changed = SPEC | {"rows": {"kind": "rate", "hz": 10}}
    http.patch("/api/configs/arm", json={"spec": changed}).raise_for_status()
    second = post(http, "dataset", {"recording": drive.name, "config": "arm"}).json()
    old = post(http, "dataset", {"recording": drive.name, "config": "arm", "revision": 1}).json()

    assert (first["params"]["config"], first["params"]["revision"]) == ("arm", 1)
    assert make_spec(first["params"]["spec"]) == make_spec(old["params"]["spec"]) == make_spec(SPEC)
    assert make_spec(second["params"]["spec"]) == make_spec(changed)
    assert first["spec_hash"] == old["spec_hash"] == spec_hash(make_spec(SPEC))
    request = http.get(f"/api/workflows/{first['id']}/files/request.json").json()
    assert request["params"] == {"recording": drive.name, "config": "arm", "revision": 1}
    again = http.post(
        "/api/workflows/from-template",
        json={name: request[name] for name in ("template_id", "params", "options")},
    ).json()
    assert again["params"] == first["params"]


def test_a_config_that_is_not_there_is_refused(http: httpx2.Client, drive: Path) -> None:
    http.post("/api/configs", json={"name": "leg", "spec": SPEC}).raise_for_status()
    for params, pointer in (
        ({"config": "le"}, "/params/config"),
        ({"config": "leg", "revision": 9}, "/params/revision"),
    ):
        found = problem(post(http, "dataset", {"recording": drive.name} | params), 422, "invalid_request")
        assert [item["pointer"] for item in found["errors"]] == [pointer]

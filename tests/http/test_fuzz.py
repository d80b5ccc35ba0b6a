"""Whatever is sent, the answer is one that is documented, and never a fault of the server."""

import json
from typing import Any
from urllib.parse import quote

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.templates import TEMPLATES
from tests.support.server import Server

FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

texts = st.text(max_size=20) | st.sampled_from(["*", "**", "..", "/", "~", "\0", "a.mcap", "%2f", "[", "NaN"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    sorted({name for template in TEMPLATES.values() for name in template.params.model_fields})
)
requests = st.fixed_dictionaries(
    {"template_id": st.sampled_from(sorted(TEMPLATES)) | values},
    optional={
        "params": st.dictionaries(names | texts, values, max_size=4) | values,
        "options": st.dictionaries(
            st.sampled_from(["priority", "max_attempts", "timeout", "pinned", "allow_failed"]) | texts,
            values,
            max_size=3,
        )
        | values,
        "extra": values,
    },
)
segments = st.text(max_size=12).map(lambda text: quote(text, safe="%")) | st.sampled_from(
    ["api", "workflows", "from-template", "queue", "health", "events", "files", "state.json", "%2e%2e", ""]
)
paths = st.lists(segments, max_size=6).map(lambda parts: "/" + "/".join(parts))
queries = st.dictionaries(
    st.sampled_from(["status", "template", "parent", "q", "limit", "cursor", "wait", "after"]) | texts,
    texts | st.integers().map(str),
    max_size=3,
)


def checked(answer: httpx2.Response) -> httpx2.Response:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == answer.status_code
        assert problem["hint"]
    return answer


def resolved(pointer: str, data: Any) -> bool:
    """Whether a JSON pointer leads to a place of the data, or to one that is missing in an object."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(data, list):
            data = data[int(name)]
        elif isinstance(data, dict):
            data = data.get(name)
        else:
            return False
    return True


@FEW
@given(requests)
def test_requests_of_all_kinds(api: Server, request: dict[str, Any]) -> None:
    body = json.dumps(request).encode()

    answer = checked(
        api.http.post(
            "/api/workflows/from-template", content=body, headers={"Content-Type": "application/json"}
        )
    )

    if answer.status_code == 422:
        assert all(resolved(error["pointer"], request) for error in answer.json()["errors"]), answer.text
    elif answer.status_code == 202:
        assert answer.json()["params"] == request.get("params", {})


@FEW
@given(st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]), paths, queries)
def test_addresses_of_all_kinds(api: Server, method: str, path: str, query: dict[str, str]) -> None:
    checked(api.http.request(method, f"http://127.0.0.1:{api.settings.port}{path}", params=query))


@FEW
@given(queries)
def test_lists_of_all_kinds(api: Server, query: dict[str, str]) -> None:
    checked(api.http.get("/api/workflows", params=query))


@FEW
@given(values)
def test_patches_of_all_kinds(api: Server, patch: Any) -> None:
    workflow = api.submit("test")["id"]

    checked(
        api.http.patch(
            f"/api/workflows/{workflow}",
            content=json.dumps(patch).encode(),
            headers={"Content-Type": "application/json"},
        )
    )

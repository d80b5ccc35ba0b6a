"""What specs may say, through HTTP."""

import httpx2

from bagmill.dataset.capabilities import Capabilities, capabilities


def test_capabilities_are_those_of_the_library(http: httpx2.Client) -> None:
    answer = http.get("/api/capabilities")

    assert answer.status_code == 200
    assert Capabilities.model_validate(answer.json()) == capabilities()


def test_each_choice_has_the_schema_of_its_params(http: httpx2.Client) -> None:
    body = http.get("/api/capabilities").json()

    choices = [choice for part in ("rows", "sources", "transforms", "episodes") for choice in body[part]]
    assert len(choices) > 20
    assert all(choice["description"] for choice in choices)
    assert all({"properties", "$ref"} & set(choice["params"]) for choice in choices)

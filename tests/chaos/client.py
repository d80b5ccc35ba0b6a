"""A client who does not give up: every run is asked for until somebody has accepted it."""

import random
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.chaos.crew import Crew

KINDS: dict[str, dict[str, Any]] = {
    "index": {"recording": "indexed.mcap"},
    "convert": {"recording": "converted.mcap", "topics": ["/odom", "/imu/data"]},
    "ingest": {"recording": "ingested.mcap", "topics": ["/odom"]},
    "batch": {"recordings": ["batch-a.mcap", "batch-b.mcap", "empty.mcap"]},
    "failing": {"recording": "empty.mcap"},
    "cancelled": {"recording": "cancelled.mcap"},
}
"""What is asked for, by kind of run."""
TEMPLATES = {"batch": "index", "failing": "convert", "cancelled": "convert"}
WEIGHTS = {"index": 5, "convert": 6, "ingest": 3, "batch": 1, "failing": 2, "cancelled": 2}
ATTEMPTS = 50
"""A job that is killed itself uses an attempt up; here that happens to any of them."""
PATIENCE = 3.0


@dataclass
class Client:
    """Asks the APIs of a crew, whichever answers. `accepted` has the kind of each run by its id."""

    crew: Crew
    chance: random.Random
    accepted: dict[str, str] = field(default_factory=dict)
    again: int = 0
    _asked: int = 0
    _open: list[tuple[str, str]] = field(default_factory=list)
    _http: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=PATIENCE, trust_env=False))

    def ask_for(self, kind: str) -> None:
        """Want a run."""
        self._asked += 1
        self._open.append((kind, f"chaos-{self._asked}"))

    @property
    def waiting(self) -> int:
        """How many runs nobody has accepted yet."""
        return len(self._open)

    def turn(self) -> None:
        """Try once to have the first of what is wanted accepted."""
        if self._open:
            kind, key = self._open[0]
            workflow = self._submit(kind, key)
            if workflow is None:
                self.again += 1
                self._open.append(self._open.pop(0))
                return
            self._open.pop(0)
            assert self.accepted.setdefault(workflow, kind) == kind, workflow
            if kind == "cancelled":
                self._post(f"/api/workflows/{workflow}/cancel", {}, None)

    def _submit(self, kind: str, key: str) -> str | None:
        options = {"max_attempts": ATTEMPTS}
        body = {"template_id": TEMPLATES.get(kind, kind), "params": KINDS[kind], "options": options}
        answer = self._post("/api/workflows/from-template", body, key)
        if answer is None or answer.status_code >= 500:
            return None
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def _post(self, path: str, body: dict[str, Any], key: str | None) -> httpx2.Response | None:
        posts = [post for post in self.crew.posts if post.port]
        url = f"http://127.0.0.1:{self.chance.choice(posts).port}{path}"
        try:
            return self._http.post(url, json=body, headers={"Idempotency-Key": key} if key else {})
        except httpx2.HTTPError:
            time.sleep(0.05)
            return None

    def close(self) -> None:
        self._http.close()

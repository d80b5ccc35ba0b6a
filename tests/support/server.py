"""The whole program under test: API and worker as processes, spoken to through HTTP."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from config import Settings
from tests.support.places import environment
from tests.support.processes import Process, kill, start_api, start_worker
from tests.support.waiting import wait_for

ENDED = {"completed", "failed", "cancelled", "skipped"}


class Server:
    """API and worker with the same settings; both can be stopped, killed and started again."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{settings.port}", timeout=30, trust_env=False)
        self.api: Process | None = None
        self.worker: Process | None = None

    def start(self, *, worker: bool = True) -> Self:
        """Start both and wait until the API answers."""
        self.api = start_api(self.settings)
        if worker:
            self.worker = start_worker(self.settings)
        return self

    def stop(self) -> None:
        """SIGTERM to both, and wait."""
        for process in (self.api, self.worker):
            if process:
                process.stop()
        self.api = self.worker = None

    def kill(self) -> None:
        """SIGKILL to both and to every job, at once."""
        processes = [process for process in (self.api, self.worker) if process]
        kill([member for process in processes for member in process.family()])
        for process in processes:
            process.popen.wait()
        self.api = self.worker = None

    def submit(self, template: str, params: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """POST a workflow and return its state as accepted."""
        body = {"template_id": template, "params": params or {}, "options": options}
        answer = self.http.post("/api/workflows/from-template", json=body)
        assert answer.status_code == 202, answer.text
        state: dict[str, Any] = answer.json()
        return state

    def state(self, workflow: str) -> dict[str, Any]:
        """The state of a workflow, as the API tells it."""
        answer = self.http.get(f"/api/workflows/{workflow}")
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state

    def wait(self, workflow: str, patience: float = 120.0) -> dict[str, Any]:
        """The state of a workflow once it has ended."""

        def ended() -> dict[str, Any] | None:
            state = self.state(workflow)
            return state if state["status"] in ENDED else None

        return wait_for(ended, f"the end of {workflow}", patience)

    def folder(self, workflow: str) -> Path:
        """The workflow's folder."""
        return self.settings.workflows_dir / workflow

    def environment(self) -> dict[str, str]:
        """The environment for other programs that shall see the same folders and port."""
        return environment(self.settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
        for process in (self.api, self.worker):
            if process:
                process.__exit__(kind, value, trace)

"""A small HTTP client for this API, for what runs on the same machine (`make run`, `make demo`)."""

import json
from http.client import HTTPConnection
from typing import Any

from models.problem import Problem

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  where to reach a server that listens everywhere


class ServerRefused(Exception):
    """The API answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail)


class Client:
    """Speaks JSON with the API; one connection per call, so that a restart of the server does not matter."""

    def __init__(self, host: str, port: int, timeout: float = 30.0) -> None:
        self.host = ANYWHERE.get(host, host)
        self.port = port
        self.timeout = timeout

    @property
    def url(self) -> str:
        """Where a browser finds the API."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def get(self, path: str) -> Any:
        """GET a path and return the parsed JSON.

        Raises:
            ServerRefused: the answer is a problem.
            OSError: nobody answers.
        """
        return self._call("GET", path, None)

    def post(self, path: str, body: object = None) -> Any:
        """POST a JSON body to a path and return the parsed JSON; raises as `get` does."""
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: object) -> Any:
        connection = HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status >= 400:
            raise ServerRefused(Problem.model_validate(content))
        return content

"""`make docs`: writes docs/errors.md from the exceptions themselves; a test keeps the two equal."""

import routes.exceptions  # noqa: F401  so that its classes are known below
from bagmill.errors import BagmillError
from config import ROOT
from routes.errors import status_of_class
from services.problems import kinds, title_of

PACKAGES = ("bagmill", "services", "routes")
PAGE = ROOT / "docs" / "errors.md"
HEAD = """# Errors

Whatever goes wrong is told by one kind of object (RFC 9457), in answers of the API and under `error` in
`state.json` alike:

```json
{
  "type": "/problems/recording_not_found",
  "title": "There is no file at this path",
  "status": 422,
  "detail": "There is no file at /data/drive.mcap.",
  "code": "recording_not_found",
  "hint": "Check the spelling; relative paths start at RECORDINGS_DIR (on the command line: at the cwd).",
  "where": {"path": "/data/drive.mcap", "pointer": "/params/recording"},
  "errors": [{"pointer": "/params/recording", "detail": "There is no file at /data/drive.mcap.", ...}]
}
```

`code` is stable: match on it. `detail` says what went wrong this time, `hint` what to do, `where` in which
file, at which offset in bytes, in which topic. `errors` has a JSON pointer (RFC 6901) into the JSON form of
the request for each fault: `/params/topics/0` in a POST, also in its query form, `/limit` in a list. `status`
is the HTTP status, null in `state.json`. The `type` of each is an address that tells what stands below:
`GET /problems/recording_not_found`.

Answers of 500 and above are no fault of the request; `where.request` then is the id of the log line that has
the traceback.

`make docs` writes this page from the exceptions in the code. A kind without a status is no answer of the API:
it fails a step, a command, or the start.

| code | status | what it means | what to do |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_row(kind) for kind in kinds().values() if kind.__module__.startswith(PACKAGES))


def _row(kind: type[BagmillError]) -> str:
    status = status_of_class(kind) or ""
    return f"| `{kind.code}` | {status} | {title_of(kind)}. | {kind.default_hint} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")

"""`make demo`: the whole way of a recording, with a server of its own that is stopped at the end.

    make demo                          a sample recording that is made first
    make demo RECORDING=/a/drive.mcap  your own

The run is an ordinary one: its folder stays in `workflows/`, and its recording is not touched.
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from bagmill.errors import RecordingError, RecordingNotFound
from bagmill.sample import write_sample
from config import Settings
from models.workflow import WorkflowState
from services.client import ServerRefused
from services.demo_view import Result, follower, show_problem, show_result
from services.launcher import Program, StopSignals, free_port, said_in_words
from services.problems import problem_of
from services.process_errors import ProcessDied
from services.sources import locate

POLL_SECONDS = 0.2
INTERRUPTED = 130
TAIL_LINES = 20


def main() -> int:
    """Run the demo; 0 if the run completed, 1 if it failed, 130 after Ctrl-C."""
    console = Console(soft_wrap=True, highlight=False)
    with said_in_words(), StopSignals() as signals, tempfile.TemporaryFile() as log:
        settings = Settings()
        port = settings.port if os.environ.get("PORT") else 0
        settings = settings.model_copy(update={"port": port or free_port(settings.host)})
        try:
            recording = chosen() or make_sample(settings.recordings_dir, console)
            with Program(settings, signals, output=log) as program:
                return show(program, recording, console)
        except ProcessDied:
            console.print(_tail(log.fileno()), markup=False)
            raise
        except ServerRefused as refusal:
            show_problem(console, refusal.problem)
        except RecordingError as error:
            show_problem(console, problem_of(error))
    return 1


def show(program: Program, recording: Path, console: Console) -> int:
    """Submit a recording, follow the run to its end and tell what came out."""
    if program.signals.requested.is_set():
        return INTERRUPTED
    console.print(f"API and worker are up: {program.client.url}", markup=False)
    console.print(f"Ingesting {recording}\n", markup=False)
    body = {"template_id": "ingest", "params": {"recording": str(recording)}, "options": {"priority": 100}}
    state = WorkflowState.model_validate(program.client.post("/api/workflows/from-template", body))
    state = follow(program, state, console)
    if not state.status.ended:
        return cancel(program, state, console)
    return show_result(console, Result(program.settings.workflows_dir / state.id, state))


def follow(program: Program, state: WorkflowState, console: Console) -> WorkflowState:
    """Show how the run gets on, until it has ended or the user wants to stop; its last state."""
    with follower(console) as shown:
        shown.update(state)
        while not state.status.ended and not program.signals.requested.wait(POLL_SECONDS):
            program.check()
            state = WorkflowState.model_validate(program.client.get(f"/api/workflows/{state.id}"))
            shown.update(state)
    return state


def cancel(program: Program, state: WorkflowState, console: Console) -> int:
    """Take the run back, for nobody would be there to finish it."""
    program.client.post(f"/api/workflows/{state.id}/cancel")
    console.print(f"\nInterrupted: {state.id} is cancelled.")
    return INTERRUPTED


def chosen() -> Path | None:
    """The user's RECORDING, if there is one.

    A relative path starts where the user stands (with `make -C` that is not the checkout), or, if there is
    nothing, in the checkout.

    Raises:
        RecordingNotFound: there is nothing at either.
        RecordingUnreadable: the API could not be told of this path.
    """
    given = os.environ.get("DEMO_RECORDING")
    if not given:
        return None
    places = dict.fromkeys([os.environ.get("DEMO_CWD") or ".", "."])
    paths = [Path(os.path.abspath(place / Path(given).expanduser())) for place in places]  # noqa: PTH100  keeps symlinks
    for path in paths:
        if os.path.lexists(path):
            return locate(str(path), Path())
    raise RecordingNotFound(
        where={"path": str(paths[0])},
        hint="Check the spelling; a relative path starts where you are, or in the checkout.",
    )


def make_sample(folder: Path, console: Console) -> Path:
    """Write the sample recording, never over another file, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sample-", dir=folder) as workshop:
        made = Path(workshop) / "sample.mcap"
        counts = write_sample(made)
        content = made.read_bytes()
        path = folder / "sample.mcap"
        if path.exists() and path.read_bytes() != content:
            path = folder / f"sample-{hashlib.sha256(content).hexdigest()[:8]}.mcap"
        if not path.exists():
            made.replace(path)
    console.print(f"Made a sample recording: {sum(counts.values())} messages on {len(counts)} topics")
    return path


def _tail(descriptor: int) -> str:
    """The last lines that API and worker wrote."""
    size = os.fstat(descriptor).st_size
    text = os.pread(descriptor, size, 0).decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-TAIL_LINES:])


if __name__ == "__main__":
    sys.exit(main())

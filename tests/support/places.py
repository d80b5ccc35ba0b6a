"""Where tests work: settings that point into a temporary folder, and the same as an environment."""

import contextlib
import json
import os
import random
import socket
from pathlib import Path

from config import ROOT, LogLevel, Settings

SHARED_RECORDINGS = ROOT.parent / "shared" / "recordings"
"""Real recordings of other people, beside the checkout on some machines."""


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on right now.

    It is below those that systems give to outgoing connections, so that none of these takes it meanwhile.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("100 ports are taken")


def settings_in(folder: Path, **changes: object) -> Settings:
    """Settings whose every path is below `folder`, whatever the environment and `.env` say."""
    values: dict[str, object] = {
        "port": free_port(),
        "workflows_dir": folder / "workflows",
        "recordings_dir": folder / "recordings",
        "configs_dir": folder / "configs",
        "queue_state_file": folder / "queue-state.json",
        "trash_dir": folder / "trash",
        "log_level": LogLevel.DEBUG,
        "min_free_disk": 0,
    }
    defaults = {
        name: field.get_default(call_default_factory=True) for name, field in Settings.model_fields.items()
    }
    return Settings(_env_file=None, **(defaults | values | changes))


def lose_queue(settings: Settings) -> None:
    """Remove the files of the queue, as far as they are there."""
    for path in (settings.queue_state_file, settings.queue_journal):
        path.unlink(missing_ok=True)


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment that gives a child process exactly these settings.

    Every setting is written out, so neither this process's environment nor a `.env` shines through.
    """
    values = settings.model_dump(mode="json")
    texts = {
        name.upper(): value if isinstance(value, str) else json.dumps(value) for name, value in values.items()
    }
    return os.environ | texts | {"PYTHONUNBUFFERED": "1"} | more

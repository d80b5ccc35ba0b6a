"""The Rerun SDK as this program uses it: quiet, without analytics, and never calling out of the machine.

Importing this module before anything imports `rerun` matters: the SDK reads its log level once.
"""

import os
import subprocess
import sys
from collections.abc import Mapping

QUIET = {"RUST_LOG": "off"}
"""Nothing of the SDK's own log on stderr; what it would say is found by counting rows."""

_PRIVATE = {"CI": "1", "TELEMETRY_ENABLED": "false"}
"""The command line program counts its runs and posts that to a server; the SDK's source (re_analytics,
`native/pipeline.rs`) gives two ways to keep it from that: a file in the user's home, or `CI`."""

_UNWANTED = ("RERUN", "FORCE_RERUN_ANALYTICS", "TELEMETRY_", "OTEL_")
"""Variables that would change what the SDK does: another binary, recording switched off, analytics forced."""


def private_environment(base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for any program of Rerun's: no analytics, no telemetry, no log, no overrides."""
    kept = {name: value for name, value in base.items() if not name.startswith(_UNWANTED)}
    return kept | QUIET | _PRIVATE


_MAIN = "import sys; from rerun_cli.__main__ import main; sys.exit(main())"
"""`python -m rerun_cli` would end with 0 whatever the program it starts ends with."""


def run_cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the `rerun` program that came with the SDK, and capture what it says.

    Its exit code says little (0 for an empty file): read the output.
    """
    return subprocess.run(
        [sys.executable, "-P", "-c", _MAIN, *arguments],
        env=private_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


for _name, _value in QUIET.items():
    os.environ.setdefault(_name, _value)
os.environ.pop("RERUN", None)  # `off` would keep the SDK from writing files

"""The worker process: `python worker.py` claims jobs and has them run until it is stopped."""

import argparse
import sys

from pydantic import ValidationError

from config import Settings
from services.logs import configure
from services.worker.process import run_worker


def main() -> int:
    """Parse the command line and work."""
    parser = argparse.ArgumentParser(description="Runs queued jobs until SIGTERM or Ctrl-C.")
    parser.add_argument("--once", action="store_true", help="stop when the queue is empty")
    parser.add_argument(
        "--autostarted",
        action="store_true",
        help="stop when no API process has looked after this worker for 10 s",
    )
    options = parser.parse_args()
    try:
        settings = Settings()
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors()]
        sys.exit("\n".join(["A setting is not accepted:", *faults, "See docs/settings.md."]))
    configure(settings)
    return run_worker(settings, once=options.once, autostarted=options.autostarted)


if __name__ == "__main__":
    sys.exit(main())

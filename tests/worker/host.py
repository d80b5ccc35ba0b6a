"""A worker whose jobs are another program: `python -m tests.worker.host COMMAND...`."""

import sys

from config import Settings
from services.logs import configure
from services.worker.process import run_worker

if __name__ == "__main__":
    settings = Settings()
    configure(settings)
    sys.exit(run_worker(settings, command=sys.argv[1:]))

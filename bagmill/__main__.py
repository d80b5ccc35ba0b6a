"""`bagmill` and `python -m bagmill`."""

import sys

from bagmill import quick
from bagmill.interrupts import guarded
from bagmill.startup import start_light


def main() -> None:
    """Run the command line and leave with its exit code."""
    start_light()
    call = quick.read(sys.argv[1:])
    if call is None:
        from bagmill.cli import app

        app(prog_name="bagmill")
    else:
        sys.exit(guarded(lambda: quick.run(call)))


if __name__ == "__main__":
    main()

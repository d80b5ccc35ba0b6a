"""`bagmill` and `python -m bagmill`."""

import os
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
        code = guarded(lambda: quick.run(call))
        # All is written and closed. To take numpy and pyarrow down costs a tenth of a small conversion.
        os._exit(code)


if __name__ == "__main__":
    main()

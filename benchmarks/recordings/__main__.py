"""`python -m benchmarks.recordings NAME...`: make recordings and print where they are, one a line."""

import os
import sys

from benchmarks.recordings.catalog import RECORDINGS, data_folder, recording

for name in sys.argv[1:] or [*RECORDINGS, "batch"]:
    for path in recording(name, data_folder(), float(os.environ.get("BENCH_SCALE", "1"))):
        print(path)

"""Reading a Rerun recording back: nothing is kept that does not hold what was put in."""

from pathlib import Path

from rerun.chunk import RrdReader

from bagmill.errors import OutputUnverified
from bagmill.visualize.sdk import run_cli
from bagmill.visualize.tally import Tally

_VERIFIED = "1 file verified without error"
_MOST_SAID = 500


def verify(path: Path, expected: Tally) -> None:
    """Check that the file is well formed and holds exactly the rows that were written.

    `rerun rrd verify` ends with 0 for empty files too, and does not see flipped bytes in what it need not
    decode; so its words count, and every chunk is decoded again here.

    Raises:
        OutputUnverified: it is not, or does not.
    """
    said = run_cli("rrd", "verify", str(path))
    if said.returncode != 0 or _VERIFIED not in said.stdout + said.stderr:
        words = (said.stderr or said.stdout).strip()[-_MOST_SAID:] or "it says nothing"
        raise OutputUnverified(
            f"`rerun rrd verify` refuses the recording: {words}", where={"path": path.name}
        )
    found = read_back(path)
    for (entity, component), count in (expected.rows - found.rows | found.rows - expected.rows).items():
        raise OutputUnverified(
            f"{entity} holds {found.rows[entity, component]} rows of {component}, "
            f"not {expected.rows[entity, component]}; they differ by {count}",
            where={"path": path.name},
        )


def read_back(path: Path) -> Tally:
    """Decode all chunks of the one recording in a file and count them.

    Raises:
        OutputUnverified: there is not one recording in it, or it can't be decoded.
    """
    tally = Tally()
    try:
        reader = RrdReader(path)
        recordings = reader.recordings()
        for chunk in reader.stream() if recordings else ():
            tally.add(chunk)
    except (RuntimeError, ValueError, OSError) as error:
        raise OutputUnverified(
            f"the recording can't be read again: {error}", where={"path": path.name}
        ) from error
    if len(recordings) != 1:
        raise OutputUnverified(f"the file holds {len(recordings)} recordings", where={"path": path.name})
    return tally

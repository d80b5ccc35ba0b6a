"""Runs as a process of its own: a story whose calls are recorded, and a new start after each power cut.

    python -m tests.crash.cuts FOLDER STORY LIMIT FIRST EVERY

Of what power cuts may leave (LIMIT trees before each call) it tries number FIRST, FIRST + EVERY, and so on.
"""

import json
import pickle
import random
import shutil
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from loguru import logger

from services import disk
from tests.crash.everywhere import in_child, undisturbed
from tests.crash.looking import check
from tests.crash.power import Recorder, put
from tests.crash.stories import recordings_in, recover, settings_of, tell


def recorded(story: str, folder: Path, recordings: Path) -> Recorder:
    """The calls of the story, told by a child to its end."""
    result = folder.with_name("calls.pickle")

    def live(say: Callable[[str], None]) -> None:
        recorder = Recorder(folder)
        disk.observe(recorder.see)
        tell(story, settings_of(folder, recordings), recorder.mark)
        disk.observe(None)
        result.write_bytes(pickle.dumps(recorder))

    end = in_child(live)
    assert end.status == 0, "\n".join(end.said)
    found: Recorder = pickle.loads(result.read_bytes())
    return found


def main() -> None:
    """Print how many trees were tried, as JSON."""
    logger.remove()
    folder, story, limit, first, every = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6])
    recordings, place = folder / "recordings", folder / "run"
    recordings_in(recordings)
    expected = undisturbed(story, settings_of(folder / "undisturbed", recordings))
    place.mkdir()
    recorder = recorded(story, place, recordings)
    tried = 0
    for number, tree in islice(recorder.cuts(limit, random.Random(7)), first, None, every):
        said = recorder.marks(number)
        put(tree, place)

        def look(say: Callable[[str], None], said: list[str] = said) -> None:
            recover(story, settings_of(place, recordings), said)
            check(settings_of(place, recordings), said, expected)

        after = in_child(look)
        if after.status:
            shutil.copytree(place, folder / "failed")
        told = f"power cut before call {number}: {recorder.calls[number : number + 1]}"[:400]
        assert after.status == 0, "\n".join([told, *said, *after.said])
        tried += 1
    print(json.dumps({"trees": tried, "calls": len(recorder.calls)}))


if __name__ == "__main__":
    main()

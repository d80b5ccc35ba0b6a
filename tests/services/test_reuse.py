"""What was made before: keys of what is asked for, and who has it."""

import json
from pathlib import Path
from typing import Any

from config import Settings
from models.workflow import SourceStamp
from services import reuse
from services.ids import new_id
from services.state_manager import StateManager

SPEC: dict[str, Any] = {
    "rows": {"kind": "rate", "hz": 30},
    "features": {"x": {"source": {"topic": "/a", "field": "b"}}},
}
SOURCE = SourceStamp(path="/recordings/a.mcap", size=1, mtime_ns=2, inode=3)
KEY = reuse.key_of("dataset", {"spec": SPEC}, [SOURCE])


def test_a_key_is_of_all_that_an_output_depends_on() -> None:
    other_spec = SPEC | {"rows": {"kind": "rate", "hz": 31}}
    others = [
        reuse.key_of("extract", {"spec": SPEC}, [SOURCE]),
        reuse.key_of("dataset", {"spec": other_spec}, [SOURCE]),
        reuse.key_of("dataset", {"spec": SPEC | {"name": "b"}}, [SOURCE]),
        reuse.key_of("dataset", {"spec": SPEC}, [SOURCE, SOURCE]),
        *(
            reuse.key_of("dataset", {"spec": SPEC}, [SOURCE.model_copy(update={name: value})])
            for name, value in {"path": "/b", "size": 9, "mtime_ns": 9, "inode": 9}.items()
        ),
    ]

    assert len({KEY, *others}) == len(others) + 1


def test_a_key_is_of_what_a_spec_means() -> None:
    written_out = {"version": 1, **SPEC, "input": {"topics": ["*"]}, "rows": {"hz": 30.0, "kind": "rate"}}

    assert reuse.key_of("dataset", {"spec": written_out}, [SOURCE]) == KEY


def manifest(folder: Path, key: str) -> None:
    """A step's folder with what says what it is."""
    folder.mkdir(parents=True)
    facts = {"kind": "dataset", "job": "j", "fence": 1, "complete": True, "outputs": [], "reuse_key": key}
    (folder / "manifest.json").write_text(json.dumps(facts))


def test_the_first_that_still_has_it_is_found(settings: Settings) -> None:
    states = StateManager(settings)
    gone, other, first, second = (new_id() for _ in range(4))
    manifest(settings.workflows_dir / other / "dataset", "another key")
    for one in (first, second):
        manifest(settings.workflows_dir / one / "dataset", KEY)
    for one in (gone, other, first, second, first):
        reuse.remember(settings.reuse_dir, KEY, one)
    found = reuse.find(states, KEY, "dataset")

    assert found
    assert (found.workflow, found.folder) == (first, str(settings.workflows_dir / first / "dataset"))
    assert reuse.find(states, KEY, "collect") is None
    assert reuse.find(states, "0" * 64, "dataset") is None


def test_a_file_that_says_nothing_is_no_hindrance(settings: Settings) -> None:
    states = StateManager(settings)
    settings.reuse_dir.mkdir(parents=True)
    for text in ("", "{", "7", '["../../etc", 3, null]'):
        (settings.reuse_dir / KEY).write_text(text)
        assert reuse.find(states, KEY, "dataset") is None
    reuse.remember(settings.reuse_dir, KEY, new_id())


def test_there_are_never_many_for_a_key(settings: Settings) -> None:
    ids = [new_id() for _ in range(20)]
    for one in ids:
        reuse.remember(settings.reuse_dir, KEY, one)

    assert json.loads((settings.reuse_dir / KEY).read_bytes()) == ids[-reuse.MOST :]


def test_keys_that_were_noted_first_are_forgotten(settings: Settings) -> None:
    for number in range(20):
        reuse.remember(settings.reuse_dir, f"{number + 1:02}", new_id(), most_keys=5)
    assert len(list(settings.reuse_dir.iterdir())) == 20
    reuse.remember(settings.reuse_dir, "00", new_id(), most_keys=5)

    assert sorted(path.name for path in settings.reuse_dir.iterdir()) == ["00", "16", "17", "18", "19", "20"]


def test_a_folder_that_can_not_be_written_fails_nothing(settings: Settings) -> None:
    settings.reuse_dir.parent.mkdir(parents=True, exist_ok=True)
    settings.reuse_dir.write_text("a file")

    reuse.remember(settings.reuse_dir, KEY, new_id())
    assert reuse.find(StateManager(settings), KEY, "dataset") is None

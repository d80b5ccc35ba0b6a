"""Configs on the disk: writers at a time, kills at every call, and what steps resolve."""

import json
import multiprocessing
from pathlib import Path

import pytest

from bagmill.dataset.spec import parse_spec, spec_hash
from bagmill.errors import BagmillError
from config import Settings
from models.config import ChangedConfig, NewConfig
from services.config_service import ConfigService, resolve
from services.errors import ConfigChanged, ConfigUnreadable, InvalidRequest
from tests.support.processes import python

TEXT = "rows: {{kind: rate, hz: {hz}}}\nfeatures: {{a: {{source: {{topic: /a, field: x}}}}}}\n"
WRITERS, CHANGES = 2, 8
SPAWN = multiprocessing.get_context("spawn")


def text(hz: int) -> str:
    return TEXT.format(hz=hz)


@pytest.fixture
def configs(settings: Settings) -> ConfigService:
    service = ConfigService(settings)
    service.prepare()
    return service


@pytest.fixture
def arm(configs: ConfigService) -> str:
    """A config with the revisions 1 (10 Hz) and 2 (20 Hz)."""
    configs.create(NewConfig(name="arm", spec=text(10)))
    configs.change("arm", ChangedConfig(spec=text(20)))
    return "arm"


def write(settings: Settings, name: str, first: int, based: bool) -> None:
    """Make CHANGES revisions, as one of several processes."""
    configs = ConfigService(settings)
    for number in range(first, first + CHANGES):
        while True:
            newest = configs.get(name).revision if based else None
            try:
                configs.change(name, ChangedConfig(spec=text(number), author=f"{number}"), newest)
            except ConfigChanged:
                continue
            break


@pytest.mark.parametrize("based", [False, True])
def test_no_revision_of_several_writers_is_lost(
    configs: ConfigService, settings: Settings, arm: str, based: bool
) -> None:
    writers = [
        SPAWN.Process(target=write, args=(settings, arm, 100 * (number + 1), based))
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    lines = configs.revisions(arm).items
    made = {configs.get(arm, line.revision).text: line.author for line in lines[:-2]}
    wanted = [100 * (number + 1) + step for number in range(WRITERS) for step in range(CHANGES)]
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    assert [line.revision for line in lines] == list(range(WRITERS * CHANGES + 2, 0, -1))
    assert made == {text(number): f"{number}" for number in wanted}


@pytest.mark.parametrize("what", ["change", "create", "delete"])
def test_what_is_killed_is_done_or_not_and_leaves_nothing(tmp_path: Path, what: str) -> None:
    told = python("-m", "tests.services.config_kills", what, str(tmp_path))

    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["calls"] > 3
    assert found["done"] > 0
    assert found["undone"] > 0
    assert found["left"] == []


def test_a_torn_line_of_the_log_is_cut_off(configs: ConfigService, settings: Settings, arm: str) -> None:
    log = settings.configs_dir / arm / "log.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"revision": 3, "at": "20')

    changed = configs.change(arm, ChangedConfig(spec=text(30), author="ada"))

    assert (changed.revision, changed.author) == (3, "ada")
    assert log.read_bytes().startswith(whole + b'{"schema_version"')
    assert len(log.read_bytes().splitlines()) == 3


def test_a_config_stands_for_its_newest_spec_or_an_older_one(
    settings: Settings, configs: ConfigService, arm: str
) -> None:
    newest, first = resolve(settings.configs_dir, "ARM"), resolve(settings.configs_dir, arm, 1)

    assert (newest.config, newest.revision, newest.spec) == ("arm", 2, parse_spec(text(20)))
    assert (first.revision, first.spec, first.hash) == (1, parse_spec(text(10)), spec_hash(first.spec))


@pytest.mark.parametrize(
    ("config", "revision", "pointer"),
    [("leg", None, "/params/config"), ("../arm", None, "/params/config"), ("arm", 3, "/params/revision")],
)
def test_what_stands_for_nothing_is_pointed_at(
    settings: Settings, arm: str, config: str, revision: int | None, pointer: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve(settings.configs_dir, config, revision, "/params")

    assert [item.pointer for item in caught.value.items] == [pointer]


@pytest.mark.parametrize(
    "content", [b"", b"rows: 1", b"\xff", bytes(5 << 20)], ids=["empty", "other", "bytes", "long"]
)
def test_a_file_that_is_no_spec_is_named(settings: Settings, arm: str, content: bytes) -> None:
    path = settings.configs_dir / arm / "rev-0002.yaml"
    path.write_bytes(content)

    with pytest.raises(ConfigUnreadable) as caught:
        resolve(settings.configs_dir, arm)

    assert caught.value.where["path"] == str(path)
    assert resolve(settings.configs_dir, arm, 1).revision == 1


def test_a_folder_that_can_not_be_made_stops_nothing(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    configs = ConfigService(settings.model_copy(update={"configs_dir": tmp_path / "file" / "configs"}))

    configs.prepare()

    with pytest.raises(BagmillError):
        configs.create(NewConfig(name="arm", spec=text(10)))

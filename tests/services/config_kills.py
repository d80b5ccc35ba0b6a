"""Runs as a process of its own: ends children at each numbered call of a write of configs, and looks at what
is left. Prints one JSON line.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from config import Settings
from models.config import ChangedConfig, DuplicatedConfig, NewConfig
from services import disk
from services.config_service import ConfigService
from services.errors import ConfigExists, MissingError
from tests.support.places import settings_in

TEXT = "rows: {{kind: rate, hz: {hz}}}\nfeatures: {{a: {{source: {{topic: /a, field: x}}}}}}\n"


def text(hz: int) -> str:
    return TEXT.format(hz=hz)


def killed_at(call: int, action: Callable[[], object]) -> bool:
    """Do something in a child that ends, without a word, before its numbered call; True if it did so."""

    def end(seen: disk.Call) -> None:
        if seen.number == call:
            os._exit(9)

    child = os.fork()
    if not child:
        try:
            disk.observe(end)
            action()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def checked(configs: ConfigService) -> set[str]:
    """The configs that there are: all can be read, and the log knows each revision."""
    found = configs.all()
    assert found.unreadable == []
    for one in found.items:
        assert all(line.author for line in configs.revisions(one.name).items)
    return {one.name for one in found.items}


def change(configs: ConfigService) -> Iterator[bool]:
    """Changes; each is made or not, and the next one is made on top."""
    configs.create(NewConfig(name="arm", spec=text(10)))
    call = 0
    while killed_at(call := call + 1, lambda: configs.change("arm", ChangedConfig(spec=text(100 + call)))):
        assert checked(configs) == {"arm"}
        yield configs.get("arm").text == text(100 + call)
        again = configs.change("arm", ChangedConfig(spec=text(500 + call)))
        assert again.text == text(500 + call)
    numbers = [line.revision for line in configs.revisions("arm").items]
    assert sorted(set(numbers), reverse=True) == numbers
    assert configs.get("arm", 1).text == text(10)


def create(configs: ConfigService) -> Iterator[bool]:
    """New configs; each is there, or its name is free."""
    call = 0
    while killed_at(call := call + 1, lambda: configs.create(NewConfig(name=f"c{call}", spec=text(1)))):
        there = f"c{call}" in checked(configs)
        try:
            configs.create(NewConfig(name=f"c{call}", spec=text(1)))
        except ConfigExists:
            assert there
        assert f"c{call}" in checked(configs)
        yield there


def delete(configs: ConfigService) -> Iterator[bool]:
    """Deletes; each config is whole or gone."""
    configs.create(NewConfig(name="arm", spec=text(10)))
    call = 0
    while True:
        configs.duplicate("arm", DuplicatedConfig(name=f"c{call + 1}"))
        if not killed_at(call := call + 1, lambda: configs.delete(f"c{call}")):
            break
        there = f"c{call}" in checked(configs)
        yield not there
        if there:
            configs.delete(f"c{call}")
    try:
        configs.get(f"c{call}")
    except MissingError:
        return
    raise AssertionError("it is still there")


def leftovers(settings: Settings) -> list[str]:
    return [str(path) for path in settings.configs_dir.rglob(".*") if path.name != ".lock"]


def main() -> None:
    settings = settings_in(Path(sys.argv[2]))
    configs = ConfigService(settings)
    configs.prepare()
    work = {"change": change, "create": create, "delete": delete}[sys.argv[1]]
    done = list(work(configs))
    configs.prepare()
    print(
        json.dumps(
            {
                "calls": len(done),
                "done": done.count(True),
                "undone": done.count(False),
                "left": leftovers(settings),
            }
        )
    )


if __name__ == "__main__":
    main()

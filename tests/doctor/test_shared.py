"""Every recording beside the checkout: no crash, and nothing missing where nothing is."""

import json
from pathlib import Path
from typing import Any

import pytest

from bagmill.doctor import diagnose
from bagmill.errors import BagmillError
from tests.convert.test_shared import NAMES, RAW, REFUSED
from tests.doctor.making import codes
from tests.support.places import SHARED_RECORDINGS

pytestmark = pytest.mark.usefixtures("shared_recordings")

SLOW = dict.fromkeys(["protobuf/osi_lane_boundaries.mcap", "ros1/osi_sensor_view.mcap"], "")
CONFORMANCE = sorted(SHARED_RECORDINGS.glob("conformance/*/*.mcap"))


@pytest.fixture(scope="module")
def facts(shared_recordings: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_recordings / "FACTS.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED | SLOW])
def test_real_recordings(name: str, facts: dict[str, Any], shared_recordings: Path) -> None:
    check(name, facts, shared_recordings)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SLOW.keys() & set(NAMES)))
def test_big_real_recordings(name: str, facts: dict[str, Any], shared_recordings: Path) -> None:
    check(name, facts, shared_recordings)


def check(name: str, facts: dict[str, Any], shared_recordings: Path) -> None:
    found = diagnose(shared_recordings / name)

    assert found.facts["messages"] == facts[name]["messages"]
    assert found.complete == (name != "malformed/truncated_in_message_index.mcap")
    assert {f.topic for f in found.findings if f.code == "undecodable"} == RAW.get(name, set())
    assert not {"unreadable_messages", "crc_mismatch", "damaged"} & set(codes(found))
    assert ("no_messages" in codes(found)) == any(" n=0" in line for line in facts[name]["topics"])


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_refused(name: str, shared_recordings: Path) -> None:
    with pytest.raises(BagmillError) as caught:
        diagnose(shared_recordings / name)

    assert caught.value.code == REFUSED[name]


def test_conformance_files_are_complete() -> None:
    some = CONFORMANCE[::7]

    assert some
    assert not [path.name for path in some if not diagnose(path).complete]


@pytest.mark.slow
def test_all_conformance_files_are_complete() -> None:
    assert not [path.name for path in CONFORMANCE if not diagnose(path).complete]

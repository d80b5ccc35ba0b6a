"""What scripts may rely on: the JSON object, the codes, that blocks do not matter."""

import json
import re
from pathlib import Path

import pytest

from bagmill.doctor import Finding, Severity, diagnose
from bagmill.doctor.remedies import REMEDIES
from bagmill.doctor.series import Series
from bagmill.doctor.topics import Topics
from bagmill.recording import Recording
from config import ROOT
from tests.doctor.making import MS, START, Sent, examined, steady, without, write

PAGE = (ROOT / "docs" / "doctor.md").read_text("utf-8")


def test_every_code_is_documented_and_no_other(tmp_path: Path) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (error|warning|info|error or warning|info or warning) \|", PAGE, re.MULTILINE
    )

    assert sorted(code for code, _ in rows) == sorted(REMEDIES)


def test_the_json_object(tmp_path: Path) -> None:
    found = examined(tmp_path, without(steady(3000), 1000, 1100)).as_json()

    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found) == [
        "schema_version",
        "kind",
        "recording",
        "size",
        "identity",
        "indexed",
        "crc",
        "messages",
        "topics",
        "complete",
        "counts",
        "findings",
    ]
    assert (found["schema_version"], found["kind"], found["recording"]) == (1, "doctor", "made.mcap")
    assert found["counts"] == {"error": 0, "warning": 1, "info": 0}
    assert found["findings"] == [
        {
            "severity": "warning",
            "code": "gap",
            "topic": "/p",
            "where": {"log_time": "2023-11-14T22:13:29.990000000Z", "log_time_ns": str(START + 9990 * MS)},
            "message": "1 gap, the longest 1.01 s where 10 ms are usual.",
            "remedy": REMEDIES["gap"],
            "facts": {
                "count": 1,
                "usual_seconds": 0.01,
                "longest": [
                    {
                        "log_time": "2023-11-14T22:13:29.990000000Z",
                        "log_time_ns": str(START + 9990 * MS),
                        "seconds": 1.01,
                    }
                ],
            },
        }
    ]


def test_every_field_of_the_object_is_documented(tmp_path: Path) -> None:
    found = examined(tmp_path, steady(30)).as_json()
    names = {*found, *found["topics"]["/p"], *found["crc"], *found["crc"]["chunks"]}
    names |= set(Finding(Severity.INFO, "gap", "").as_json())

    assert not [name for name in sorted(names) if f"`{name}`" not in PAGE]


def test_the_worst_comes_first(tmp_path: Path) -> None:
    sent = [*without(steady(3000), 1000, 1100), *steady(50, topic="/a")]

    found = examined(tmp_path, sent).findings

    assert [finding.severity for finding in found] == sorted(
        (finding.severity for finding in found), key=list(Severity).index
    )


def disturbed() -> list[Sent]:
    """A recording with something of everything."""
    sent = without(steady(4000), 1000, 1100)
    sent[500], sent[501] = sent[501], sent[500]
    sent += steady(1000, topic="/q", hertz=50)
    sent += steady(300, topic="/slow", hertz=5, first=START + 10_000 * MS)
    ordered = sorted(sent, key=lambda one: one.log_time // (200 * MS))
    return [*ordered, *ordered[700:720]]


@pytest.mark.parametrize("target", [1, 500, 3000, 20_000, 1 << 20])
def test_blocks_do_not_matter(tmp_path: Path, target: int) -> None:
    path = write(tmp_path / "a.mcap", disturbed(), chunk_size=2000)
    whole = [finding for finding in diagnose(path).findings if finding.topic]

    with Recording.open(path) as recording:
        topics = Topics(recording.summary.channels, recording.summary.message_counts)
        for block in recording.blocks(target_bytes=target):
            topics.take(Series(block, topics.numbering))

    assert len(whole) >= 4
    assert sorted(map(repr, topics.findings())) == sorted(map(repr, whole))


def test_the_same_recording_gives_the_same_diagnosis(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mcap", disturbed())

    assert diagnose(path).as_json() == diagnose(path).as_json()

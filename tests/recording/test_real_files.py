"""Real recordings of many recorders: the counts are those of an independent parser."""

import json
from pathlib import Path
from typing import Any

import pytest

from bagmill.errors import BagmillError, EmptyRecording, LfsPointer, NotMcap, RecordingDamaged
from bagmill.recording import Recording
from tests.recording.making import read
from tests.support.places import SHARED_RECORDINGS

FACTS_FILE = SHARED_RECORDINGS / "FACTS.json"
FACTS: dict[str, Any] = json.loads(FACTS_FILE.read_text("utf-8")) if FACTS_FILE.is_file() else {}
UNREADABLE: dict[str, type[BagmillError]] = {
    "malformed/2024-05-15_crlf_mangled.mcap": NotMcap,
    "malformed/chunk_not_closed.mcap": RecordingDamaged,
    "malformed/rerun_r2b_galileo.mcap": LfsPointer,
    "malformed/zero_bytes.mcap": EmptyRecording,
}
READABLE = sorted(set(FACTS) - set(UNREADABLE))


def test_the_facts_are_there(shared_recordings: Path) -> None:
    assert (shared_recordings / "FACTS.json").is_file()
    assert len(READABLE) > 20


@pytest.mark.parametrize("name", READABLE)
def test_what_is_in_a_file(name: str) -> None:
    facts = FACTS[name]

    with Recording.open(SHARED_RECORDINGS / name) as recording:
        blocks = [block.log_time.copy() for block in recording.blocks()]
        summary = recording.summary
        assert sum(times.size for times in blocks) == facts["messages"]
        assert summary.message_count == facts["messages"]
        assert len(summary.channels) == facts["channels"]
        assert len(summary.chunks) == facts["chunks"]
        assert (recording.profile, recording.library) == (facts["profile"], facts["library"])
        assert sorted([one.name, one.size] for one in summary.attachments) == sorted(facts["attachments"])
        assert sorted(one.name for one in summary.metadata) == sorted(facts["metadata"])
        earlier = sum(int((times[1:] < times[:-1]).sum()) for times in blocks)
        assert earlier == facts["out_of_log_time_order"] or len(blocks) > 1


@pytest.mark.parametrize("name", READABLE)
def test_counts_and_encodings_of_topics(name: str) -> None:
    with Recording.open(SHARED_RECORDINGS / name) as recording:
        summary = recording.summary
        found = set()
        for channel in summary.channels.values():
            schema = summary.schemas.get(channel.schema_id)
            text = f"{schema.name}({schema.encoding})" if schema else "-"
            count = summary.message_counts[channel.id]
            found.add(f"{channel.topic} [{channel.message_encoding}] {text} n={count}")

    assert {line.split(" md=")[0] for line in FACTS[name]["topics"]} <= found


@pytest.mark.parametrize("name", sorted(set(UNREADABLE) & set(FACTS)))
def test_what_is_no_recording_is_called_so(name: str) -> None:
    with pytest.raises(UNREADABLE[name]) as caught:
        read(SHARED_RECORDINGS / name)

    assert type(caught.value) is UNREADABLE[name]


@pytest.mark.parametrize(
    ("name", "told"), [("truncated_after_dataend", False), ("truncated_in_message_index", True)]
)
def test_truncated_files_give_all_their_messages(shared_recordings: Path, name: str, told: bool) -> None:
    result = read(shared_recordings / "malformed" / f"{name}.mcap")

    assert len(result.messages) == 14
    assert len(result.losses) == 1
    assert result.told is told

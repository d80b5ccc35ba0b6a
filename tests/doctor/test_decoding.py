"""What the decoders say: unreadable messages, topics without a decoder, several schemas on a topic."""

from pathlib import Path

from bagmill.convert import convert
from bagmill.doctor import Severity, diagnose
from bagmill.options import ConvertOptions
from tests.convert.making import POINT, SECOND, START, Sent, Stream, point, points, record, texts
from tests.doctor.making import codes, the


def test_unreadable_messages(tmp_path: Path) -> None:
    sent = [Sent(point(n, n)[: 11 if n in (3, 7) else 20], START + n * SECOND) for n in range(10)]
    stream = Stream("/p", ("pkg/msg/P", "ros2msg", POINT.encode()), "cdr", sent)

    found = diagnose(record(tmp_path / "a.mcap", stream, points("/q", 10)))

    unreadable = the(found, "unreadable_messages")
    assert (unreadable.severity, unreadable.topic, unreadable.facts) == (Severity.ERROR, "/p", {"count": 2})
    assert unreadable.where["log_time_ns"] == str(START + 3 * SECOND)
    assert unreadable.message.startswith("2 of 10 messages can't be decoded; the first: ")
    assert found.facts["topics"]["/p"]["unreadable"] == 2
    assert not found.complete


def test_times_beyond_2262_are_unreadable_as_in_a_conversion(tmp_path: Path) -> None:
    late = [Sent(point(1, 1), START), Sent(point(2, 2), 2**63 + 5)]
    path = record(tmp_path / "a.mcap", Stream("/p", ("P", "ros2msg", POINT.encode()), "cdr", late))

    report = convert(path, tmp_path, ConvertOptions())

    assert the(diagnose(path), "unreadable_messages").facts == {"count": report.counters["unreadable"]}


def test_a_topic_without_a_decoder_keeps_its_bytes(tmp_path: Path) -> None:
    raw = Stream("/r", None, "mystery", [Sent(b"?", START)])

    found = diagnose(record(tmp_path / "a.mcap", raw, points("/p", 1)))

    assert (the(found, "undecodable").topic, the(found, "undecodable").severity) == ("/r", Severity.WARNING)
    assert found.facts["topics"]["/r"]["decoded"] is False
    assert found.facts["topics"]["/p"]["decoded"] is True
    assert found.complete


def test_several_schemas_on_a_topic(tmp_path: Path) -> None:
    one, other = points("/p", 3), points("/p", 2, name="pkg/msg/Other")

    found = diagnose(record(tmp_path / "a.mcap", one, other))

    several = the(found, "several_schemas")
    assert several.message.endswith("pkg/msg/Other, pkg/msg/Point.")
    assert found.facts["topics"]["/p"]["messages"] == 5


def test_several_channels_of_one_topic_are_told_apart(tmp_path: Path) -> None:
    again = Stream("/p", ("pkg/msg/Point", "ros2msg", POINT.encode()), "cdr", [Sent(point(1, 1), START)] * 12)

    found = diagnose(record(tmp_path / "a.mcap", points("/p", 3), again))

    assert the(found, "content_repeated").where["channel"] == 2
    assert "several_schemas" not in codes(found)


def test_json_is_decoded_as_in_a_conversion(tmp_path: Path) -> None:
    path = record(tmp_path / "a.mcap", texts("/j", b'{"a": 1}', b"{", b'{"a": 2.5}'))

    assert the(diagnose(path), "unreadable_messages").facts == {"count": 1}

"""Gaps, rates, edges and steps backwards: each where it is, and not where it is not."""

from pathlib import Path

import pytest

from bagmill.doctor import Severity
from bagmill.recording.times import rfc3339
from tests.doctor.making import MS, SECOND, START, Sent, codes, examined, steady, the, without


def test_nothing_is_found_in_a_good_recording(tmp_path: Path) -> None:
    sent = sorted(steady(3000) + steady(300, topic="/q", hertz=10), key=lambda one: one.log_time)

    found = examined(tmp_path, sent)

    assert found.findings == []
    assert found.complete
    assert found.facts["messages"] == 3300
    assert found.facts["crc"]["chunks"]["mismatched"] == 0
    assert found.facts["topics"]["/p"] == {
        "messages": 3000,
        "bytes": 3000 * 20,
        "unreadable": 0,
        "decoded": True,
        "first_time": rfc3339(START),
        "last_time": rfc3339(START + 2999 * 10 * MS),
        "rate_hz": 100.0,
        "median_interval_seconds": 0.01,
        "longest_interval_seconds": 0.01,
        "median_delay_seconds": 0.001,
    }


def test_a_gap(tmp_path: Path) -> None:
    gap = the(examined(tmp_path, without(steady(3000), 1000, 1100)), "gap")

    assert (gap.severity, gap.topic) == (Severity.WARNING, "/p")
    assert gap.where == {
        "log_time": rfc3339(START + 9_990 * MS),
        "log_time_ns": str(START + 9_990 * MS),
    }
    assert gap.facts["count"] == 1
    assert [found["seconds"] for found in gap.facts["longest"]] == [1.01]
    assert gap.message == "1 gap, the longest 1.01 s where 10 ms are usual."


def test_many_gaps_are_counted_and_the_longest_are_named(tmp_path: Path) -> None:
    sent = steady(4000)
    for number in range(20):
        first = 100 * number + 50
        sent = without(sent, first, first + 8 + number)

    gap = the(examined(tmp_path, sent), "gap")

    assert gap.facts["count"] == 20
    assert [found["seconds"] for found in gap.facts["longest"]] == [0.28, 0.27, 0.26, 0.25, 0.24]


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_some_missing_messages_are_no_gap(tmp_path: Path, missing: int) -> None:
    assert examined(tmp_path, without(steady(3000), 1000, 1000 + missing)).findings == []


def test_topics_without_a_rhythm_have_no_gaps(tmp_path: Path) -> None:
    times = [START + (n**3 % 1009) * 10 * MS + n * 20 * SECOND for n in range(200)]
    sent = [Sent("/p", time, time, n, steady(1, start=n)[0].data) for n, time in enumerate(times)]

    assert "gap" not in codes(examined(tmp_path, sent))


def test_too_few_messages_have_no_rhythm(tmp_path: Path) -> None:
    assert examined(tmp_path, without(steady(24), 10, 16)).findings == []


def test_what_is_only_written_late_is_no_gap(tmp_path: Path) -> None:
    sent = steady(3000)

    found = examined(tmp_path, [*sent[:1000], *sent[1500:], *sent[1000:1500]])

    assert codes(found) == ["time_backwards"]


def test_a_gap_is_found_where_time_goes_backwards_too(tmp_path: Path) -> None:
    sent = without(steady(3000), 1000, 1500)

    found = examined(tmp_path, [*sent[:2000], *sent[2100:], *sent[2000:2100]])

    assert codes(found) == ["time_backwards", "gap"]
    assert the(found, "gap").facts["count"] == 1


def test_time_going_backwards(tmp_path: Path) -> None:
    sent = steady(100)
    sent[50], sent[51] = sent[51], sent[50]
    sent[70], sent[74] = sent[74], sent[70]

    step = the(examined(tmp_path, sent), "time_backwards")

    assert step.facts == {"count": 3, "largest_seconds": 0.03}
    assert step.where["log_time_ns"] == str(START + 710 * MS)


def test_equal_times_do_not_go_backwards(tmp_path: Path) -> None:
    sent = [Sent("/p", START, START, n, one.data) for n, one in enumerate(steady(100))]

    assert examined(tmp_path, sent).findings == []


def test_channels_do_not_disturb_each_other(tmp_path: Path) -> None:
    late = steady(500, topic="/q", first=START + 5 * SECOND)
    early = steady(1000)

    found = examined(tmp_path, late + early)

    assert "time_backwards" not in codes(found)


def test_a_topic_that_begins_late_and_one_that_ends_early(tmp_path: Path) -> None:
    sent = steady(3000) + steady(1500, topic="/late", first=START + 15 * SECOND)
    sent += steady(1500, topic="/early")

    found = examined(tmp_path, sorted(sent, key=lambda one: one.log_time))

    late, early = the(found, "starts_late"), the(found, "ends_early")
    assert (late.topic, late.severity, late.facts["seconds"]) == ("/late", Severity.INFO, 15.0)
    assert (early.topic, early.severity, early.facts["seconds"]) == ("/early", Severity.WARNING, 15.0)
    assert len(found.findings) == 2


def test_a_topic_may_begin_and_end_a_little_off(tmp_path: Path) -> None:
    sent = steady(3000) + steady(2700, topic="/q", first=START + SECOND)

    assert examined(tmp_path, sorted(sent, key=lambda one: one.log_time)).findings == []


def test_another_rate(tmp_path: Path) -> None:
    usual, slow = steady(3000), steady(400, hertz=50, first=START + 30 * SECOND, start=3000)
    again = steady(2000, first=START + 38 * SECOND, start=3400)

    change = the(examined(tmp_path, usual + slow + again), "rate_change")

    assert change.severity is Severity.WARNING
    assert change.facts["count"] == 1
    assert change.facts["rate_hz"] == pytest.approx(50, rel=0.1)
    assert change.facts["usual_hz"] == pytest.approx(100, rel=0.02)
    assert change.facts["seconds"] == pytest.approx(8, abs=2.5)
    assert abs(int(change.where["log_time_ns"]) - START - 30 * SECOND) < 2 * SECOND


@pytest.mark.parametrize("hertz", [80, 120])
def test_a_little_faster_or_slower_is_no_other_rate(tmp_path: Path, hertz: int) -> None:
    sent = steady(3000) + steady(10 * hertz, hertz=hertz, first=START + 30 * SECOND, start=3000)

    assert examined(tmp_path, sent).findings == []


def test_a_gap_is_no_other_rate(tmp_path: Path) -> None:
    assert codes(examined(tmp_path, without(steady(6000), 2000, 3000))) == ["gap"]


def test_times_of_a_clock_that_was_never_set(tmp_path: Path) -> None:
    everything = examined(tmp_path, steady(100, first=5 * SECOND))
    some = examined(tmp_path, steady(100, first=5 * SECOND) + steady(100, topic="/q"))

    assert (the(everything, "time_not_set").topic, the(everything, "time_not_set").severity) == (
        None,
        Severity.INFO,
    )
    assert (the(some, "time_not_set").topic, the(some, "time_not_set").severity) == ("/p", Severity.WARNING)

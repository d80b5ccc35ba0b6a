"""Log against publish time, repeated messages, sequence numbers."""

from dataclasses import replace
from pathlib import Path

import pytest

from bagmill.doctor import Severity
from tests.doctor.making import MS, SECOND, START, Sent, codes, examined, steady, the


def published(sent: list[Sent], *delays: int) -> list[Sent]:
    """Messages with these delays (ns), repeated."""
    return [
        replace(one, publish_time=one.log_time - delays[number % len(delays)])
        for number, one in enumerate(sent)
    ]


def test_publish_after_log(tmp_path: Path) -> None:
    late = the(examined(tmp_path, published(steady(100), MS, -5 * MS)), "publish_after_log")

    assert late.severity is Severity.WARNING
    assert late.facts == {"count": 50, "largest_seconds": 0.005}
    assert late.where["log_time_ns"] == str(START + 10 * MS)


@pytest.mark.parametrize("delay", [0, 1, -1, -MS, 50 * MS, 4 * SECOND])
def test_usual_delays(tmp_path: Path, delay: int) -> None:
    assert examined(tmp_path, published(steady(100), delay)).findings == []


@pytest.mark.parametrize(("delay", "order"), [(3600 * SECOND, "after"), (-3600 * SECOND, "before")])
def test_clocks_that_differ(tmp_path: Path, delay: int, order: str) -> None:
    offset = the(examined(tmp_path, published(steady(100), delay)), "clock_offset")

    assert offset.facts == {"median_delay_seconds": delay / SECOND}
    assert f"3600 s {order} they were published" in offset.message


def test_a_drift(tmp_path: Path) -> None:
    sent = steady(3000)
    drifting = [replace(one, publish_time=one.publish_time - n * MS // 10) for n, one in enumerate(sent)]

    drift = the(examined(tmp_path, drifting), "clock_drift")

    assert drift.facts["change_seconds"] == pytest.approx(0.24, rel=0.05)
    assert drift.facts["over_seconds"] == pytest.approx(24, rel=0.05)


def test_delays_that_scatter_are_no_drift(tmp_path: Path) -> None:
    delays = [(n * 7919 % 211) * MS for n in range(1000)]

    assert examined(tmp_path, published(steady(3000), *delays)).findings == []


def test_a_short_drift_does_not_count(tmp_path: Path) -> None:
    drifting = [replace(one, publish_time=one.publish_time - n * MS) for n, one in enumerate(steady(500))]

    assert examined(tmp_path, drifting).findings == []


def test_messages_without_a_publish_time(tmp_path: Path) -> None:
    unset = [replace(one, publish_time=0) for one in steady(100)]

    found = the(examined(tmp_path, unset), "publish_time_missing")

    assert (found.severity, found.facts) == (Severity.INFO, {"count": 100})
    assert codes(examined(tmp_path, unset)) == ["publish_time_missing"]


def test_messages_that_are_there_twice(tmp_path: Path) -> None:
    sent = steady(100)

    found = the(examined(tmp_path, [*sent[:60], *sent[50:]]), "messages_repeated")

    assert (found.severity, found.facts) == (Severity.WARNING, {"count": 10})
    assert found.where["log_time_ns"] == str(START + 500 * MS)


def test_messages_that_differ_in_anything_are_not_there_twice(tmp_path: Path) -> None:
    one = steady(1)[0]
    other = steady(1, topic="/q")[0]
    different = [
        one,
        replace(one, sequence=1),
        replace(one, log_time=START + 1),
        replace(one, data=one.data[:-1] + b"\1"),
        other,
    ]

    assert "messages_repeated" not in codes(examined(tmp_path, different))


def test_a_repetition_far_away_is_found(tmp_path: Path) -> None:
    sent = steady(50_000, hertz=1000)

    found = examined(tmp_path, [*sent, *sent[100:200]], chunk_size=1 << 16)

    assert the(found, "messages_repeated").facts == {"count": 100}
    assert codes(found) == ["time_backwards", "messages_repeated", "chunks_overlap"]


def test_content_that_repeats(tmp_path: Path) -> None:
    sent = steady(100)
    stuck = [replace(one, data=sent[30].data) if 30 <= n < 50 else one for n, one in enumerate(sent)]

    found = the(examined(tmp_path, stuck), "content_repeated")

    assert (found.severity, found.facts) == (Severity.INFO, {"count": 19, "longest_run": 20})
    assert found.where["log_time_ns"] == str(START + 490 * MS)


def test_content_that_repeats_a_few_times_is_not_told(tmp_path: Path) -> None:
    sent = [replace(one, data=steady(1, start=n // 9)[0].data) for n, one in enumerate(steady(100))]

    assert examined(tmp_path, sent).findings == []


@pytest.mark.parametrize("place", [0, 5, 33, 77, 500, 999])
def test_content_that_differs_in_one_byte_does_not_repeat(tmp_path: Path, place: int) -> None:
    def payload(number: int) -> bytes:
        content = bytearray(1000)
        content[place] = number % 251 if place != 0 else number % 2
        return bytes(content)

    sent = [replace(one, data=payload(n)) for n, one in enumerate(steady(40))]

    assert "content_repeated" not in codes(examined(tmp_path, sent))


@pytest.mark.parametrize("size", [0, 1, 3, 7, 8, 9, 15, 16, 31, 40])
def test_content_of_any_size(tmp_path: Path, size: int) -> None:
    same = [replace(one, data=b"\7" * size) for one in steady(40)]
    other = [replace(one, data=bytes([n % 2]) * size) for n, one in enumerate(steady(40))]

    assert "content_repeated" in codes(examined(tmp_path, same))
    assert ("content_repeated" in codes(examined(tmp_path, other))) == (size == 0)


def test_sequence_numbers_that_are_left_out(tmp_path: Path) -> None:
    sent = steady(300)
    numbered = [
        replace(one, sequence=n + (3 if n >= 100 else 0) + (7 if n >= 200 else 0))
        for n, one in enumerate(sent)
    ]

    found = the(examined(tmp_path, numbered), "messages_dropped")

    assert (found.severity, found.facts) == (Severity.WARNING, {"count": 10, "largest": 7})
    assert found.where["log_time_ns"] == str(START + 2000 * MS)


@pytest.mark.parametrize(
    "numbers",
    [
        [0] * 100,
        [n * 10 for n in range(100)],
        [(n + 2**32 - 50) % 2**32 for n in range(100)],
        [*range(50), *range(50)],
    ],
)
def test_sequence_numbers_that_say_nothing(tmp_path: Path, numbers: list[int]) -> None:
    sent = [replace(one, sequence=number) for one, number in zip(steady(100), numbers, strict=True)]

    assert examined(tmp_path, sent).findings == []

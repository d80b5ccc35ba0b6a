"""Random definitions and messages, encoded by the `rosbags` package, cut and changed."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from tests.decoders.generated import Message, equal, rosbags_message, sent, text_of
from tests.decoders.payloads import decode, ros1, ros2

ROOT = "pkg/msg/Root"
careful = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def encoded(messages: list[Message], values: list[dict[str, Any]], ros: int) -> list[bytes]:
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(text_of(messages), ROOT))
    objects = [rosbags_message(store, len(messages) - 1, messages, value, ROOT) for value in values]
    if ros == 1:
        return [bytes(store.serialize_ros1(item, ROOT)) for item in objects]
    return [bytes(store.serialize_cdr(item, ROOT)) for item in objects]


@careful
@given(sent())
@pytest.mark.parametrize("ros", [1, 2])
def test_what_was_sent_is_read(ros: int, made: tuple[list[Message], list[dict[str, Any]]]) -> None:
    messages, values = made
    decoder = (ros1 if ros == 1 else ros2)(text_of(messages), ROOT)

    rows, unreadable = decode(decoder, *encoded(messages, values, ros))

    assert unreadable == []
    assert equal(rows, values)


@careful
@given(sent(), st.data())
@pytest.mark.parametrize("ros", [1, 2])
def test_a_message_that_was_cut_is_never_read(
    ros: int, made: tuple[list[Message], list[dict[str, Any]]], data: st.DataObject
) -> None:
    messages, values = made
    decoder = (ros1 if ros == 1 else ros2)(text_of(messages), ROOT)
    whole = encoded(messages, values, ros)[0]
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))] if whole else b""

    rows, unreadable = decode(decoder, cut)

    assert len(unreadable) == 1 or not whole
    assert rows == [] or not whole


@careful
@given(sent(), st.data())
@pytest.mark.parametrize("ros", [1, 2])
def test_changed_bytes_end_in_a_row_or_a_reason(
    ros: int, made: tuple[list[Message], list[dict[str, Any]]], data: st.DataObject
) -> None:
    messages, values = made
    decoder = (ros1 if ros == 1 else ros2)(text_of(messages), ROOT)
    changed = []
    for payload in encoded(messages, values, ros):
        noise = data.draw(st.binary(min_size=1, max_size=8))
        place = data.draw(st.integers(0, len(payload)))
        changed.append(payload[:place] + noise + payload[place + len(noise) :])

    rows, unreadable = decode(decoder, *changed)

    assert len(rows) + len(unreadable) == len(changed)

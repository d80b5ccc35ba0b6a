"""Ids are ULIDs that grow within a process."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from ulid import ULID

from services.ids import is_id, new_id


def test_ids_grow() -> None:
    ids = [new_id() for _ in range(2000)]

    assert ids == sorted(set(ids))


def test_ids_of_many_threads_are_different_and_grow_in_each() -> None:
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: [new_id() for _ in range(500)], range(4)))

    assert all(batch == sorted(batch) for batch in batches)
    assert len({one for batch in batches for one in batch}) == 2000


def test_an_id_is_a_ulid() -> None:
    made = new_id()

    assert is_id(made)
    assert str(ULID.from_str(made)) == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "README.md",
        ".new-01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "01arz3ndektsv4rrffq69g5fav",  # another spelling would name another folder
        "01ARZ3NDEKTSV4RRFFQ69G5FA",
        "01ARZ3NDEKTSV4RRFFQ69G5FAVX",
        "01ARZ3NDEKTSV4RRFFQ69G5FAI",
        "81ARZ3NDEKTSV4RRFFQ69G5FAV",  # more than 128 bits
        "01ARZ3NDEKTSV4RRFFQ69G5FAV\n",
        "../../../../etc/passwd0000",
        "\u0660\u0661ARZ3NDEKTSV4RRFFQ69G5FAV",  # digits elsewhere
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_id(text)

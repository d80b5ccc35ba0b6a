"""Memory of blocks that somebody keeps for longer than the block."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bagmill.recording import Recording
from bagmill.recording.blocks import Memory
from tests.recording.making import Maker, Message


def test_memory_is_used_again_when_nothing_is_left_of_what_was_lent() -> None:
    memory = Memory(1000)
    first = memory.get(10)
    lent = first.lend(500)
    memory.give_back(first)

    second = memory.get(10)
    assert second is not first
    del lent
    memory.give_back(second)
    assert {id(memory.get(10)), id(memory.get(10))} == {id(first), id(second)}


@pytest.mark.parametrize(
    "make",
    [
        lambda lent: lent[3:7],
        lambda lent: lent[3:][1:].view("u2"),
        lambda lent: np.ndarray((9,), "<u4", lent, strides=(1,))[2:],
        lambda lent: memoryview(lent)[2:],
        pa.py_buffer,
        lambda lent: pa.py_buffer(lent)[3:5],
    ],
)
def test_all_that_is_made_of_it_keeps_it(make: object) -> None:
    views = Memory(1000).get(10)
    assert callable(make)

    kept = make(views.lend(100))
    assert views.is_lent
    del kept
    assert not views.is_lent


@pytest.mark.parametrize("ahead", [False, True])
def test_bytes_stay_where_all_blocks_are_kept(tmp_path: Path, ahead: bool) -> None:
    made = Maker.plain(1)
    content = [Message(1, n, n, n, bytes([n]) * 900) for n in range(200)]
    for first in range(0, 200, 2):
        made.chunk(content[first : first + 2], "zstd")
    (tmp_path / "a.mcap").write_bytes(made.finish())

    kept, seen = [], []
    with Recording.open(tmp_path / "a.mcap") as recording:
        for number, block in enumerate(recording.blocks(target_bytes=4000, ahead=ahead)):
            lent = block.lend() if number % 3 else block.buffer.copy()
            kept += [lent[a:b] for a, b in zip(block.start, block.end, strict=True)]
            if number % 10 == 9:  # some are let go, and their memory may be used again
                seen += [data.tobytes() for data in kept]
                kept = []
    seen += [data.tobytes() for data in kept]

    assert seen == [message.data for message in content]

"""What a topic's messages become: shapes, and the rows they are made from."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rerun import ComponentColumn, TimeColumn
from rerun.chunk import Chunk

from bagmill.fields import stamps

LOG_TIME, PUBLISH_TIME = "message_log_time", "message_publish_time"
"""Timelines, named as the SDK's own reader names them."""

_STATIC: tuple[TimeColumn, ...] = ()


class Shown(StrEnum):
    """How a topic is shown."""

    IMAGE = "image"
    TRANSFORM = "transform"
    CAMERA = "camera"
    POINTS = "points"
    LINES = "lines"
    MAP = "map"
    PLOT = "plot"
    TEXT = "text"
    RAW = "raw"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Rows:
    """Messages of one topic, one row each.

    `entity` is the topic's own entity; `taken` are entities of other topics, which children keep clear of.
    Times are ns since the epoch, shape (rows,). `stamped` names the timeline of the messages' own time, if
    they have one that is shown. `first`: no rows of this topic came before.
    """

    entity: str
    message: pa.StructArray
    log_time: NDArray[np.int64]
    publish_time: NDArray[np.int64]
    stamp: NDArray[np.int64] | None = None
    stamped: str | None = None
    first: bool = True
    taken: frozenset[str] = frozenset()

    def child(self, path: str) -> str:
        """The entity of a part of the message: `position.x` becomes `<entity>/position/x`."""
        parts = "".join(f"/{part}" for part in path.split(".") if part)
        entity = (self.entity if self.entity != "/" or not parts else "") + parts
        while parts and entity in self.taken:
            entity += "_"
        return entity

    def take(self, rows: NDArray[np.int64], message: pa.StructArray) -> "Rows":
        """Other rows at the times of these: `rows` says of which, `message` holds them."""
        return replace(
            self,
            message=message,
            log_time=self.log_time[rows],
            publish_time=self.publish_time[rows],
            stamp=None if self.stamp is None else self.stamp[rows],
        )

    def stamped_by(self, path: str) -> "Rows":
        """The same with the time at this path as the messages' own, where there is one."""
        stamp = stamps(self.message, path) if self.stamped else None
        return self if stamp is None else replace(self, stamp=stamp)

    def chunk(self, columns: Iterable[ComponentColumn], path: str = "") -> Chunk:
        """A chunk with these columns, one row per message."""
        times = [_time(LOG_TIME, self.log_time), _time(PUBLISH_TIME, self.publish_time)]
        if self.stamp is not None and self.stamped:
            times.append(_time(self.stamped, self.stamp))
        return Chunk.from_columns(self.child(path), times, columns)

    def static(self, columns: Iterable[ComponentColumn], path: str = "") -> Iterator[Chunk]:
        """A chunk that holds at all times, the first time it is asked for."""
        if self.first:
            yield Chunk.from_columns(self.child(path), _STATIC, columns)


def _time(name: str, nanoseconds: NDArray[np.int64]) -> TimeColumn:
    return TimeColumn(name, timestamp=nanoseconds.view("datetime64[ns]"))


Chunks = Iterable[Chunk]


@dataclass(frozen=True, slots=True)
class Shape:
    """How messages of one type are shown: the kind, and what turns rows into chunks.

    `plotted`: their numbers are worth plots as well. `scattered`: a message becomes any number of rows.
    """

    shown: Shown
    chunks: Callable[[Rows], Chunks]
    plotted: bool = False
    scattered: bool = False


Matcher = Callable[[pa.StructType, str], Shape | None]
"""Takes the type of a message and its schema's name; None if it has another shape."""

"""Counting what goes into a Rerun recording, and what is found in it again."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from rerun.chunk import Chunk

from bagmill.visualize.shapes import Shown

_SHOWS = {
    "EncodedImage:blob": Shown.IMAGE,
    "EncodedDepthImage:blob": Shown.IMAGE,
    "Image:buffer": Shown.IMAGE,
    "DepthImage:buffer": Shown.IMAGE,
    "VideoStream:sample": Shown.IMAGE,
    "Transform3D:translation": Shown.TRANSFORM,
    "InstancePoses3D:translations": Shown.TRANSFORM,
    "Pinhole:image_from_camera": Shown.CAMERA,
    "Points3D:positions": Shown.POINTS,
    "Arrows3D:vectors": Shown.LINES,
    "LineStrips3D:strips": Shown.LINES,
    "GeoPoints:positions": Shown.MAP,
    "GridMap:data": Shown.MAP,
    "VoxelGridMap:data": Shown.MAP,
    "Scalars:scalars": Shown.PLOT,
    "Measurements:values": Shown.PLOT,
    "TextLog:text": Shown.TEXT,
    "TextDocument:text": Shown.TEXT,
    "McapMessage:data": Shown.RAW,
}
"""The components without which an archetype shows nothing, and how they are shown."""

_ABOUT = "/__properties"
"""What the SDK keeps about the recording itself, its name for one."""

_CHILD_FRAME, _PARENT_FRAME, _FRAME = (
    "Transform3D:child_frame",
    "Transform3D:parent_frame",
    "CoordinateFrame:frame",
)


def components(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
    """The data columns of a chunk: names like `Points3D:positions`, values with a list for each row."""
    for field_, values in zip(batch.schema, batch.columns, strict=True):
        metadata = field_.metadata or {}
        if metadata.get(b"rerun:kind") == b"data":
            yield metadata[b"rerun:component"].decode(), values


@dataclass(slots=True)
class Tally:
    """Rows per entity and component (rows that have a value, null ones not counted).

    `frames` counts the coordinate frames that entities name; `parents` holds the parent of each frame that a
    transform places.
    """

    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    frames: Counter[str] = field(default_factory=Counter)
    parents: dict[str, str] = field(default_factory=dict)

    def add(self, chunk: Chunk) -> int:
        """Count a chunk; returns its size in bytes."""
        batch = chunk.to_record_batch()
        if chunk.entity_path.startswith(_ABOUT):
            return int(batch.nbytes)
        columns = dict(components(batch))
        for component, values in columns.items():
            self.rows[chunk.entity_path, component] += len(values) - values.null_count
        if _FRAME in columns:
            self._count_frames(columns[_FRAME])
        if _CHILD_FRAME in columns and _PARENT_FRAME in columns:
            self._note_parents(columns[_CHILD_FRAME], columns[_PARENT_FRAME])
        elif _PARENT_FRAME in columns:
            self._count_frames(columns[_PARENT_FRAME])
        return int(batch.nbytes)

    def rows_of(self, kind: Shown, entities: Iterable[str]) -> int:
        """Rows that show a kind: archetypes on one entity add up, of several entities the fullest counts."""
        names = [name for name, shown in _SHOWS.items() if shown is kind]
        return max((sum(self.rows[entity, name] for name in names) for entity in entities), default=0)

    def shown(self, entities: Iterable[str]) -> tuple[Shown, int]:
        """How a topic with these entities is shown, and in how many rows, if one knows no more of it.

        Archetypes on one entity add up (a topic may mix colour and depth); of several entities (the parts of
        a message) the one with most rows counts.
        """
        best = (Shown.NOTHING, 0)
        for entity in entities:
            kinds = [
                (kind, self.rows[entity, name])
                for name, kind in _SHOWS.items()
                if (entity, name) in self.rows
            ]
            total = sum(count for _, count in kinds)
            if kinds and (total > best[1] or best[0] is Shown.NOTHING):
                best = (max(kinds, key=lambda kind: kind[1])[0], total)
        return best

    def kinds(self) -> dict[Shown, list[str]]:
        """Entities by how they are shown, in the order they came."""
        found: dict[Shown, dict[str, None]] = {}
        for entity, component in self.rows:
            if component in _SHOWS:
                found.setdefault(_SHOWS[component], {})[entity] = None
        return {kind: list(entities) for kind, entities in found.items()}

    def root_frame(self) -> str | None:
        """The frame to look from: the root with most frames below, else the one most entities name."""
        below: Counter[str] = Counter()
        for frame in self.parents:
            below[self._root_of(frame)] += 1
        counts = below or self.frames
        return min(counts, key=lambda frame: (-counts[frame], frame)) if counts else None

    def _root_of(self, frame: str) -> str:
        seen = {frame}
        while (parent := self.parents.get(frame)) is not None and parent not in seen:
            seen.add(parent)
            frame = parent
        return frame

    def _count_frames(self, values: pa.ListArray) -> None:
        for each in pc.value_counts(values.flatten()).to_pylist():
            if each["values"]:
                self.frames[each["values"]] += each["counts"]

    def _note_parents(self, children: pa.ListArray, parents: pa.ListArray) -> None:
        pairs = pa.table({"child": children.flatten(), "parent": parents.flatten()})
        for pair in pairs.group_by(["child", "parent"]).aggregate([]).sort_by("child").to_pylist():
            if pair["child"] and pair["parent"]:
                self.parents[pair["child"]] = pair["parent"]

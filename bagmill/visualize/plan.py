"""Which topics go into a Rerun recording, under which entity, and who makes components of their messages."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rerun.chunk import Chunk

from bagmill.options import VisualizeOptions
from bagmill.recording import Recording
from bagmill.selection import check_times, select_topics
from bagmill.tables import Table, plan_tables, select_tables
from bagmill.visualize.components import one_each

SDK_ROS2: Mapping[str, tuple[str, ...]] = {
    "nav_msgs/msg/OccupancyGrid": (),
    "rcl_interfaces/msg/Log": (),
    "sensor_msgs/msg/BatteryState": (),
    "sensor_msgs/msg/CameraInfo": (),
    "sensor_msgs/msg/CompressedImage": (),
    "sensor_msgs/msg/FluidPressure": (),
    "sensor_msgs/msg/Illuminance": (),
    "sensor_msgs/msg/Image": (),
    "sensor_msgs/msg/Imu": (),
    "sensor_msgs/msg/JointState": ("position", "velocity", "effort"),
    "sensor_msgs/msg/Joy": ("axes", "buttons"),
    "sensor_msgs/msg/MagneticField": (),
    "sensor_msgs/msg/NavSatFix": (),
    "sensor_msgs/msg/PointCloud2": (),
    "sensor_msgs/msg/Range": (),
    "sensor_msgs/msg/RelativeHumidity": (),
    "sensor_msgs/msg/Temperature": (),
}
"""ROS 2 messages that the SDK's reader shows well, one row each, and the children of the topic's entity that
it puts rows on. Others it keeps as opaque structs, or (poses, transforms, strings) shows less of them."""

SDK_PROTOBUF: Mapping[str, tuple[str, ...]] = {
    "foxglove.CameraCalibration": (),
    "foxglove.CompressedImage": (),
    "foxglove.CompressedVideo": (),
    "foxglove.LocationFix": (),
    "foxglove.Log": (),
    "foxglove.PointCloud": (),
    "foxglove.RawImage": (),
    "foxglove.VoxelGrid": (),
}


_KNOWN = {("ros2msg", "cdr"): SDK_ROS2, ("protobuf", "protobuf"): SDK_PROTOBUF}
"""By encoding of schema and message."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table of messages and where it is shown.

    `parts`: the children of the entity that the SDK's reader would use; None if that reader is not for it.
    """

    table: Table
    entity: str
    parts: tuple[str, ...] | None

    @property
    def key(self) -> str:
        """Its name in the manifest."""
        return self.table.key

    @property
    def entities(self) -> tuple[str, ...]:
        """The entities on which the SDK's reader puts the rows."""
        return (self.entity, *(f"{self.entity}/{part}" for part in self.parts or ()))


def plan(recording: Recording, options: VisualizeOptions) -> list[Part]:
    """Plan all selected topics, sorted by key.

    Raises:
        UnknownTopic, NothingSelected: see `bagmill.selection`.
    """
    summary = recording.summary
    tables = plan_tables(summary.channels, summary.schemas)
    wanted = select_tables(tables, select_topics({table.topic for table in tables}, options))
    check_times(summary.start_time, summary.end_time, options)
    entities = _distinct([(table.key, entity_path(table.key)) for table in wanted])
    taken = frozenset(entities.values())
    return [
        Part(table, entities[table.key], _sdk_parts(table, entities[table.key], taken, wanted))
        for table in wanted
    ]


def entity_path(topic: str) -> str:
    """The entity of a topic, as the SDK's reader makes it: `/a//b c/` becomes `/a/b\\ c`.

    Topics whose entity would be the root or one of those that the SDK keeps for itself go below `/topic`.
    """
    path: str = Chunk.from_columns(topic, (), [one_each("TextLog:text", [""])]).entity_path
    return ("/topic" + path).rstrip("/") if path == "/" or path.startswith("/__") else path


def _sdk_parts(
    table: Table, entity: str, taken: Collection[str], tables: Sequence[Table]
) -> tuple[str, ...] | None:
    """What the SDK's reader would use, unless it would mix topics up: it knows topics only by their names."""
    if entity != entity_path(table.topic) or sum(other.topic == table.topic for other in tables) > 1:
        return None
    schema = table.schema
    if schema is None:
        return None
    parts = _KNOWN.get((schema.encoding, table.message_encoding), {}).get(schema.name)
    clash = any(f"{entity}/{part}" in taken for part in parts or ())
    return None if clash else parts


def _distinct(entities: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give each key an entity of its own: topics `a` and `/a` would share one."""
    chosen: dict[str, str] = {}
    for key, entity in entities:
        while entity in chosen.values():
            entity += "_"
        chosen[key] = entity
    return chosen

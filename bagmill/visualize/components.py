"""Rerun's components as Arrow columns, without a Python object per message.

Types and names are those of the SDK's archetypes (rerun.io/docs/reference/types); a test compares each with
what the SDK itself makes.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rerun import ComponentColumn, ComponentDescriptor

Floats = NDArray[np.floating[Any]]
Lengths = NDArray[np.int64]


def _vector(size: int, kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("item", kind, nullable=False), size)


BLOB = pa.list_(pa.field("item", pa.uint8(), nullable=False))
VEC2D, VEC3D, VEC4D, MAT3X3 = (_vector(size, pa.float32()) for size in (2, 3, 4, 9))
DVEC2D = _vector(2, pa.float64())
FORMAT = pa.struct(
    [
        pa.field("width", pa.uint32(), nullable=False),
        pa.field("height", pa.uint32(), nullable=False),
        pa.field("pixel_format", pa.uint8()),
        pa.field("color_model", pa.uint8()),
        pa.field("channel_datatype", pa.uint8()),
    ]
)
STRIP = pa.list_(pa.field("item", VEC3D, nullable=False))

TYPES: dict[str, tuple[str, pa.DataType]] = {
    "Arrows3D:origins": ("Position3D", VEC3D),
    "Arrows3D:vectors": ("Vector3D", VEC3D),
    "CoordinateFrame:frame": ("TransformFrameId", pa.string()),
    "DepthImage:buffer": ("ImageBuffer", BLOB),
    "DepthImage:format": ("ImageFormat", FORMAT),
    "DepthImage:meter": ("DepthMeter", pa.float32()),
    "EncodedImage:blob": ("Blob", BLOB),
    "EncodedImage:media_type": ("MediaType", pa.string()),
    "GeoPoints:positions": ("LatLon", DVEC2D),
    "GridMap:cell_size": ("CellSize", pa.float32()),
    "GridMap:colormap": ("Colormap", pa.uint8()),
    "GridMap:data": ("ImageBuffer", BLOB),
    "GridMap:format": ("ImageFormat", FORMAT),
    "GridMap:quaternion": ("RotationQuat", VEC4D),
    "GridMap:translation": ("Translation3D", VEC3D),
    "Image:buffer": ("ImageBuffer", BLOB),
    "Image:format": ("ImageFormat", FORMAT),
    "LineStrips3D:strips": ("LineStrip3D", STRIP),
    "McapMessage:data": ("Blob", BLOB),
    "Pinhole:child_frame": ("TransformFrameId", pa.string()),
    "Pinhole:image_from_camera": ("PinholeProjection", MAT3X3),
    "Pinhole:parent_frame": ("TransformFrameId", pa.string()),
    "Pinhole:resolution": ("Resolution", VEC2D),
    "Points3D:positions": ("Position3D", VEC3D),
    "Scalars:scalars": ("Scalar", pa.float64()),
    "SeriesLines:names": ("Name", pa.string()),
    "TextLog:level": ("TextLogLevel", pa.string()),
    "TextLog:text": ("Text", pa.string()),
    "Transform3D:child_frame": ("TransformFrameId", pa.string()),
    "Transform3D:parent_frame": ("TransformFrameId", pa.string()),
    "Transform3D:quaternion": ("RotationQuat", VEC4D),
    "Transform3D:translation": ("Translation3D", VEC3D),
    "TransformAxes3D:axis_length": ("AxisLength", pa.float32()),
}
"""Component → its type's name and the Arrow type of one instance."""


class Column(ComponentColumn):
    """A component's values: a list of instances for each row, or null where a row has none."""

    def __init__(self, component: str, values: pa.ListArray) -> None:
        self.component = component
        self.values = values

    def component_descriptor(self) -> ComponentDescriptor:
        """The component's full name."""
        archetype = self.component.partition(":")[0]
        return ComponentDescriptor(
            self.component,
            archetype=f"rerun.archetypes.{archetype}",
            component_type=f"rerun.components.{TYPES[self.component][0]}",
        )

    def as_arrow_array(self) -> pa.ListArray:
        """One list per row."""
        return self.values


def one_each(component: str, instances: pa.Array | Iterable[Any]) -> Column:
    """A column with one instance per row; a null instance becomes a null row."""
    kind = TYPES[component][1]
    array = instances if isinstance(instances, pa.Array) else pa.array(instances, kind)
    lengths = np.ones(len(array), dtype=np.int64)
    missing = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    if missing is not None:
        lengths[missing] = 0
        array = array.drop_null()
    return several_each(component, array, lengths, missing)


def several_each(
    component: str, instances: pa.Array, lengths: Lengths, missing: NDArray[np.bool_] | None = None
) -> Column:
    """A column with any number of instances per row: `lengths` says how many; null where `missing`."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    mask = None if missing is None or not missing.any() else pa.array(missing)
    kind = TYPES[component][1]
    typed = instances if instances.type == kind else instances.cast(kind)
    return Column(component, pa.ListArray.from_arrays(pa.array(offsets), typed, mask=mask))


def vectors(
    values: Floats, kind: pa.DataType = VEC3D, missing: NDArray[np.bool_] | None = None
) -> pa.FixedSizeListArray:
    """Rows of an array of the shape (n, size) as fixed-size vectors; null where `missing`."""
    flat = np.ascontiguousarray(values, dtype=kind.value_type.to_pandas_dtype()).reshape(-1)
    mask = None if missing is None or not missing.any() else pa.array(missing)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), type=kind, mask=mask)


def blobs(data: pa.Array) -> pa.ListArray:
    """Binary values as lists of bytes, sharing their memory. Nulls stay null."""
    binary = data.cast(pa.binary()) if data.type != pa.binary() else data
    _, offsets, content = binary.buffers()
    size = 0 if content is None else content.size
    values = pa.UInt8Array.from_buffers(pa.uint8(), size, [None, content or pa.py_buffer(b"")])
    places = np.frombuffer(offsets, np.int32, len(binary) + 1, 4 * binary.offset) if len(binary) else [0]
    mask = binary.is_null() if binary.null_count else None
    return pa.ListArray.from_arrays(pa.array(places, pa.int32()), values, type=BLOB, mask=mask)


def frames(names: pa.Array, suffix: str = "") -> pa.Array:
    """Names of coordinate frames; null where a message has none."""
    import pyarrow.compute as pc

    named = pc.if_else(pc.equal(names, ""), pa.scalar(None, pa.string()), names)
    return pc.binary_join_element_wise(named, suffix, "") if suffix else named

"""Pictures, and the cameras that took them."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from rerun import ChannelDatatype, ColorModel, PixelFormat
from rerun.chunk import Chunk

from bagmill.fields import (
    as_floats,
    column,
    element_at,
    first_text,
    has_numbers,
    is_bytes,
    is_number,
    is_text,
    lists,
    texts,
    type_at,
    vector,
)
from bagmill.visualize.components import (
    FORMAT,
    MAT3X3,
    VEC2D,
    Column,
    blobs,
    frames,
    one_each,
    vectors,
)
from bagmill.visualize.shapes.base import Rows, Shape, Shown
from bagmill.visualize.shapes.transforms import FRAME_PATHS

IMAGE_PLANE = "_image_plane"
"""What the SDK's reader appends to a camera's frame to name the frame of its pictures."""


class Picture(NamedTuple):
    """Pixels without padding, and what they are: an `ImageFormat`, and for depth the units per metre."""

    pixels: bytes
    format: dict[str, int | None]
    depth_unit: float | None


class Pixels(NamedTuple):
    """An encoding of raw pictures: numpy type and channels, and how Rerun calls it."""

    kind: str
    channels: int
    model: int | None
    packed: int | None = None
    depth_unit: float | None = None


_ENCODINGS = {
    "rgb8": Pixels("u1", 3, ColorModel.RGB.value),
    "rgba8": Pixels("u1", 4, ColorModel.RGBA.value),
    "bgr8": Pixels("u1", 3, ColorModel.BGR.value),
    "bgra8": Pixels("u1", 4, ColorModel.BGRA.value),
    "8uc3": Pixels("u1", 3, ColorModel.BGR.value),
    "mono8": Pixels("u1", 1, ColorModel.L.value),
    "8uc1": Pixels("u1", 1, ColorModel.L.value),
    "mono16": Pixels("u2", 1, ColorModel.L.value),
    "rgb16": Pixels("u2", 3, ColorModel.RGB.value),
    "16uc1": Pixels("u2", 1, None, depth_unit=1000.0),
    "32fc1": Pixels("f4", 1, None, depth_unit=1.0),
    "bayer_rggb8": Pixels("u1", 1, None, PixelFormat.BayerRGGB8.value),
    "bayer_bggr8": Pixels("u1", 1, None, PixelFormat.BayerBGGR8.value),
    "bayer_gbrg8": Pixels("u1", 1, None, PixelFormat.BayerGBRG8.value),
    "bayer_grbg8": Pixels("u1", 1, None, PixelFormat.BayerGRBG8.value),
    "yuv422_yuy2": Pixels("u1", 2, None, PixelFormat.YUY2.value),
    "yuyv": Pixels("u1", 2, None, PixelFormat.YUY2.value),
}
"""ROS sensor_msgs/image_encodings and Foxglove RawImage, in lower case."""
_DATATYPES = {
    "u1": ChannelDatatype.U8.value,
    "u2": ChannelDatatype.U16.value,
    "f4": ChannelDatatype.F32.value,
}
_MAGIC = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp", b"GI": "image/gif"}


def match_compressed(kind: pa.StructType, _name: str) -> Shape | None:
    """A picture in a file format: ROS CompressedImage, Foxglove CompressedImage."""
    data = type_at(kind, "data")
    if not is_text(type_at(kind, "format")) or not (is_bytes(data) or is_text(data)):
        return None

    def chunks(rows: Rows) -> Iterator[Chunk]:
        contents = content_of(column(rows.message, "data"))
        data = pa.array(contents, pa.binary())
        kinds = pa.array([content and _MAGIC.get(content[:2]) for content in contents], pa.string())
        columns = [one_each("EncodedImage:blob", blobs(data)), one_each("EncodedImage:media_type", kinds)]
        yield rows.chunk([*_on_image_plane(rows), *columns])

    return Shape(Shown.IMAGE, chunks)


def match_raw(kind: pa.StructType, _name: str) -> Shape | None:
    """A picture as plain pixels: ROS Image, Foxglove RawImage."""
    data = type_at(kind, "data")
    sized = has_numbers(kind, ("width", "height", "step")) and is_text(type_at(kind, "encoding"))
    if not sized or not (is_bytes(data) or is_text(data)):
        return None

    def chunks(rows: Rows) -> Iterator[Chunk]:
        names = [name for name in ("width", "height", "step", "encoding", "is_bigendian")
                 if type_at(kind, name) is not None]  # fmt: skip
        layouts = pa.StructArray.from_arrays([rows.message.field(name) for name in names], names=names)
        contents = content_of(column(rows.message, "data"))
        pictures = [_picture(*each) for each in zip(contents, layouts.to_pylist(), strict=True)]
        yield rows.chunk([*_on_image_plane(rows), *_picture_columns(pictures)])

    return Shape(Shown.IMAGE, chunks)


def match_camera(kind: pa.StructType, _name: str) -> Shape | None:
    """A calibration: ROS CameraInfo, Foxglove CameraCalibration."""
    matrix = next((name for name in ("k", "K") if is_number(element_at(kind, name))), None)
    if matrix is None or not has_numbers(kind, ("width", "height")):
        return None

    def chunks(rows: Rows) -> Iterator[Chunk]:
        resolution = vectors(vector(rows.message, "", ("width", "height")), VEC2D)
        projection = one_each("Pinhole:image_from_camera", _projections(column(rows.message, matrix)))
        yield rows.chunk([projection, one_each("Pinhole:resolution", resolution), *_camera_frames(rows)])

    return Shape(Shown.CAMERA, chunks)


def content_of(data: pa.Array) -> list[bytes | None]:
    """Blobs as bytes; text is base64, as JSON has it (null where it is not)."""
    if not is_text(data.type):
        contents: list[bytes | None] = data.to_pylist()
        return contents
    return [None if text is None else _unbase64(text) for text in data.to_pylist()]


def _unbase64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _picture(content: bytes | None, layout: Mapping[str, Any]) -> Picture | None:
    """Take the padding off a picture's rows; None if its encoding is unknown or it holds too little."""
    known = _ENCODINGS.get(str(layout["encoding"]).lower())
    width, height, step = (int(layout[name] or 0) for name in ("width", "height", "step"))
    if known is None or content is None:
        return None
    wide = width * known.channels * np.dtype(known.kind).itemsize
    step = step or wide
    if step < wide or len(content) < step * height - (step - wide):
        return None
    lines = np.ndarray((height, wide), np.uint8, content, strides=(step, 1)).tobytes()
    if layout.get("is_bigendian") and known.kind != "u1":
        lines = np.frombuffer(lines, ">" + known.kind).astype("<" + known.kind).tobytes()
    about = {
        "width": width,
        "height": height,
        "pixel_format": known.packed,
        "color_model": None if known.packed else known.model or ColorModel.L.value,
        "channel_datatype": None if known.packed else _DATATYPES[known.kind],
    }
    return Picture(lines, about, known.depth_unit)


def _picture_columns(pictures: list[Picture | None]) -> list[Column]:
    """Colour as Image, depth as DepthImage; each only if there is one."""
    columns = []
    for archetype, is_depth in (("Image", False), ("DepthImage", True)):
        some = [each if each and (each.depth_unit is not None) == is_depth else None for each in pictures]
        if not any(some) and (is_depth or any(pictures)):
            continue
        pixels = pa.array([each and each.pixels for each in some], pa.binary())
        formats = pa.array([each and each.format for each in some], FORMAT)
        columns += [one_each(f"{archetype}:buffer", blobs(pixels)), one_each(f"{archetype}:format", formats)]
        if is_depth:
            columns.append(one_each("DepthImage:meter", [each and each.depth_unit for each in some]))
    return columns


def _projections(matrices: pa.Array) -> pa.FixedSizeListArray:
    """Row-major 3x3 matrices as Rerun's, which are column-major; null where there are not nine numbers."""
    values, lengths = lists(matrices)
    good = lengths == 9
    result = np.zeros((len(lengths), 3, 3))
    result[good] = as_floats(values)[np.repeat(good, lengths)].reshape(-1, 3, 3)
    return vectors(result.transpose(0, 2, 1).reshape(-1, 9), MAT3X3, missing=~good)


def _camera_frames(rows: Rows) -> list[Column]:
    path = first_text(rows.message.type, FRAME_PATHS)
    if path is None:
        return []
    names = texts(rows.message, path)
    return [
        one_each("Pinhole:parent_frame", frames(names)),
        one_each("Pinhole:child_frame", frames(names, IMAGE_PLANE)),
    ]


def _on_image_plane(rows: Rows) -> list[Column]:
    path = first_text(rows.message.type, FRAME_PATHS)
    if path is None:
        return []
    return [one_each("CoordinateFrame:frame", frames(texts(rows.message, path), IMAGE_PLANE))]

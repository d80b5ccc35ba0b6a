"""Pixels of image messages without compression.

Sources: sensor_msgs/Image and `image_encodings.hpp` of ROS 2, foxglove.RawImage. Rows are `step` bytes apart;
`is_bigendian` counts for elements of several bytes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[Any]
"""[height, width, channels], or without channels where OpenCV gives them so."""

_GENERIC = re.compile(r"(8|16|32|64)([USF])C([1-4])")
_KINDS = {"U": "u", "S": "i", "F": "f"}


class NoImage(ValueError):
    """These bytes are no image that can be read; its text is the reason."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How an encoding lays out a pixel: numpy type of an element, channels, and what they mean."""

    element: np.dtype[Any]
    channels: int
    colour: str
    convert: int | None = None
    """OpenCV's conversion to RGB, for what has to be computed of several pixels."""


def _layout(element: str, channels: int, colour: str, convert: int | None = None) -> Layout:
    return Layout(np.dtype(element), channels, colour, convert)


_BAYER = {
    "bayer_rggb": cv2.COLOR_BayerRGGB2RGB,
    "bayer_bggr": cv2.COLOR_BayerBGGR2RGB,
    "bayer_gbrg": cv2.COLOR_BayerGBRG2RGB,
    "bayer_grbg": cv2.COLOR_BayerGRBG2RGB,
}
_COLOURS = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4, "mono": 1}
ENCODINGS: Mapping[str, Layout] = {
    **{
        f"{name}{bits}": _layout(f"u{bits // 8}", count, "gray" if name == "mono" else name)
        for name, count in _COLOURS.items()
        for bits in (8, 16)
    },
    **{
        f"{name}{bits}": _layout(f"u{bits // 8}", 1, "bayer", code)
        for name, code in _BAYER.items()
        for bits in (8, 16)
    },
    **dict.fromkeys(("yuv422", "uyvy"), _layout("u1", 2, "yuv", cv2.COLOR_YUV2RGB_UYVY)),
    **dict.fromkeys(("yuv422_yuy2", "yuyv"), _layout("u1", 2, "yuv", cv2.COLOR_YUV2RGB_YUY2)),
}
"""All encodings by name, but for the generic ones (`16UC1`) and those of two planes (`nv21`, `nv12`)."""
_PLANES = {"nv21": cv2.COLOR_YUV2RGB_NV21, "nv12": cv2.COLOR_YUV2RGB_NV12}


def layout_of(encoding: str) -> Layout:
    """The layout of an encoding.

    Raises:
        NoImage: there is no such encoding here.
    """
    if found := ENCODINGS.get(encoding):
        return found
    match = _GENERIC.fullmatch(encoding)
    if match is None or (match[2] == "F") != (match[1] in {"32", "64"} and match[2] == "F"):
        raise NoImage(f"the encoding {encoding[:40]!r} is not known")
    element = f"{_KINDS[match[2]]}{int(match[1]) // 8}"
    if element in {"u4", "u8", "i8"}:
        raise NoImage(f"the encoding {encoding!r} is not known")
    colour = {"1": "gray" if element == "u1" else "depth", "3": "bgr", "4": "bgra"}.get(match[3], "depth")
    return _layout(element, int(match[3]), colour)


def decode_raw(message: Mapping[str, Any], data: npt.NDArray[np.uint8]) -> tuple[Pixels, str]:
    """The pixels of a message as they came, and what their channels are.

    Args:
        message: height, width, encoding, big_endian and step.
        data: its bytes.

    Returns:
        Pixels, and one of `rgb`, `bgr`, `rgba`, `bgra`, `gray`, `depth`, `bayer:<code>`, `yuv:<code>`: for
        the last two, OpenCV's code of the conversion to RGB.

    Raises:
        NoImage: the encoding is not known, or there are not as many bytes as it takes.
    """
    height, width, encoding = message["height"], message["width"], message["encoding"]
    if height < 1 or width < 1:
        raise NoImage(f"an image of {width} x {height} pixels is none")
    if encoding in _PLANES:
        rows = _rows(data, height * 3 // 2, width, message["step"])
        return rows[:, :, None], f"yuv:{_PLANES[encoding]}"
    layout = layout_of(encoding)
    width_bytes = width * layout.channels * layout.element.itemsize
    rows = _rows(data, height, width_bytes, message["step"])
    element = layout.element.newbyteorder(">" if message["big_endian"] else "<")
    pixels = np.ascontiguousarray(rows).view(element).astype(layout.element, copy=False)
    pixels = pixels.reshape(height, width, layout.channels)
    return pixels, layout.colour if layout.convert is None else f"{layout.colour}:{layout.convert}"


def _rows(data: npt.NDArray[np.uint8], height: int, width: int, step: int) -> npt.NDArray[np.uint8]:
    """The bytes of each row, without what pads them. Some writers leave `step` at 0."""
    step = step or width
    if step < width or data.size < step * (height - 1) + width:
        raise NoImage(f"{data.size} bytes are no {height} rows of {width} bytes, {step} apart")
    if data.size < step * height:
        return np.stack([data[row * step : row * step + width] for row in range(height)])
    return data[: step * height].reshape(height, step)[:, :width]

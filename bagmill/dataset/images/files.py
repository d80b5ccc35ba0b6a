"""Pixels of compressed images, JPEG and PNG; and images as such files."""

import struct

import cv2
import numpy as np
import numpy.typing as npt

from bagmill.dataset.images.raw import NoImage, Pixels

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
MOST_PIXELS = 1 << 27
"""Images with more are not decoded: a few bytes may claim any size."""
_SIZED = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG whose segments tell the size (ITU-T T.81 B.2.2)."""
_DEPTH_HEAD = struct.Struct("<iff")
"""Before the PNG of a compressed depth image (compressed_depth_image_transport): format, and two numbers."""

cv2.setNumThreads(1)  # images are worked on side by side, each in one thread
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what can't be read is told by values


def decode_file(data: npt.NDArray[np.uint8]) -> tuple[Pixels, str]:
    """The pixels of a JPEG or PNG as they came, and what their channels are: `rgb`, `rgba`, `gray`, `depth`.

    Compressed depth images with real numbers become float32, in m.

    Raises:
        NoImage: it is neither, or cut off.
    """
    head = data[: len(_PNG) + _DEPTH_HEAD.size].tobytes()
    if head.startswith(_JPEG):
        return _decoded(data, _is_whole_jpeg(data), _jpeg_pixels(data))
    if head.startswith(_PNG):
        return _decoded(data, _is_whole_png(data), _png_pixels(data))
    if head[_DEPTH_HEAD.size :].startswith(_PNG):
        return _depth(data, *_DEPTH_HEAD.unpack_from(head)[1:])
    raise NoImage("the bytes are neither JPEG nor PNG")


def _is_whole_jpeg(data: npt.NDArray[np.uint8]) -> bool:
    """Whether there is an end behind the last begin of a scan: what is cut off would be filled with gray."""
    found = data.tobytes()
    return found.rfind(b"\xff\xd9") > found.rfind(b"\xff\xda")


def _is_whole_png(data: npt.NDArray[np.uint8]) -> bool:
    return b"IEND" in data[-64:].tobytes()


def _jpeg_pixels(data: npt.NDArray[np.uint8]) -> int:
    """Height times width, from the first segment that tells them; 0 without one."""
    at = 2
    while at + 9 <= data.size and data[at] == 0xFF:
        marker = int(data[at + 1])
        if marker in _SIZED:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9].tobytes())
            return int(height * width)
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4].tobytes(), "big")
    return 0


def _png_pixels(data: npt.NDArray[np.uint8]) -> int:
    """Width times height, from the header, which stands first (PNG 11.2.1)."""
    width, height = struct.unpack(">II", data[16:24].tobytes()) if data.size >= 24 else (0, 0)
    return int(width * height)


def _decoded(data: npt.NDArray[np.uint8], whole: bool, size: int) -> tuple[Pixels, str]:
    if not whole:
        raise NoImage("the image is cut off")
    if not 0 < size <= MOST_PIXELS:
        raise NoImage(f"an image of {size} pixels is none, or has too many")
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise NoImage(f"the image can't be decoded: {error.err}") from None
    if pixels is None:
        raise NoImage("the image can't be decoded")
    if pixels.ndim == 2:
        return pixels[:, :, None], "gray" if pixels.dtype == np.uint8 else "depth"
    if pixels.shape[2] == 4:
        return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA), "rgba"
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), "rgb"


def _depth(data: npt.NDArray[np.uint8], quantum: float, offset: float) -> tuple[Pixels, str]:
    coded = data[_DEPTH_HEAD.size :]
    pixels, colour = _decoded(coded, _is_whole_png(coded), _png_pixels(coded))
    if not quantum > 0 or not np.isfinite(quantum + offset):
        return pixels, colour
    with np.errstate(divide="ignore"):
        metres = np.where(pixels > 0, quantum / (pixels.astype(np.float32) - np.float32(offset)), np.nan)
    return metres.astype(np.float32), "depth"


def encode_jpeg(pixels: Pixels, quality: int) -> bytes:
    """A JPEG of uint8 pixels, blue first, or gray: baseline, colours at half the resolution."""
    factor = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    return _encoded(".jpg", pixels, options)


def encode_png(pixels: Pixels, level: int) -> bytes:
    """A PNG of uint8 or uint16 pixels, blue first, or gray."""
    return _encoded(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, level])


def _encoded(name: str, pixels: Pixels, options: list[int]) -> bytes:
    done, data = cv2.imencode(name, np.ascontiguousarray(pixels), options)
    if not done:
        raise NoImage("the pixels can't be encoded")
    return data.tobytes()

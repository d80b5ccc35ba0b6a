"""Pixels of compressed images, JPEG and PNG; and images as such files."""

import struct

import cv2
import numpy as np
import numpy.typing as npt

from bagmill.dataset.images.raw import NoImage, Pixels

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
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
        return _decoded(data, _is_whole_jpeg(data))
    if head.startswith(_PNG):
        return _decoded(data, _is_whole_png(data))
    if head[_DEPTH_HEAD.size :].startswith(_PNG):
        return _depth(data, *_DEPTH_HEAD.unpack_from(head)[1:])
    raise NoImage("the bytes are neither JPEG nor PNG")


def _is_whole_jpeg(data: npt.NDArray[np.uint8]) -> bool:
    """Whether there is an end behind the last begin of a scan: what is cut off would be filled with gray."""
    found = data.tobytes()
    return found.rfind(b"\xff\xd9") > found.rfind(b"\xff\xda")


def _is_whole_png(data: npt.NDArray[np.uint8]) -> bool:
    return b"IEND" in data[-64:].tobytes()


def _decoded(data: npt.NDArray[np.uint8], whole: bool) -> tuple[Pixels, str]:
    if not whole:
        raise NoImage("the image is cut off")
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
    pixels, colour = _decoded(data[_DEPTH_HEAD.size :], _is_whole_png(data))
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

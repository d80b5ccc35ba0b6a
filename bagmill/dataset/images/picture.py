"""One image on its way: pixels, and what their channels are."""

from dataclasses import dataclass

import cv2
import numpy as np

from bagmill.dataset.images.files import encode_jpeg, encode_png
from bagmill.dataset.images.raw import NoImage, Pixels
from bagmill.dataset.spec.transforms import ImageColour, ImageCrop, ImageDecode, ImageEncode, ImageResize

_INTERPOLATIONS = {
    "area": cv2.INTER_AREA,
    "linear": cv2.INTER_LINEAR_EXACT,  # the same on all machines
    "nearest": cv2.INTER_NEAREST_EXACT,
    "cubic": cv2.INTER_CUBIC,
}
_CONVERSIONS = {
    ("rgb", "bgr"): cv2.COLOR_RGB2BGR,
    ("rgb", "gray"): cv2.COLOR_RGB2GRAY,
    ("rgb", "hsv"): cv2.COLOR_RGB2HSV,
    ("bgr", "rgb"): cv2.COLOR_BGR2RGB,
    ("bgr", "gray"): cv2.COLOR_BGR2GRAY,
    ("bgr", "hsv"): cv2.COLOR_BGR2HSV,
    ("gray", "rgb"): cv2.COLOR_GRAY2RGB,
    ("gray", "bgr"): cv2.COLOR_GRAY2BGR,
    ("rgba", "rgb"): cv2.COLOR_RGBA2RGB,
    ("rgba", "bgr"): cv2.COLOR_RGBA2BGR,
    ("rgba", "gray"): cv2.COLOR_RGBA2GRAY,
    ("bgra", "rgb"): cv2.COLOR_BGRA2RGB,
    ("bgra", "bgr"): cv2.COLOR_BGRA2BGR,
    ("bgra", "gray"): cv2.COLOR_BGRA2GRAY,
}
RESIZABLE = frozenset({"uint8", "uint16", "int16", "float32", "float64"})


class NotThese(ValueError):
    """Pixels that a step does not take; its text says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels [height, width, channels], and `rgb`, `bgr`, `gray`, `hsv`, `rgba`, `bgra`, `depth`, or a mosaic
    with OpenCV's code of its conversion to RGB.
    """

    pixels: Pixels
    colour: str

    def decoded(self, spec: ImageDecode) -> "Picture":
        """In the colour that was asked for.

        Raises:
            NotThese: they have none: depth, for one.
        """
        if spec.colour == "as_is":
            return self
        picture = self._computed() if ":" in self.colour else self
        if picture.colour == "depth":
            kind = f"{picture.pixels.dtype} [{', '.join(map(str, picture.pixels.shape))}]"
            raise NotThese(f"these pixels are {kind} and no colours: decode them with `colour: as_is`")
        return picture.in_colour(spec.colour).in_bytes()

    def _computed(self) -> "Picture":
        """The colours of a mosaic, or of what has colours for several pixels together."""
        code = int(self.colour.partition(":")[2])
        return Picture(_convert(self.pixels, code), "rgb")

    def in_colour(self, to: str) -> "Picture":
        """With other channels."""
        if to == self.colour:
            return self
        code = _CONVERSIONS.get((self.colour, to))
        if code is None:
            raise NotThese(f"there is no way from {self.colour.partition(':')[0]} to {to}")
        return Picture(_convert(self.pixels, code), to)

    def in_bytes(self) -> "Picture":
        """With elements of 8 bits; those of 16 are rounded."""
        if self.pixels.dtype == np.uint8:
            return self
        if self.pixels.dtype != np.uint16:
            raise NotThese(f"pixels of {self.pixels.dtype} have no colours: decode them with `colour: as_is`")
        return Picture(((self.pixels.astype(np.uint32) + 128) // 257).astype(np.uint8), self.colour)

    def coloured(self, spec: ImageColour) -> "Picture":
        """From one colour to another; pixels whose colour is not known are taken for the spec's `source`."""
        known = self.colour if self.colour in {"rgb", "bgr", "gray", "hsv"} else spec.source
        if known != spec.source:
            raise NotThese(f"these pixels are {known}, not {spec.source}: set `source`")
        return Picture(self.pixels, spec.source).in_colour(spec.to)

    def cropped(self, spec: ImageCrop) -> "Picture":
        """A part."""
        height, width = self.pixels.shape[:2]
        left = (width - spec.width) // 2 if spec.x is None else spec.x
        top = (height - spec.height) // 2 if spec.y is None else spec.y
        if left < 0 or top < 0 or left + spec.width > width or top + spec.height > height:
            wanted = f"{spec.width} x {spec.height} pixels at {left}, {top}"
            raise NotThese(f"{wanted} do not lie within {width} x {height} pixels")
        return Picture(self.pixels[top : top + spec.height, left : left + spec.width], self.colour)

    def resized(self, spec: ImageResize) -> "Picture":
        """In another size."""
        if self.pixels.dtype.name not in RESIZABLE:
            raise NotThese(f"pixels of {self.pixels.dtype} can't be resized")
        height, width = self.pixels.shape[:2]
        if spec.fit == "stretch":
            return Picture(_resize(self.pixels, spec.width, spec.height, spec.interpolation), self.colour)
        choose = min if spec.fit == "letterbox" else max
        factor = choose(spec.width / width, spec.height / height)
        inner_width, inner_height = max(1, round(width * factor)), max(1, round(height * factor))
        pixels = _resize(self.pixels, inner_width, inner_height, spec.interpolation)
        return Picture(_centred(pixels, spec.width, spec.height), self.colour)

    def encoded(self, spec: ImageEncode) -> bytes:
        """As the bytes of a file."""
        colour = "gray" if self.colour == "depth" and self.pixels.shape[2] == 1 else self.colour
        if colour not in {"rgb", "bgr", "gray"}:
            raise NotThese(f"pixels of {colour.partition(':')[0]} can't be encoded: convert them before")
        if self.pixels.dtype != np.uint8 and (spec.format == "jpeg" or self.pixels.dtype != np.uint16):
            raise NotThese(f"a {spec.format.upper()} holds no pixels of {self.pixels.dtype}")
        pixels = _convert(self.pixels, cv2.COLOR_RGB2BGR) if colour == "rgb" else self.pixels
        if spec.format == "jpeg":
            return encode_jpeg(pixels, spec.quality)
        return encode_png(pixels, spec.level)


def _convert(pixels: Pixels, code: int) -> Pixels:
    try:
        return with_channels(cv2.cvtColor(np.ascontiguousarray(pixels), code))
    except cv2.error as error:
        raise NoImage(f"the colours can't be computed: {error.err}") from None


def with_channels(pixels: Pixels) -> Pixels:
    """OpenCV leaves out an axis of one channel."""
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _resize(pixels: Pixels, width: int, height: int, interpolation: str) -> Pixels:
    if pixels.shape[:2] == (height, width):
        return pixels
    method = _INTERPOLATIONS[interpolation]
    return with_channels(cv2.resize(np.ascontiguousarray(pixels), (width, height), interpolation=method))


def _centred(pixels: Pixels, width: int, height: int) -> Pixels:
    """In the middle of a black image, or its middle."""
    result = np.zeros((height, width, pixels.shape[2]), pixels.dtype)
    own_height, own_width = pixels.shape[:2]
    rows, columns = min(height, own_height), min(width, own_width)
    top, left = (height - rows) // 2, (width - columns) // 2
    own_top, own_left = (own_height - rows) // 2, (own_width - columns) // 2
    part = pixels[own_top : own_top + rows, own_left : own_left + columns]
    result[top : top + rows, left : left + columns] = part
    return result

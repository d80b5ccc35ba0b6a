"""Images of known content, as messages and as files made by another library."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from bagmill.dataset.spec import Feature
from bagmill.dataset.transforms import Chain, steps
from bagmill.dataset.values import RAW_IMAGE, Values, ValueType

Pixels = npt.NDArray[Any]
COMPRESSED = ValueType(pa.binary(), image=True)
RAW = ValueType(RAW_IMAGE, image=True)


def scene(height: int = 48, width: int = 64, seed: int = 0) -> Pixels:
    """A smooth picture in colour, so that JPEG is near to it: uint8 RGB."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def file_of(pixels: Pixels, format_: str, **options: Any) -> bytes:
    """The pixels as a file of Pillow's."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format_, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Pixels:
    """The pixels of a file as Pillow has them."""
    return np.asarray(Image.open(io.BytesIO(data)))


def files(data: Sequence[bytes | None]) -> Values:
    """Values of compressed image messages."""
    return Values.sparse(pa.array(data, pa.binary()), COMPRESSED)


def raw(encoding: str, pixels: bytes, height: int, width: int, step: int = 0, *, big: bool = False) -> Values:
    """One value of an image message."""
    fact = {
        "height": height,
        "width": width,
        "encoding": encoding,
        "big_endian": big,
        "step": step,
        "data": pixels,
    }
    return Values.sparse(pa.array([fact], RAW_IMAGE), RAW)


def chain(values: Values, *transforms: dict[str, Any], sample: Values | None = None) -> Chain:
    """The chain of some transforms; the values themselves are the sample, unless another is given."""
    facts = {"source": {"constant": 0}, "transforms": transforms}
    specs = [(f"/{place}", one) for place, one in enumerate(Feature.model_validate(facts).transforms)]
    return Chain(values.type, tuple(steps(specs, values.type, sample=values if sample is None else sample)))


def decoded(values: Values, colour: str = "rgb") -> Pixels:
    """The pixels of the first value."""
    found = chain(values, {"op": "image_decode", "colour": colour})(values)
    assert found.present[0]
    pixels: Pixels = found.data[0]
    return pixels

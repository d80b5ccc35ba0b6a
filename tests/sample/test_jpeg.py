import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from bagmill.sample import jpeg

WORST_QUANTIZATION = 6 + 3 * 14


def decoded(data: bytes) -> NDArray[np.int64]:
    image = Image.open(io.BytesIO(data))
    image.load()
    assert (image.format, image.mode) == ("JPEG", "RGB")
    return np.asarray(image, dtype=np.int64)


def test_a_smooth_picture_comes_back_almost_unchanged() -> None:
    y, x = np.mgrid[0:64, 0:96]
    picture = np.stack([x * 2, y * 3, 255 - x * 2], axis=-1).astype(np.uint8)

    assert np.abs(decoded(jpeg.encode(picture)) - picture).max() <= 12


@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_any_picture_is_decoded_by_others(seed: int, rows: int, columns: int) -> None:
    random = np.random.default_rng(seed)
    scale = random.integers(1, 256)
    picture = (random.integers(0, scale, (8 * rows, 8 * columns, 3))).astype(np.uint8)

    difference = decoded(jpeg.encode(picture)) - picture

    assert difference.shape == picture.shape
    assert np.abs(difference).mean() < WORST_QUANTIZATION / 2


def test_hard_edges_use_the_largest_coefficients() -> None:
    picture = np.zeros((16, 16, 3), dtype=np.uint8)
    picture[::2] = 255

    assert np.abs(decoded(jpeg.encode(picture)) - picture).max() <= 24


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (7, 8, 3), (8, 9, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        jpeg.encode(np.zeros(shape, dtype=np.uint8))

"""JPEG and PNG: read and written, whole and damaged."""

import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagmill.dataset.images.files import decode_file
from bagmill.dataset.images.raw import NoImage
from bagmill.dataset.values import Values
from bagmill.errors import DatasetInvalid, SpecUnfit
from tests.dataset.images import chain, decoded, file_of, files, opened, scene

JPEG = file_of(scene(), "JPEG", quality=90)
PNG = file_of(scene(), "PNG")
DEPTH = (np.arange(48 * 64, dtype=np.uint16) * 21).reshape(48, 64)


@pytest.mark.parametrize("data", [JPEG, PNG, file_of(scene(), "JPEG", progressive=True)])
def test_files_are_decoded_as_another_library_does(data: bytes) -> None:
    assert np.array_equal(decoded(files([data])), opened(data))
    assert np.array_equal(decoded(files([data]), "bgr"), opened(data)[:, :, ::-1])


def test_gray_is_what_the_eye_sees() -> None:
    red, green, blue = np.moveaxis(opened(PNG).astype(float), 2, 0)

    gray = decoded(files([PNG]), "gray")

    assert gray.shape == (48, 64, 1)
    assert np.abs(gray[:, :, 0] - (0.299 * red + 0.587 * green + 0.114 * blue)).max() <= 1


def test_as_it_is_keeps_channels_and_bits() -> None:
    with_alpha = np.dstack([scene(), scene(seed=1)[:, :, :1]])

    assert np.array_equal(decoded(files([file_of(with_alpha, "PNG")]), "as_is"), with_alpha)
    assert np.array_equal(decoded(files([file_of(DEPTH, "PNG")]), "as_is")[:, :, 0], DEPTH)
    assert np.array_equal(
        decoded(files([file_of(scene()[:, :, 0], "PNG")]), "rgb")[:, :, 2], scene()[:, :, 0]
    )


def test_depth_is_refused_as_colours_before_anything_is_read() -> None:
    with pytest.raises(SpecUnfit, match="as_is") as caught:
        decoded(files([file_of(DEPTH, "PNG")]))

    assert caught.value.items[0].pointer == "/0"


def test_compressed_depth_with_numbers_becomes_metres() -> None:
    metres = np.linspace(0.5, 9.5, 48 * 64, dtype=np.float32).reshape(48, 64)
    quantum, offset = 10000.0, -100.0
    coded = np.rint(quantum / metres + offset).astype(np.uint16)
    head = struct.pack("<iff", 0, quantum, offset)

    pixels = decoded(files([head + file_of(coded, "PNG")]), "as_is")[:, :, 0]

    assert pixels.dtype == np.float32
    assert np.abs(pixels - metres).max() < 0.01


def test_compressed_depth_without_numbers_keeps_its_integers() -> None:
    pixels = decoded(files([bytes(12) + file_of(DEPTH, "PNG")]), "as_is")

    assert np.array_equal(pixels[:, :, 0], DEPTH)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([JPEG, PNG]), st.data())
def test_what_is_cut_off_is_no_image(data: bytes, draw: st.DataObject) -> None:
    with pytest.raises(NoImage):
        decode_file(np.frombuffer(data[: draw.draw(st.integers(0, len(data) - 12))], np.uint8))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([JPEG, PNG]), st.integers(0, 1 << 16), st.integers(1, 255))
def test_damage_is_no_image_or_another_one_of_some_size(data: bytes, place: int, change: int) -> None:
    damaged = bytearray(data)
    damaged[place % len(data)] ^= change
    with suppress(NoImage):
        pixels, _ = decode_file(np.frombuffer(bytes(damaged), np.uint8))
        assert pixels.ndim == 3


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", JPEG[:4], PNG[:8], bytes(12) + PNG[:8]]))
def test_any_bytes_are_no_image(data: bytes, head: bytes) -> None:
    with pytest.raises(NoImage):
        decode_file(np.frombuffer(head + data, np.uint8))


def test_what_cannot_be_read_is_missing_and_counted() -> None:
    values = files([JPEG, JPEG[:-40], None, b"", b"no image"])
    work = chain(values, {"op": "image_decode"})

    found = work(values)

    assert found.present.tolist() == [True, False, False, False, False]
    assert found.data[1:].sum() == 0
    assert list(work.losses.items()) == [(("/0", "the image can't be read"), 3)]


@pytest.mark.parametrize("quality", [1, 50, 100])
def test_jpeg_is_written_as_another_library_reads_it(quality: int) -> None:
    values = files([PNG])

    data = encoded(values, {"op": "image_decode"}, {"op": "image_encode", "quality": quality})

    assert np.abs(opened(data).astype(int) - scene()).mean() < (6 if quality > 1 else 40)
    assert len(data) < len(PNG)


def encoded(values: Values, *transforms: dict[str, Any]) -> bytes:
    found = chain(values, *transforms)(values)
    data: bytes = found.data[0].as_py()
    return data


def test_quality_and_level_change_the_file() -> None:
    values, decode = files([PNG]), {"op": "image_decode"}
    sizes = {
        (name, number): len(encoded(values, decode, {"op": "image_encode", "format": format_, name: number}))
        for format_, name, numbers in (("jpeg", "quality", (50, 90)), ("png", "level", (0, 9)))
        for number in numbers
    }

    assert sizes["quality", 50] < sizes["quality", 90]
    assert sizes["level", 9] < sizes["level", 0]


@pytest.mark.parametrize("colour", ["rgb", "bgr", "gray"])
def test_png_keeps_every_pixel_in_its_colour(colour: str) -> None:
    values = files([PNG])

    data = encoded(values, {"op": "image_decode", "colour": colour}, {"op": "image_encode", "format": "png"})

    expected = decoded(values, "gray")[:, :, 0] if colour == "gray" else scene()
    assert np.array_equal(opened(data), expected)


def test_depth_goes_into_png_and_not_into_jpeg() -> None:
    values, decode = files([file_of(DEPTH, "PNG")]), {"op": "image_decode", "colour": "as_is"}

    assert np.array_equal(opened(encoded(values, decode, {"op": "image_encode", "format": "png"})), DEPTH)
    with pytest.raises(SpecUnfit, match="JPEG holds no pixels of uint16"):
        encoded(values, decode, {"op": "image_encode"})


def test_a_pool_gives_the_same_bytes() -> None:
    values = files([file_of(scene(seed=seed), "JPEG") for seed in range(8)] + [None, JPEG[:99]])
    work = chain(
        values,
        {"op": "image_decode"},
        {"op": "image_resize", "width": 32, "height": 24},
        {"op": "image_encode"},
    )
    with ThreadPoolExecutor(3) as pool:
        assert work(values, pool).data.equals(work(values).data)


def test_images_of_several_sizes_are_refused_unless_they_are_resized() -> None:
    values = files([JPEG, file_of(scene(30, 40), "JPEG")])

    with pytest.raises(DatasetInvalid, match=r"uint8 \[30, 40, 3\]") as caught:
        chain(values, {"op": "image_decode"})(values)
    assert "image_resize" in (caught.value.items[0].hint or "")
    resized = chain(values, {"op": "image_decode"}, {"op": "image_resize", "width": 8, "height": 6})(values)
    assert resized.data.shape == (2, 6, 8, 3)


@pytest.mark.parametrize(
    "data",
    [
        JPEG.replace(struct.pack(">HH", 48, 64), struct.pack(">HH", 60000, 60000), 1),
        PNG.replace(struct.pack(">II", 64, 48), struct.pack(">II", 1 << 20, 1 << 20), 1),
        JPEG.replace(struct.pack(">HH", 48, 64), struct.pack(">HH", 48, 0), 1),
    ],
)
def test_sizes_that_nobody_has_take_no_memory(data: bytes) -> None:
    with pytest.raises(NoImage, match="pixels is none, or has too many"):
        decode_file(np.frombuffer(data, np.uint8))


def test_sizes_that_nobody_wants_are_refused() -> None:
    with pytest.raises(SpecUnfit, match="pixels at most"):
        chain(
            files([JPEG]), {"op": "image_decode"}, {"op": "image_resize", "width": 1 << 20, "height": 1 << 20}
        )


def test_the_same_pixels_are_the_same_jpeg_everywhere() -> None:
    """Datasets are byte-identical, so this only changes with the version of OpenCV, and then on purpose."""
    ramp = (np.arange(48 * 64 * 3) % 251).astype(np.uint8).reshape(48, 64, 3)

    data = encoded(files([file_of(ramp, "PNG")]), {"op": "image_decode"}, {"op": "image_encode"})

    assert sha256(data).hexdigest().startswith("aa2ec646bd746614")


def test_pixels_without_a_known_size_are_refused_before_anything_is_read() -> None:
    nothing = Values.sparse(pa.array([], pa.binary()), files([]).type)

    with pytest.raises(SpecUnfit, match="size of the images is not known"):
        chain(files([JPEG]), {"op": "image_decode"}, sample=nothing)
    kind = chain(
        files([JPEG]), {"op": "image_decode"}, {"op": "image_resize", "width": 8, "height": 6}, sample=nothing
    ).type
    assert (kind.shape, kind.element) == ((6, 8, 3), pa.uint8())

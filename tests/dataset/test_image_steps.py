"""Raw encodings, colours, crops and sizes, against what each of them means."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bagmill.dataset.images.raw import ENCODINGS
from bagmill.errors import SpecUnfit
from tests.dataset.images import Pixels, chain, decoded, file_of, files, opened, raw, scene

PNG = file_of(scene(), "PNG")
DECODE = {"op": "image_decode"}


def gray(pixels: Pixels) -> Pixels:
    return pixels[:, :, 0]


PLAIN: dict[str, Callable[[Pixels], Pixels]] = {
    "rgb8": lambda pixels: pixels,
    "8UC3": lambda pixels: pixels[:, :, ::-1],
    "8UC4": lambda pixels: np.dstack([pixels[:, :, ::-1], np.full_like(pixels[:, :, :1], 9)]),
    "bgr8": lambda pixels: pixels[:, :, ::-1],
    "rgba8": lambda pixels: np.dstack([pixels, np.full_like(pixels[:, :, :1], 9)]),
    "bgra8": lambda pixels: np.dstack([pixels[:, :, ::-1], np.full_like(pixels[:, :, :1], 9)]),
    "rgb16": lambda pixels: pixels.astype(np.uint16) * 257,
    "bgr16": lambda pixels: pixels[:, :, ::-1].astype(np.uint16) * 257,
}


@pytest.mark.parametrize("encoding", PLAIN)
@pytest.mark.parametrize("pad", [0, 5])
def test_colour_encodings(encoding: str, pad: int) -> None:
    laid_out = np.ascontiguousarray(PLAIN[encoding](scene()))
    rows = laid_out.reshape(48, -1).view(np.uint8)
    padded = np.pad(rows, ((0, 0), (0, pad)))

    values = raw(encoding, padded.tobytes(), 48, 64, padded.shape[1])

    assert np.array_equal(decoded(values), scene())
    assert np.array_equal(decoded(values, "as_is"), laid_out)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("encoding", "element"),
    [("16UC1", "u2"), ("32FC1", "f4"), ("16SC1", "i2"), ("mono16", "u2"), ("64FC1", "f8")],
)
def test_numbers_of_several_bytes_in_both_orders(encoding: str, element: str, big: bool) -> None:
    depth = (np.arange(12) * 300 - 1000).astype(element).reshape(3, 4)
    data = depth.astype(np.dtype(element).newbyteorder(">" if big else "<")).tobytes()

    pixels = decoded(raw(encoding, data, 3, 4, big=big), "as_is")

    assert pixels.dtype == element
    assert np.array_equal(pixels[:, :, 0], depth)


def test_gray_of_16_bits_is_rounded_to_8() -> None:
    shades = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)

    pixels = decoded(raw("mono16", shades.tobytes(), 16, 16), "gray")

    assert np.array_equal(pixels[:, :, 0], np.arange(256).reshape(16, 16))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
@pytest.mark.parametrize("colour", [(200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 160, 30)])
def test_mosaics_of_one_colour(pattern: str, bits: int, colour: tuple[int, int, int]) -> None:
    """Where the whole scene has one colour, each place of the mosaic holds its own part of it."""
    tile = [colour["rgb".index(letter)] for letter in pattern]
    mosaic = np.tile(np.array(tile).reshape(2, 2), (6, 8)).astype(np.uint8)
    data = mosaic if bits == 8 else mosaic.astype(np.uint16) * 257

    values = raw(f"bayer_{pattern}{bits}", data.tobytes(), 12, 16)

    assert np.array_equal(decoded(values)[3:-3, 3:-3].reshape(-1, 3), np.tile(colour, (60, 1)))
    assert np.array_equal(decoded(values, "as_is")[:, :, 0], data)


def yuv_to_rgb(y: int, u: int, v: int) -> list[float]:
    """ITU-R BT.601, studio range."""
    luma, blue, red = 1.164 * (y - 16), u - 128, v - 128
    return [luma + 1.596 * red, luma - 0.813 * red - 0.391 * blue, luma + 2.018 * blue]


@pytest.mark.parametrize(
    ("encoding", "pixel_pair"),
    [("yuv422", "uyvy"), ("uyvy", "uyvy"), ("yuv422_yuy2", "yuyv"), ("yuyv", "yuyv")],
)
def test_yuv_of_two_pixels_together(encoding: str, pixel_pair: str) -> None:
    parts = {"y": 120, "u": 100, "v": 170}
    data = bytes(parts[letter] for letter in pixel_pair) * (4 * 2)

    pixels = decoded(raw(encoding, data, 4, 4))

    assert np.abs(pixels.reshape(-1, 3) - yuv_to_rgb(120, 100, 170)).max() <= 1.5


@pytest.mark.parametrize(("encoding", "order"), [("nv21", "vu"), ("nv12", "uv")])
def test_yuv_in_two_planes(encoding: str, order: str) -> None:
    parts = {"u": 100, "v": 170}
    data = bytes([120] * 16) + bytes(parts[letter] for letter in order) * 4

    pixels = decoded(raw(encoding, data, 4, 4))

    assert pixels.shape == (4, 4, 3)
    assert np.abs(pixels.reshape(-1, 3) - yuv_to_rgb(120, 100, 170)).max() <= 1.5


@pytest.mark.parametrize("encoding", ["", "h264", "rgb9", "17UC1", "8UC9", "32UC1"])
def test_unknown_encodings_are_missing(encoding: str) -> None:
    assert encoding not in ENCODINGS
    values = raw(encoding, bytes(12), 2, 2)

    found = chain(values, DECODE, {"op": "image_resize", "width": 2, "height": 2})(values)

    assert not found.present[0]


@pytest.mark.parametrize(
    ("height", "width", "step"), [(9, 4, 12), (4, 9, 0), (4, 4, 13), (4, 4, 11), (0, 4, 12), (4, -1, 12)]
)
def test_sizes_that_do_not_fit_the_bytes_are_missing(height: int, width: int, step: int) -> None:
    values = raw("rgb8", bytes(48), height, width, step)

    found = chain(values, DECODE, {"op": "image_resize", "width": 2, "height": 2})(values)

    assert not found.present[0]


def test_the_last_row_may_lack_its_padding() -> None:
    rows = np.pad(scene().reshape(48, -1), ((0, 0), (0, 7)))

    assert np.array_equal(decoded(raw("rgb8", rows.tobytes()[:-7], 48, 64, 199)), scene())


def run(*transforms: dict[str, Any]) -> Pixels:
    values = files([PNG])
    found = chain(values, DECODE, *transforms)(values)
    assert found.type.shape == found.data.shape[1:]
    pixels: Pixels = found.data[0]
    return pixels


def test_crops_are_slices() -> None:
    assert np.array_equal(
        run({"op": "image_crop", "width": 10, "height": 7, "x": 3, "y": 5}), scene()[5:12, 3:13]
    )
    assert np.array_equal(run({"op": "image_crop", "width": 10, "height": 8}), scene()[20:28, 27:37])
    with pytest.raises(SpecUnfit, match="do not lie within 64 x 48"):
        run({"op": "image_crop", "width": 10, "height": 8, "x": 60})


def test_nearest_takes_pixels_as_they_are() -> None:
    doubled = run({"op": "image_resize", "width": 128, "height": 96, "interpolation": "nearest"})

    assert np.array_equal(doubled, scene().repeat(2, axis=0).repeat(2, axis=1))


def test_area_is_the_mean_of_what_it_covers() -> None:
    halved = run({"op": "image_resize", "width": 32, "height": 24})

    means = scene().astype(float).reshape(24, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - means).max() <= 1


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_smooth_sizes_are_near_to_the_picture(interpolation: str) -> None:
    twice = run(
        {"op": "image_resize", "width": 128, "height": 96, "interpolation": interpolation},
        {"op": "image_resize", "width": 64, "height": 48},
    )

    assert np.abs(twice.astype(int) - scene()).max() <= 6


def test_letterbox_pads_and_cover_cuts() -> None:
    boxed = run({"op": "image_resize", "width": 32, "height": 32, "fit": "letterbox"})
    covered = run({"op": "image_resize", "width": 32, "height": 32, "fit": "cover"})

    assert boxed[:4].sum() == boxed[-4:].sum() == 0
    assert np.array_equal(boxed[4:-4], run({"op": "image_resize", "width": 32, "height": 24}))
    assert np.array_equal(covered, run({"op": "image_resize", "width": 43, "height": 32})[:, 5:37])


def test_colours_are_converted() -> None:
    assert np.array_equal(run({"op": "image_colour", "to": "bgr"}), scene()[:, :, ::-1])
    red = np.zeros((4, 4, 3), np.uint8)
    red[:, :, 0] = 255
    values = files([file_of(red, "PNG")])
    hsv = chain(values, DECODE, {"op": "image_colour", "to": "hsv"})(values)
    assert hsv.data[0, 0, 0].tolist() == [0, 255, 255]


@pytest.mark.parametrize(
    ("transforms", "text", "pointer"),
    [
        ([{"op": "image_colour", "to": "hsv", "source": "bgr"}], "These pixels are rgb, not bgr", "/1"),
        ([{"op": "image_colour", "to": "hsv"}, {"op": "image_encode"}], "hsv can't be encoded", "/2"),
        (
            [{"op": "image_encode"}, {"op": "image_crop", "width": 1, "height": 1}],
            "does not take the files",
            "/2",
        ),
        ([DECODE], "does not take the pixels", "/1"),
        ([{"op": "image_colour", "to": "rgb", "source": "gray"}], "Gray has 1 channels, not 3", "/1"),
        ([{"op": "flatten"}, {"op": "image_encode"}], "takes pixels", "/2"),
    ],
)
def test_what_does_not_go_together_is_refused_before(
    transforms: list[dict[str, Any]], text: str, pointer: str
) -> None:
    with pytest.raises(SpecUnfit, match=text) as caught:
        run(*transforms)
    assert caught.value.items[0].pointer == pointer


HALVED: list[dict[str, Any]] = [{"op": "scale", "factor": 0.5}, {"op": "cast", "dtype": "uint8"}]


def test_pixels_are_numbers_between_decoding_and_encoding() -> None:
    values = files([PNG])

    found = chain(values, DECODE, *HALVED, {"op": "image_encode", "format": "png"})(values)

    halved = np.rint(scene() / 2).astype(np.uint8)
    assert np.array_equal(opened(found.data[0].as_py()), halved)
    assert run(*HALVED)[5, 5].tolist() == halved[5, 5].tolist()


def test_the_size_behind_a_file_is_not_known() -> None:
    values = files([PNG])

    with pytest.raises(SpecUnfit, match="size of the images is not known"):
        chain(values, DECODE, *HALVED, {"op": "image_encode", "format": "png"}, DECODE)

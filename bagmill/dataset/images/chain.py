"""Steps on images that follow each other: done image by image, so that pixels of many are never held."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from bagmill.dataset.images.files import MOST_PIXELS, decode_file
from bagmill.dataset.images.picture import NotThese, Picture
from bagmill.dataset.images.raw import NoImage, Pixels, decode_raw
from bagmill.dataset.spec.transforms import ImageColour, ImageCrop, ImageDecode, ImageEncode, ImageResize
from bagmill.dataset.transforms.base import Op, refused, unfit
from bagmill.dataset.values import RAW_IMAGE, Values, ValueType

ImageStep = ImageDecode | ImageColour | ImageCrop | ImageResize | ImageEncode
Placed = tuple[str, ImageStep]
Work = Callable[[Any], Picture | bytes]
_LOSS = "the image can't be read"
_COLOURS = {"rgb": 3, "bgr": 3, "hsv": 3, "gray": 1}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of pixels before they are read; None is what is not."""

    height: int | None = None
    width: int | None = None
    channels: int | None = None
    element: np.dtype[Any] | None = None

    @property
    def type(self) -> ValueType | None:
        """The type of the values, if all is known."""
        if self.element is None or self.height is None or self.width is None or self.channels is None:
            return None
        return ValueType(pa.from_numpy_dtype(self.element), (self.height, self.width, self.channels))


def image_op(steps: Sequence[Placed], source: ValueType, sample: Values | None) -> Op:
    """One step of all of them.

    Args:
        steps: each with its pointer.
        source: image messages, bytes of files, or pixels.
        sample: some of the values, where there are any: they tell the size and type of pixels.

    Raises:
        SpecUnfit: the values are no images, or a step does not take what comes before it.
    """
    _check_order(steps, source)
    first = _first(steps, sample)
    known = _known(steps, source, first)
    kind = ValueType(pa.binary(), (), image=True) if isinstance(steps[-1][1], ImageEncode) else known.type
    if kind is None:
        hint = "Add `image_resize`, or `image_encode` to keep files."
        text = "the size of the images is not known: no message of the topic could be read."
        raise unfit(steps[-1][0], text, hint)
    return Op(kind, lambda values, pool: _run(steps, values, kind, pool), _LOSS)


def _check_order(steps: Sequence[Placed], source: ValueType) -> None:
    pointer, first = steps[0]
    is_coded = source.element == RAW_IMAGE or (source.is_bytes and not source.shape)
    if isinstance(first, ImageDecode) and not is_coded:
        raise unfit(pointer, f"`image_decode` takes images, and this is {source}.")
    if not isinstance(first, ImageDecode) and not (source.is_dense and len(source.shape) == 3):
        hint = "Put `image_decode` before it." if is_coded else None
        raise unfit(
            pointer, f"`{first.op}` takes pixels [height, width, channels], and this is {source}.", hint
        )
    for (_, before), (at, step) in pairwise(steps):
        if isinstance(before, ImageEncode) != isinstance(step, ImageDecode):
            text = "files" if isinstance(before, ImageEncode) else "pixels"
            raise unfit(at, f"`{step.op}` does not take the {text} of the step before.")


def _first(steps: Sequence[Placed], sample: Values | None) -> Picture | None:
    """The first image of a sample, decoded."""
    step = steps[0][1]
    if not isinstance(step, ImageDecode) or sample is None:
        return None
    payload = _payloads(sample)
    for row in np.flatnonzero(sample.present).tolist():
        try:
            return _opened(payload(row)).decoded(step)
        except NotThese as error:
            raise unfit(steps[0][0], f"{error}.") from None
        except NoImage:
            continue
    return None


def _known(steps: Sequence[Placed], source: ValueType, first: Picture | None) -> Known:
    """What is known of the pixels behind all steps; refuses steps that do not take those of the sample."""
    known = Known()
    for place, (pointer, step) in enumerate(steps):
        if place == 0 and isinstance(step, ImageDecode):
            known = _after_decode(step, first)
        elif place == 0:
            known = _changed(step, _of_pixels(source.sizes, source.numpy), pointer)
        else:
            known = _changed(step, known, pointer)
        if first is not None and place:
            first = _trial(first, step, pointer)
    return known


def _trial(picture: Picture, step: ImageStep, pointer: str) -> Picture | None:
    try:
        done = _apply(picture, step)
    except (NotThese, NoImage) as error:
        raise unfit(pointer, f"{error}.") from None
    return done if isinstance(done, Picture) else None


def _of_pixels(shape: Sequence[int], element: np.dtype[Any]) -> Known:
    height, width, channels = shape
    return Known(height, width, channels, element)


def _after_decode(step: ImageDecode, first: Picture | None) -> Known:
    if first is not None:
        return _of_pixels(first.pixels.shape, first.pixels.dtype)
    if step.colour == "as_is":
        return Known()
    return Known(None, None, _COLOURS[step.colour], np.dtype(np.uint8))


def _changed(step: ImageStep, known: Known, pointer: str) -> Known:
    match step:
        case ImageCrop() | ImageResize():
            if step.width * step.height > MOST_PIXELS:
                raise unfit(pointer, f"an image has {MOST_PIXELS} pixels at most.")
            return replace(known, height=step.height, width=step.width)
        case ImageColour():
            if known.channels not in (None, _COLOURS[step.source]):
                raise unfit(
                    pointer, f"{step.source} has {_COLOURS[step.source]} channels, not {known.channels}."
                )
            return replace(known, channels=_COLOURS[step.to])
        case ImageDecode():
            return _after_decode(step, None)
    return known


def _run(steps: Sequence[Placed], values: Values, kind: ValueType, pool: Executor | None) -> Values:
    rows = np.flatnonzero(values.present).tolist()
    pixels = np.zeros((len(values), *kind.sizes), kind.numpy) if kind.is_dense else None
    payload = _payloads(values)

    def work(row: int) -> bytes | bool | None:
        try:
            done = _through(steps, payload(row))
        except NoImage:
            return None
        if isinstance(done, bytes):
            return done
        assert pixels is not None
        _place(pixels, row, done.pixels, steps[-1][0])
        return True

    results = list(pool.map(work, rows) if pool is not None else map(work, rows))
    if pixels is not None:
        present = np.zeros(len(values), np.bool_)
        present[[row for row, done in zip(rows, results, strict=True) if done]] = True
        return Values.dense(pixels, present, kind)
    files: list[Any] = [None] * len(values)
    for row, done in zip(rows, results, strict=True):
        files[row] = done
    return Values.sparse(pa.array(files, pa.binary()), kind)


def _place(pixels: Pixels, row: int, found: Pixels, pointer: str) -> None:
    wanted = pixels.shape[1:]
    if found.shape != wanted or found.dtype != pixels.dtype:
        own, others = (
            f"{one.dtype} {list(shape)}" for one, shape in ((found, found.shape), (pixels, wanted))
        )
        text = f"an image's pixels are {own}, and those of others {others}."
        raise refused(pointer, text, "Add `image_resize`, or set `colour`.")
    pixels[row] = found


def _through(steps: Sequence[Placed], payload: Any) -> Picture | bytes:
    """All steps on one image."""
    done: Any = payload
    for pointer, step in steps:
        try:
            done = _apply(_opened(done) if isinstance(step, ImageDecode) else done, step)
        except NotThese as error:
            raise refused(pointer, f"{error}.") from None
    if isinstance(done, Picture | bytes):
        return done
    raise TypeError("a step gave neither pixels nor a file")


def _apply(picture: Picture, step: ImageStep) -> Picture | bytes:
    match step:
        case ImageDecode():
            return picture.decoded(step)
        case ImageColour():
            return picture.coloured(step)
        case ImageCrop():
            return picture.cropped(step)
        case ImageResize():
            return picture.resized(step)
        case ImageEncode():
            return picture.encoded(step)


def _payloads(values: Values) -> Callable[[int], Any]:
    """What finds what one row holds: pixels, facts of a message and its bytes, or the bytes of a file."""
    data = values.data
    if values.type.is_dense:
        colour = "gray" if values.type.shape[-1] == 1 else "rgb"
        return lambda row: Picture(data[row], colour)
    if values.type.element != RAW_IMAGE:
        return lambda row: _bytes(data[row])
    columns = {field.name: data.field(field.name) for field in RAW_IMAGE}
    payload = columns.pop("data")
    return lambda row: (
        {name: column[row].as_py() for name, column in columns.items()},
        _bytes(payload[row]),
    )


def _bytes(value: pa.BinaryScalar) -> Any:
    return np.frombuffer(value.as_buffer() or b"", np.uint8)


def _opened(payload: Any) -> Picture:
    """An image as it came."""
    if isinstance(payload, bytes):
        return Picture(*decode_file(np.frombuffer(payload, np.uint8)))
    if isinstance(payload, tuple):
        return Picture(*decode_raw(*payload))
    return Picture(*decode_file(payload))

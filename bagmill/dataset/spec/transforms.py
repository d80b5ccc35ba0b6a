"""Transforms: what is done with the values of a feature, in the order of the list."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bagmill.dataset.spec.base import Many, Number, Part, Scalar, distinct

DType = Literal[
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "string",
    "binary",
    "timestamp",
]
"""`timestamp` is in ns and UTC."""
JPEG_QUALITY = 95
PNG_LEVEL = 3
Positive = Annotated[int, Field(ge=1, le=1 << 20)]
NotNegative = Annotated[int, Field(ge=0, le=1 << 20)]
Classes = Annotated[
    Many[bool | int | str],
    Field(min_length=1, max_length=65536),
    AfterValidator(distinct),
]
Numbers = Number | Annotated[Many[Number], Field(min_length=1)]
"""One number for all elements, or one for each element of the last axis."""


class Cast(Part):
    """To another type. Numbers become whole by rounding to the nearest (halves to even)."""

    op: Literal["cast"]
    dtype: DType
    overflow: Literal["error", "clamp", "null"] = Field(
        "error",
        description="A value that the type can't hold: an error, its nearest value, or a missing value.",
    )


class Clamp(Part):
    """Into bounds."""

    op: Literal["clamp"]
    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give `min`, `max` or both")
        if self.min is not None and self.max is not None and self.max < self.min:
            raise ValueError("max must not be below min")
        return self


class Scale(Part):
    """value x factor + offset, as float64 (float32 stays float32)."""

    op: Literal["scale"]
    factor: Numbers = 1.0
    offset: Numbers = 0.0


class Normalize(Part):
    """To mean 0 and deviation 1, or to a range, by numbers given here or by statistics of the train split.

    `standard`: (value - mean) / std; `range`: from min..max to low..high. Numbers that are not given are
    computed over the rows of the split `train` (all rows, where there is no split), element by element (of
    values with more than 4096 elements for each channel, which is the last axis), and stored in the
    manifest. Where std is 0, or min equals max, values become 0 and `low`. As float64 (float32 stays
    float32).
    """

    op: Literal["normalize"]
    method: Literal["standard", "range"] = "standard"
    mean: Numbers | None = None
    std: Numbers | None = None
    min: Numbers | None = None
    max: Numbers | None = None
    low: Number = -1.0
    high: Number = 1.0

    @model_validator(mode="after")
    def _numbers_of_the_method(self) -> Self:
        mine, other = (("mean", "std"), ("min", "max"))[:: 1 if self.method == "standard" else -1]
        given = [getattr(self, name) is not None for name in mine]
        if any(getattr(self, name) is not None for name in other) or any(given) != all(given):
            raise ValueError(
                f"`{self.method}` takes both of {mine[0]} and {mine[1]}, or neither, and nothing else"
            )
        if self.method == "standard" and (self.low, self.high) != (-1, 1):
            raise ValueError("low and high go with `range`")
        if self.high <= self.low:
            raise ValueError("high must be above low")
        if self.std is not None and any(
            one <= 0 for one in (self.std if isinstance(self.std, tuple) else (self.std,))
        ):
            raise ValueError("std must be above 0")
        return self

    @property
    def is_fitted(self) -> bool:
        """Whether its numbers are computed over the train split."""
        return self.mean is None and self.min is None


class Length(Part):
    """To a fixed number of elements along the first axis."""

    op: Literal["length"]
    size: Positive
    mode: Literal["exact", "pad", "truncate", "pad_or_truncate"] = Field(
        "exact",
        description="`exact`: any other length is missing; the others mend what is too short or too long.",
    )
    value: Scalar = Field(0, description="What is put behind what is too short.")


class OneHot(Part):
    """A vector with a 1 at the place of the value among the classes (float32)."""

    op: Literal["one_hot"]
    classes: Classes
    unknown: Literal["error", "null", "zeros"] = Field("error", description="A value that is no class.")


class MultiHot(Part):
    """A vector with a 1 at the place of each value of a list (float32)."""

    op: Literal["multi_hot"]
    classes: Classes
    unknown: Literal["error", "null", "ignore"] = Field("error", description="A value that is no class.")


class Select(Part):
    """Some elements along the first axis, in the order given; negative ones count from the end."""

    op: Literal["select"]
    indices: Many[int] = Field(min_length=1)


class Flatten(Part):
    """All elements along one axis, the last index running fastest."""

    op: Literal["flatten"]


class QuaternionToEuler(Part):
    """x, y, z, w to roll, pitch, yaw: rotations about fixed axes in the order given."""

    op: Literal["quaternion_to_euler"]
    order: Literal["xyz", "xzy", "yxz", "yzx", "zxy", "zyx"] = "xyz"
    degrees: bool = False


class QuaternionToMatrix(Part):
    """x, y, z, w to a 3 x 3 rotation matrix, row by row."""

    op: Literal["quaternion_to_matrix"]


class ImageDecode(Part):
    """An image message or its compressed bytes to pixels: uint8 (or uint16, float32) [height, width,
    channels].

    JPEG and PNG, and the raw encodings of sensor_msgs/Image, 16-bit depth and Bayer patterns among them. All
    images of a feature must have the size of the first one, or be resized by the next transforms. An image
    that can't be read, or is cut off, is a missing value.
    """

    op: Literal["image_decode"]
    colour: Literal["rgb", "bgr", "gray", "as_is"] = Field(
        "rgb", description="Order of the channels; `as_is` keeps those of the source, for depth and masks."
    )


class ImageColour(Part):
    """Pixels from one colour to another."""

    op: Literal["image_colour"]
    to: Literal["rgb", "bgr", "gray", "hsv"]
    source: Literal["rgb", "bgr", "gray"] = Field("rgb", description="What they are now.")


class ImageCrop(Part):
    """A part of each image, in pixels; what lies outside is refused."""

    op: Literal["image_crop"]
    width: Positive
    height: Positive
    x: NotNegative | None = Field(None, description="Left edge; null is the middle.")
    y: NotNegative | None = Field(None, description="Top edge; null is the middle.")


class ImageResize(Part):
    """To another size, in pixels."""

    op: Literal["image_resize"]
    width: Positive
    height: Positive
    fit: Literal["stretch", "letterbox", "cover"] = Field(
        "stretch", description="Stretch, pad with black, or cut off what is too much."
    )
    interpolation: Literal["area", "linear", "nearest", "cubic"] = "area"


class ImageEncode(Part):
    """Pixels (RGB, gray or 16-bit gray) to the bytes of a file."""

    op: Literal["image_encode"]
    format: Literal["jpeg", "png"] = "jpeg"
    quality: int = Field(JPEG_QUALITY, ge=1, le=100, description="Of JPEG.")
    level: int = Field(PNG_LEVEL, ge=0, le=9, description="Effort of PNG.")

    @model_validator(mode="after")
    def _of_the_format(self) -> Self:
        if (self.level != PNG_LEVEL) if self.format == "jpeg" else (self.quality != JPEG_QUALITY):
            raise ValueError("quality goes with jpeg, level with png")
        return self


Transform = Annotated[
    Cast
    | Clamp
    | Scale
    | Normalize
    | Length
    | OneHot
    | MultiHot
    | Select
    | Flatten
    | QuaternionToEuler
    | QuaternionToMatrix
    | ImageDecode
    | ImageColour
    | ImageCrop
    | ImageResize
    | ImageEncode,
    Field(discriminator="op"),
]

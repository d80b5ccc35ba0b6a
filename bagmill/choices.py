"""What can be chosen, without pydantic: a small conversion on the command line costs less than loading it.

`bagmill.options` has the same as pydantic models, for the API. Both are held by functions of the core.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

MAX_TIME_NS = 2**63 - 1

FORMATS = ("parquet", "tfrecord")


class OnCorrupt(StrEnum):
    """What to do with a damaged recording."""

    RECOVER = "recover"
    FAIL = "fail"


class Compression(StrEnum):
    """Codec of Parquet pages; a TFRecord file is compressed with gzip or not at all."""

    ZSTD = "zstd"
    LZ4 = "lz4"
    SNAPPY = "snappy"
    GZIP = "gzip"
    NONE = "none"


class Selecting(Protocol):
    """Which messages of a recording: `bagmill.options.Selection` is one. Times in ns."""

    @property
    def topics(self) -> Sequence[str]:
        """Globs of the topics to take."""
        ...

    @property
    def exclude_topics(self) -> Sequence[str]:
        """Globs of the topics to leave out; they win."""
        ...

    @property
    def start_time(self) -> int | None:
        """First log time to take."""
        ...

    @property
    def end_time(self) -> int | None:
        """Log time to stop before."""
        ...

    @property
    def on_corrupt(self) -> OnCorrupt:
        """What to do with a damaged recording."""
        ...


class Converting(Selecting, Protocol):
    """How to convert it: `bagmill.options.ConvertOptions` is one."""

    @property
    def format(self) -> str:
        """Format of the dataset."""
        ...

    @property
    def compression(self) -> Compression | None:
        """Codec of the dataset's files; None for the usual one of the format."""
        ...


class Choices(NamedTuple):
    """Options of convert; the defaults are those of `bagmill.options.ConvertOptions`."""

    topics: Sequence[str] = ("*",)
    exclude_topics: Sequence[str] = ()
    start_time: int | None = None
    end_time: int | None = None
    on_corrupt: OnCorrupt = OnCorrupt.RECOVER
    format: str = "parquet"
    compression: Compression | None = None


EVERYTHING: Selecting = Choices()
"""All messages of a recording."""


class BadChoices(ValueError):
    """Choices that can't be; `problems` are the names of the options, each with the reason."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in self.problems))


def choose(given: Mapping[str, Any]) -> Choices:
    """Read the options of convert as text, or as what they are.

    Raises:
        BadChoices: one of them can't be.
    """
    chosen: dict[str, Any] = {}
    problems = []
    for name, value in given.items():
        try:
            chosen[name] = _READERS[name](value)
        except ValueError as error:
            problems.append((name, str(error)))
    if not is_after(chosen.get("start_time"), chosen.get("end_time")):
        problems.append(("end_time", NOT_AFTER))
    if not is_codec_of(chosen.get("format", "parquet"), chosen.get("compression")):
        problems.append(("compression", NO_CODEC_OF_TFRECORD))
    if problems:
        raise BadChoices(problems)
    return Choices(**chosen)


NOT_AFTER = "the end lies after the start"
NO_CODEC_OF_TFRECORD = "a TFRecord file is compressed with gzip, or none"


def is_codec_of(format_: str, compression: Compression | None) -> bool:
    """Whether files of a format can be compressed so."""
    return format_ != "tfrecord" or compression in {None, Compression.GZIP, Compression.NONE}


def codec_of(options: Converting) -> Compression:
    """The codec of the dataset's files: the one that was chosen, or the usual one of the format."""
    usual = Compression.NONE if options.format == "tfrecord" else Compression.ZSTD
    return options.compression or usual


def is_after(start: int | None, end: int | None) -> bool:
    """Whether a window of time has something in it."""
    return start is None or end is None or end > start


def parse_time(value: object) -> int:
    """Read a time as integer ns since the epoch, or as RFC 3339 with an offset.

    Raises:
        ValueError: it is neither, or outside 1970 to 2262.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("a time is RFC 3339 text with an offset, or integer nanoseconds since the epoch")  # noqa: TRY004
    nanoseconds = (
        int(value) if isinstance(value, int) or (value.isascii() and value.isdigit()) else _rfc3339(value)
    )
    if not 0 <= nanoseconds <= MAX_TIME_NS:
        raise ValueError("a time must lie between 1970 and 2262")
    return nanoseconds


def _rfc3339(text: str) -> int:
    """Nanoseconds since the epoch; fractions beyond the 9th digit are refused."""
    head, dot, tail = text.partition(".")
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    if dot and not 1 <= len(digits) <= 9:
        raise ValueError("a fraction of a second has 1 to 9 digits")
    moment = datetime.fromisoformat(head + tail[len(digits) :])
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset: write 2024-05-15T10:00:00Z")
    whole = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (whole.days * 86_400 + whole.seconds) * 1_000_000_000 + int(digits.ljust(9, "0") or 0)


def usable_glob(glob: str) -> str:
    """Check a glob of topics.

    Raises:
        ValueError: it is empty, or no text.
    """
    if not glob:
        raise ValueError("a glob is not empty")
    if any("\ud800" <= letter <= "\udfff" for letter in glob):
        raise ValueError("a glob is valid Unicode text")
    return glob


def _globs(value: Sequence[str]) -> tuple[str, ...]:
    return tuple(usable_glob(glob) for glob in value)


def _time(value: object) -> int | None:
    return None if value is None else parse_time(value)


def _codec(value: str | None) -> Compression | None:
    return None if value is None else Compression(value)


def _format(value: str) -> str:
    if value not in FORMATS:
        raise ValueError(f"the format is {' or '.join(FORMATS)}")
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "topics": _globs,
    "exclude_topics": _globs,
    "start_time": _time,
    "end_time": _time,
    "on_corrupt": OnCorrupt,
    "format": _format,
    "compression": _codec,
}

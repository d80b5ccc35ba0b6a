"""What a spec may say: every strategy, type, transform, format and compression, for programs that draw forms.

Made of the models of the spec, so that there is nothing to keep in step; needs neither numpy nor pyarrow.
"""

from functools import lru_cache
from inspect import cleandoc
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bagmill.dataset.spec.features import INDEX_COLUMNS, PARTITION, PRESENT, Feature, Label
from bagmill.dataset.spec.model import VERSION, Spec
from bagmill.dataset.spec.results import Output, Split, Validation
from bagmill.dataset.spec.sources import Missing, Source, Sync
from bagmill.dataset.spec.timing import Episodes, Input, Rows, TimeSource
from bagmill.dataset.spec.transforms import DType, Transform

_SYNC = {
    "last": "The newest message not later than the row.",
    "nearest": "The message nearest in time, before or after the row.",
    "linear": "Between the messages before and after the row; quaternions turn along the shortest arc.",
    "exact": "The message at the row's time, or older by the tolerance at most.",
}
_MISSING = {
    "error": "Refuse the recording.",
    "drop_row": "Leave out the row.",
    "null": "No value.",
    "zeros": "0 in each element.",
    "forward_fill": "The value of the row before.",
    "constant": "The value that is given.",
}
_SPLITS = {
    "time": "The first rows of each recording train, later ones test.",
    "random": "Rows, drawn.",
    "recording": "Whole recordings, drawn.",
    "episode": "Whole episodes, drawn.",
}
_TIMES = {
    "log_time": "When the recorder got the message.",
    "publish_time": "When the message was sent.",
    "field": "A stamp in the message.",
}
_NAN = {
    "allow": "Kept.",
    "error": "Refused.",
    "drop_row": "The row is left out.",
    "null": "A missing value.",
}


_PARTS: dict[str, type[BaseModel]] = {
    "input": Input,
    "time": TimeSource,
    "feature": Feature,
    "label": Label,
    "sync": Sync,
    "missing": Missing,
    "split": Split,
    "validation": Validation,
    "output": Output,
}


class Described(BaseModel):
    """One of several that may be chosen, by its name."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str


class Choice(Described):
    """One that has parameters: `params` is the JSON Schema of the object that stands in the spec."""

    params: dict[str, Any]


class FormatChoice(BaseModel):
    """A format of the output: compressions that it takes, and the one where none is named."""

    model_config = ConfigDict(frozen=True)

    name: str
    compressions: list[str]
    default_compression: str


class Capabilities(BaseModel):
    """Everything that a spec may say. `parts` and `spec` hold JSON Schemas, of parts and of the whole."""

    model_config = ConfigDict(frozen=True)

    version: int = Field(description="Of the form of specs.")
    dtypes: list[str]
    time_sources: list[Described]
    rows: list[Choice]
    sources: list[Choice] = Field(description="Where values of a feature or label come from.")
    sync_policies: list[Described]
    missing_policies: list[Described]
    nan_policies: list[Described]
    transforms: list[Choice]
    episodes: list[Choice]
    splits: list[Described]
    formats: list[FormatChoice]
    index_columns: list[str] = Field(description="Columns that each dataset has beside those of the spec.")
    partition: str = Field(description="The name of the folders of splits.")
    presence_suffix: str
    parts: dict[str, dict[str, Any]]
    spec: dict[str, Any]


@lru_cache(maxsize=1)
def capabilities() -> Capabilities:
    """Everything that a spec may say; always the same for one version of the program."""
    return Capabilities(
        version=VERSION,
        dtypes=list(get_args(DType)),
        time_sources=_options(TimeSource, "source", _TIMES),
        rows=_choices(Rows, "kind"),
        sources=[_of_source(model) for model in _members(Source)],
        sync_policies=_options(Sync, "policy", _SYNC),
        missing_policies=_options(Missing, "policy", _MISSING),
        nan_policies=_options(Validation, "nan", _NAN),
        transforms=_choices(Transform, "op"),
        episodes=_choices(Episodes, "by"),
        splits=_options(Split, "by", _SPLITS),
        formats=[_format(name) for name in get_args(Output.model_fields["format"].annotation)],
        index_columns=list(INDEX_COLUMNS),
        partition=PARTITION,
        presence_suffix=PRESENT,
        parts={name: model.model_json_schema() for name, model in _PARTS.items()},
        spec=Spec.model_json_schema(),
    )


def _members(union: Any) -> list[type[BaseModel]]:
    """The models of a union, without what is said about it."""
    if get_origin(union) is Annotated:
        return _members(get_args(union)[0])
    if isinstance(union, type):
        return [union]
    return [model for member in get_args(union) for model in _members(member)]


def _choices(union: Any, tag: str) -> list[Choice]:
    """The members of a union that a name tells apart."""
    return [
        Choice(name=get_args(model.model_fields[tag].annotation)[0], **_described(model))
        for model in _members(union)
    ]


def _of_source(model: type[BaseModel]) -> Choice:
    """A kind of source: its first field names it."""
    return Choice(name=next(iter(model.model_fields)), **_described(model))


def _described(model: type[BaseModel]) -> dict[str, Any]:
    return {"description": cleandoc(model.__doc__ or ""), "params": model.model_json_schema()}


def _options(model: type[BaseModel], field: str, texts: dict[str, str]) -> list[Described]:
    """The values of a field, in the order of the model."""
    names = get_args(model.model_fields[field].annotation)
    return [Described(name=name, description=texts[name]) for name in names]


def _format(name: str) -> FormatChoice:
    annotation = Output.model_fields["compression"].annotation
    codecs = [codec for literal in get_args(annotation) for codec in get_args(literal)]
    taken = [codec for codec in codecs if _takes(name, codec)]
    return FormatChoice(
        name=name, compressions=taken, default_compression="none" if name == "tfrecord" else "zstd"
    )


def _takes(name: str, codec: str) -> bool:
    try:
        Output.model_validate({"format": name, "compression": codec})
    except ValidationError:
        return False
    return True

"""The params of the templates: what a request may say of each kind of workflow."""

from pydantic import Field, model_validator

from bagmill.dataset.spec import Spec
from bagmill.options import ConvertOptions, IndexOptions, Options, VisualizeOptions


class Recordings(Options):
    """What to work on: one recording, or several of them as a batch."""

    recording: str | None = Field(
        None,
        min_length=1,
        description="Path of one recording; a relative one starts at RECORDINGS_DIR.",
    )
    recordings: list[str] | str | None = Field(
        None,
        min_length=1,
        description=(
            "Instead of `recording`, for a batch: a list of paths, a folder (all *.mcap below it), "
            "or a glob (the *.mcap files that it matches)."
        ),
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "Recordings":
        if (self.recording is None) == (self.recordings is None):
            raise ValueError(
                "give either `recording` (one path) or `recordings` (a list, a folder or a glob)"
            )
        return self


class IndexParams(IndexOptions, Recordings):
    """Params of `index`."""


class ConvertParams(ConvertOptions, Recordings):
    """Params of `convert`."""


class VisualizeParams(VisualizeOptions, Recordings):
    """Params of `visualize`."""


class IngestParams(ConvertOptions, VisualizeOptions, Recordings):
    """Params of `ingest`: each goes to every step that knows it."""


class DatasetOptions(Options):
    """What steps that make datasets know of their params."""

    spec: Spec | None = Field(None, description="The spec of the dataset: docs/dataset.md.")


class DatasetParams(DatasetOptions, Recordings):
    """Params of `dataset` and `extract`."""

    config: str | None = Field(
        None, min_length=1, description="Instead of `spec`: the name of a saved config."
    )
    revision: int | None = Field(
        None, ge=1, description="The revision of the config; null: the newest at the time of the request."
    )
    force: bool = Field(
        False, description="Make it anew, even if the same has been made before and is still there."
    )

    @model_validator(mode="after")
    def _one_spec(self) -> "DatasetParams":
        if (self.spec is None) == (self.config is None):
            raise ValueError("give either `spec` (an object) or `config` (the name of a saved one)")
        if self.revision is not None and self.config is None:
            raise ValueError("`revision` goes with `config`")
        return self


class DataProcessingParams(ConvertOptions, VisualizeOptions):
    """Params of `data_processing`: those of `ingest` without the recordings."""


class SelfCheckParams(Options):
    """Params of `test`: none."""

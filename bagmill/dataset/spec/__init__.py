"""The spec of a dataset: pydantic models that are its YAML, its JSON and its JSON Schema.

Imports neither numpy nor pyarrow, so that the API can check specs.
"""

from bagmill.dataset.spec.features import INDEX_COLUMNS, PARTITION, PRESENT, Feature, Label
from bagmill.dataset.spec.load import dump_spec, load_spec, make_spec, parse_spec, plain, spec_hash
from bagmill.dataset.spec.model import VERSION, Spec
from bagmill.dataset.spec.results import Output, Split, Validation
from bagmill.dataset.spec.sources import (
    ConcatSource,
    ConstantSource,
    CountSource,
    MetadataSource,
    Missing,
    Source,
    StackSource,
    Sync,
    TopicSource,
    topics_of,
)
from bagmill.dataset.spec.timing import (
    ByField,
    ByGap,
    Episodes,
    Input,
    PerMessage,
    Rate,
    Rows,
    TimeSource,
    Trigger,
    WholeRecording,
)

__all__ = [
    "INDEX_COLUMNS",
    "PARTITION",
    "PRESENT",
    "VERSION",
    "ByField",
    "ByGap",
    "ConcatSource",
    "ConstantSource",
    "CountSource",
    "Episodes",
    "Feature",
    "Input",
    "Label",
    "MetadataSource",
    "Missing",
    "Output",
    "PerMessage",
    "Rate",
    "Rows",
    "Source",
    "Spec",
    "Split",
    "StackSource",
    "Sync",
    "TimeSource",
    "TopicSource",
    "Trigger",
    "Validation",
    "WholeRecording",
    "dump_spec",
    "load_spec",
    "make_spec",
    "parse_spec",
    "plain",
    "spec_hash",
    "topics_of",
]

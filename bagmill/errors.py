"""The root of Bagmill's exceptions, and those of the conversion core.

    BagmillError
    ├── RecordingError              something about the file
    │   ├── RecordingNotFound       nothing there, or not reachable
    │   ├── NotARecordingFile       a folder, a socket, a device
    │   ├── EmptyRecording          zero bytes
    │   ├── NotMcap                 other bytes than an MCAP's
    │   ├── LfsPointer              a Git LFS pointer instead of its content
    │   ├── RecordingUnreadable     permissions, I/O errors
    │   ├── RecordingDamaged        damage, and `on_corrupt` says fail; or nothing is left to read
    │   └── RecordingChanged        another file than the one that was submitted
    ├── SchemaError                 a message definition that can't be used
    │   ├── SchemaInvalid
    │   ├── SchemaUnsupported
    │   └── FeatureCollision        two columns of a topic would become one feature of a TFRecord
    ├── SelectionError              what was asked for is not in the recording
    │   ├── UnknownTopic
    │   └── NothingSelected
    ├── SpecError                   the spec of a dataset
    │   ├── SpecUnreadable          no YAML, no JSON, or of a version that is not known
    │   ├── SpecInvalid             a value in it is not possible
    │   ├── SpecUnfit               it does not fit the recording: a topic, field, type, shape or rate
    │   └── DatasetInvalid          the rows do not pass its `validation`, or a feature is missing in one
    └── OutputError                 the result can't be written
        ├── OutputExists
        ├── OutputFailed
        └── OutputUnverified        written, but not what was meant

An exception carries what is wrong (its message), where (`where`: path, offset in bytes, topic, JSON
pointer) and what to do (`hint`). There is no HTTP here; one boundary maps codes to statuses.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from bagmill.faults import Fault

Where = Mapping[str, str | int]
"""Where something is wrong: any of `path`, `offset` (bytes), `topic`, `schema`, `pointer` (RFC 6901)."""


class BagmillError(Exception):
    """Something went wrong in Bagmill."""

    code: ClassVar[str] = "bagmill_error"
    default_hint: ClassVar[str] = "Read the log; if it does not explain itself, report it as a bug."
    subject: ClassVar[str] = "This"
    """What has faults, at the start of a sentence."""

    def __init__(
        self,
        message: str | None = None,
        *,
        items: Sequence[Fault] = (),
        where: Where | None = None,
        hint: str | None = None,
    ) -> None:
        """Without a message one is made of `items`, which are the several things wrong, and their hint."""
        if items and message is None:
            message, of_item = self._told(items)
            hint = hint or of_item
        self.items = tuple(items)
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.where: dict[str, str | int] = dict(where or {})
        self.hint = hint or self.default_hint
        super().__init__(self.message)

    def _told(self, items: Sequence[Fault]) -> tuple[str, str | None]:
        if len(items) > 1:
            return f"{self.subject} has {len(items)} faults.", None
        return f"{items[0].pointer or self.subject}: {items[0].detail}", items[0].hint

    def __str__(self) -> str:
        place = ", ".join(f"{name} {value}" for name, value in self.where.items())
        return f"{self.message} [{place}]" if place else self.message


class RecordingError(BagmillError):
    """The recording can't be used."""

    code = "recording_error"
    default_hint = "Check the path and the file."


class RecordingNotFound(RecordingError):
    """There is no file at this path."""

    code = "recording_not_found"
    default_hint = (
        "Check the spelling; relative paths start at RECORDINGS_DIR (on the command line: at the cwd)."
    )


class NotARecordingFile(RecordingError):
    """A recording is a regular file, and this is something else."""

    code = "not_a_recording_file"
    default_hint = "Give the path of one .mcap file; for a whole folder use `recordings`."


class EmptyRecording(RecordingError):
    """The file is empty: 0 bytes."""

    code = "empty_recording"
    default_hint = "The recorder never wrote to it, or the copy failed. Copy it again from the robot."


class NotMcap(RecordingError):
    """The file is not an MCAP: it does not start with the MCAP magic bytes."""

    code = "not_mcap"
    default_hint = (
        "Only .mcap recordings are read. Convert .bag and .db3 files first: `mcap convert in.bag out.mcap`."
    )


class LfsPointer(NotMcap):
    """The file is a Git LFS pointer, not the recording itself."""

    code = "lfs_pointer"
    default_hint = "Run `git lfs pull` in the repository it came from."


class RecordingUnreadable(RecordingError):
    """The file can't be read."""

    code = "recording_unreadable"
    default_hint = "Check the permissions and the disk."


class RecordingDamaged(RecordingError):
    """The recording is damaged."""

    code = "recording_damaged"
    default_hint = 'Set `on_corrupt` to "recover" to keep what is readable, or copy the file again.'


class RecordingChanged(RecordingError):
    """The recording changed after it was submitted."""

    code = "recording_changed"
    default_hint = "Wait until the recorder has finished or the copy is complete, then submit it again."


class SchemaError(BagmillError):
    """A message definition can't be used."""

    code = "schema_error"
    default_hint = "The topic is kept as raw bytes with its schema beside it."


class SchemaInvalid(SchemaError):
    """The message definition is not valid."""

    code = "schema_invalid"


class SchemaUnsupported(SchemaError):
    """Bagmill has no decoder for this kind of message."""

    code = "schema_unsupported"


class FeatureCollision(SchemaError):
    """Two columns of a topic would become one feature of a TFRecord."""

    code = "feature_collision"
    default_hint = "Convert the topic to Parquet, or leave it out with `exclude_topics`."


class SelectionError(BagmillError):
    """What was asked for is not in the recording."""

    code = "selection_error"
    default_hint = "Run `bagmill info` on the recording to see what is in it."


class UnknownTopic(SelectionError):
    """No topic of the recording matches."""

    code = "unknown_topic"


class NothingSelected(SelectionError):
    """The recording has topics, but the selection leaves none of them."""

    code = "nothing_selected"


class SpecError(BagmillError):
    """The spec of a dataset can't be used."""

    code = "spec_error"
    default_hint = "Correct what `errors` points at; docs/dataset.md has each part of a spec."
    subject = "The spec"


class SpecUnreadable(SpecError):
    """The spec is no YAML or JSON that can be read."""

    code = "spec_unreadable"


class SpecInvalid(SpecError):
    """A value in the spec is not possible."""

    code = "spec_invalid"


class SpecUnfit(SpecError):
    """The spec does not fit the recording."""

    code = "spec_unfit"
    default_hint = "Correct what `errors` points at; `bagmill info` shows what is in the recording."


class DatasetInvalid(SpecError):
    """The rows are not what the spec demands of them."""

    code = "dataset_invalid"
    default_hint = "Loosen `validation` or the policy of the feature, or choose another recording."


class OutputError(BagmillError):
    """The result can't be written."""

    code = "output_error"
    default_hint = "Check free space and permissions of the output folder."


class OutputExists(OutputError):
    """The output is already there, and nothing is ever overwritten."""

    code = "output_exists"
    default_hint = "Choose another output folder or remove this one."


class OutputFailed(OutputError):
    """Writing failed."""

    code = "output_failed"


class OutputUnverified(OutputError):
    """The result was written but does not hold what it should, so it was not kept."""

    code = "output_unverified"
    default_hint = "Report it as a bug with the recording's `bagmill info --json`."

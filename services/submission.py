"""What is looked at before a request is accepted: its form, its params, and what the paths alone tell."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bagmill.errors import RecordingError, RecordingNotFound
from bagmill.faults import Fault
from models.request import FromTemplate
from models.workflow import SourceStamp
from services.errors import InvalidRequest
from services.problems import printable
from services.sources import finds_nothing, names_one, stamp
from services.templates import Template, get_template
from services.validation import check

MAX_FAULTS = 100


def asked_for(data: Mapping[str, Any]) -> FromTemplate:
    """The request in its JSON form, checked as far as it is the same for all templates.

    Raises:
        InvalidRequest: names or types are wrong.
    """
    return check(FromTemplate, dict(data))


def examine(asked: FromTemplate, base: Path) -> SourceStamp | None:
    """Check a request wholly; the stamp of its recording if it is a run on one. `base`: RECORDINGS_DIR.

    Raises:
        UnknownTemplate, InvalidRequest: the request itself is wrong.
        RecordingError: one of its kinds; the path tells that there is no recording.
    """
    template = get_template(asked.template_id)
    check(template.params, asked.params, "/params")
    recordings = template.recordings(asked.params)
    if recordings is None:
        _refuse_batch_options(asked)
        recording = asked.params.get("recording")
        return None if recording is None else _stamp_at("/params/recording", recording, base)
    if template.all_of is None:
        _examine_batch(recordings, base)
    return None


def restamp(template: Template, params: Mapping[str, Any], base: Path) -> SourceStamp | None:
    """A new stamp of the recording of a run on one, None for other runs. Raises RecordingError."""
    recording = params.get("recording") if template.recordings(params) is None else None
    return None if recording is None else stamp(recording, base)


def _refuse_batch_options(asked: FromTemplate) -> None:
    if asked.options.allow_failed:
        fault = Fault(
            "/options/allow_failed",
            "This is an option of batches, and this run is none.",
            "Leave it out, or give `recordings` instead of `recording`.",
        )
        raise InvalidRequest(items=[fault])


@contextmanager
def _pointing(pointer: str) -> Iterator[None]:
    """Point at the place of the request that names the recording."""
    try:
        yield
    except RecordingError as error:
        error.where["pointer"] = pointer
        raise


def _stamp_at(pointer: str, recording: str, base: Path) -> SourceStamp:
    with _pointing(pointer):
        return stamp(recording, base)


def _examine_batch(recordings: list[str] | str, base: Path) -> None:
    if isinstance(recordings, list):
        _examine_list(recordings, base)
        return
    with _pointing("/params/recordings"):
        if names_one(recordings, base):
            stamp(recordings, base)
        elif finds_nothing(recordings, base):
            raise RecordingNotFound(
                f"{printable(recordings)!r} stands for no *.mcap file.",
                where={"path": str(base / recordings)},
                hint="A folder stands for all *.mcap below it; in a glob `**/` stands for any folders.",
            )


def _examine_list(recordings: Sequence[str], base: Path) -> None:
    errors = list(_bad_entries(recordings, base))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        faults = [Fault(str(e.where["pointer"]), e.message, e.hint) for e in errors[:MAX_FAULTS]]
        raise InvalidRequest(
            f"{len(errors)} of {len(recordings)} recordings can't be used.",
            items=faults,
            hint="Take them out of the list, or mend what `errors` says of each.",
        )


def _bad_entries(recordings: Sequence[str], base: Path) -> Iterator[RecordingError | InvalidRequest]:
    first: dict[str, int] = {}
    for number, recording in enumerate(recordings):
        pointer = f"/params/recordings/{number}"
        try:
            path = _stamp_at(pointer, recording, base).path
        except RecordingError as error:
            yield error
            continue
        if first.setdefault(path, number) != number:
            yield InvalidRequest(
                f"{printable(recording)!r} is entry {first[path]} already.",
                where={"pointer": pointer},
                items=[Fault(pointer, f"This is entry {first[path]} already.", "Leave it out.")],
            )

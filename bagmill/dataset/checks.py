"""What the rows of a dataset must be like, checked on what was counted, before anything is written."""

from collections.abc import Iterator, Sequence

from bagmill.dataset.recordings import Recording
from bagmill.dataset.spec import Spec, spec_hash
from bagmill.errors import DatasetInvalid, SpecUnfit
from bagmill.faults import Fault, token
from bagmill.report import Warn


def must_fit_together(recordings: Sequence[Recording], spec: Spec) -> None:
    """Refuse recordings whose rows can't stand in one dataset.

    Raises:
        SpecUnfit: they were extracted with another spec, or a column has another type in one of them.
    """
    expected = spec_hash(spec)
    for recording in recordings:
        if recording.extracted.facts.spec_hash != expected:
            raise SpecUnfit(
                f"The rows of {recording.name} were extracted with another spec.",
                where={"path": recording.name},
                hint="Extract it again with this one.",
            )
    if faults := [fault for fault in _types(recordings, spec) if fault]:
        raise SpecUnfit(items=faults)


def _types(recordings: Sequence[Recording], spec: Spec) -> Iterator[Fault]:
    for kind, names in (("features", spec.features), ("labels", spec.labels)):
        for name in names:
            types = {
                str(recording.extracted.facts.column(name).type): recording
                for recording in reversed(recordings)  # of each type the first
            }
            if len(types) > 1:
                told = "; ".join(
                    f"in {recording.name} {_type(recording, name)}" for recording in reversed(types.values())
                )
                detail = f"The values are of several types: {told}."
                yield Fault(f"/{kind}{token(name)}", detail, "Set dtype and shape, or use `length`.")


def _type(recording: Recording, name: str) -> str:
    facts = recording.extracted.facts.column(name).type
    return f"{facts['dtype']}{facts['shape'] or ''}"


def check_rows(recordings: Sequence[Recording], spec: Spec) -> list[Fault]:
    """What `validation` of the spec finds wrong.

    Raises:
        DatasetInvalid: something is, and `on_failure` is `fail`.
    """
    found = list(_wrong(recordings, spec))
    if found and spec.validation.on_failure == "fail":
        raise DatasetInvalid(items=found)
    return found


def _wrong(recordings: Sequence[Recording], spec: Spec) -> Iterator[Fault]:
    validation = spec.validation
    facts = [recording.extracted.facts for recording in recordings]
    rows = sum(one.rows for one in facts)
    dropped = sum(one.candidates for one in facts) - rows
    if rows < validation.min_rows:
        more = f" ({dropped} more were dropped)" if dropped else ""
        detail = f"There are {rows} rows, and should be {validation.min_rows} at least{more}."
        yield Fault("/validation/min_rows", detail)
    if validation.max_rows is not None and rows > validation.max_rows:
        detail = f"There are {rows} rows, and should be {validation.max_rows} at most."
        yield Fault("/validation/max_rows", detail)
    candidates, bad = sum(one.candidates for one in facts), sum(one.bad for one in facts)
    if bad > validation.max_bad_share * candidates:
        detail = (
            f"{bad} of {candidates} rows ({bad / candidates:.2%}) were dropped or lack a feature, "
            f"and {validation.max_bad_share:.2%} may."
        )
        yield Fault("/validation/max_bad_share", detail)
    for number, name in enumerate(validation.features):
        if not sum(one.column(name).present for one in facts):
            yield Fault(f"/validation/features/{number}", f"No row has a value of {name!r}.")


def warn_of(faults: Sequence[Fault]) -> Iterator[Warn]:
    """Faults that were to be reported only."""
    for fault in faults:
        yield Warn("validation", fault.detail, {"pointer": fault.pointer})

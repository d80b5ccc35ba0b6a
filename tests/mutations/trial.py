"""One case, tried in all the ways that a user could: convert it, examine it, index it."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from bagmill.choices import Choices, OnCorrupt
from bagmill.convert import convert
from bagmill.doctor import Diagnosis, diagnose
from bagmill.errors import BagmillError
from bagmill.index import index
from bagmill.report import Report
from tests.mutations.cases import Case


@dataclass
class Outcome:
    """What came of a conversion: a report, or one of the project's errors."""

    report: Report | None
    error: BagmillError | None


def attempt(case: Case, folder: Path, *, closely: bool) -> Outcome:
    """Convert a case into `folder`, and look at what came out.

    Args:
        case: to be tried.
        folder: empty, for the recording and the results.
        closely: also read all values, examine the recording and index it.

    Raises:
        AssertionError: the results contradict each other.
    """
    recording, output = folder / "ruined.mcap", folder / "out"
    recording.write_bytes(case.content)
    output.mkdir()
    outcome = Outcome(None, None)
    try:
        outcome.report = convert(recording, output, case.options, threads=case.threads)
    except BagmillError as error:
        outcome.error = error
    if outcome.report is not None:
        _check_counts(outcome.report)
        _check_files(outcome.report, output, case.options, closely=closely)
    if closely:
        _check_diagnosis(recording, outcome, case.options)
        _index(recording, folder / "index")
    return outcome


def _check_counts(report: Report) -> None:
    for name, table in report.body["topics"].items():
        counts = table["messages"]
        assert counts["read"] >= counts["written"] + counts["unreadable"], (name, counts)
        assert counts["written"] == table["rows"], (name, counts)
        lost = counts["skipped"] or counts["unreadable"] or counts["read"] > counts["written"]
        assert not (report.complete and lost), (name, counts)


def _check_files(report: Report, output: Path, options: Choices, *, closely: bool) -> None:
    listed = {out.path for out in report.outputs}
    there = {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}
    assert listed == there, (listed, there)
    for out in report.outputs:
        if options.format == "parquet" and out.path.endswith(".parquet"):
            assert pq.read_metadata(output / out.path).num_rows == out.rows, out
            if closely:
                pq.ParquetFile(output / out.path).read().validate(full=True)


def _check_diagnosis(recording: Path, outcome: Outcome, options: Choices) -> None:
    """The doctor and a conversion that recovers see the same messages."""
    found = _diagnosis(recording)
    if found is None:
        assert outcome.error is not None, "the doctor refuses it"
        return
    if outcome.report is not None:
        counters = outcome.report.counters
        assert found.facts["messages"] == counters["messages"], (found.facts["messages"], counters)
        unreadable = sum(topic["unreadable"] for topic in found.facts["topics"].values())
        assert unreadable == counters["unreadable"], (unreadable, counters)
    elif options.on_corrupt is OnCorrupt.RECOVER:
        assert outcome.error is not None
        assert outcome.error.code != "recording_damaged" or not found.complete, outcome.error


def _diagnosis(recording: Path) -> Diagnosis | None:
    try:
        return diagnose(recording)
    except BagmillError:
        return None


def _index(recording: Path, folder: Path) -> None:
    folder.mkdir()
    try:
        index(recording, folder)
    except BagmillError:
        return

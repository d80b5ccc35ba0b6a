"""Diagnose: read a whole recording and say everything that is wrong, odd or good to know about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bagmill.choices import EVERYTHING
from bagmill.doctor.decoding import Decoding
from bagmill.doctor.findings import ORDER, Finding, Severity
from bagmill.doctor.series import Series
from bagmill.doctor.structure import crc_facts, file_findings, loss_findings, schema_findings
from bagmill.doctor.topics import Topics
from bagmill.inspection import open_decoders, read_blocks
from bagmill.probe import shown
from bagmill.recording import Recording
from bagmill.report import Progress, ProgressSink, silent
from bagmill.tables import plan_tables

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was found: the worst first, then by topic. `facts` stand in the JSON as they are."""

    findings: Sequence[Finding]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether no message is missing or unreadable."""
        return self.counts[Severity.ERROR] == 0

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each severity."""
        found = [finding.severity for finding in self.findings]
        return {severity.value: found.count(severity) for severity in Severity}

    def as_json(self) -> dict[str, Any]:
        """The object of `bagmill doctor --json`, described in docs/doctor.md."""
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": "doctor",
            **self.facts,
            "complete": self.complete,
            "counts": self.counts,
            "findings": [finding.as_json() for finding in self.findings],
        }


def diagnose(path: Path, progress: ProgressSink = silent) -> Diagnosis:
    """Read all of a recording, decode all messages, and say what is to be said.

    The same recording gives the same diagnosis. Memory grows with the number of channels, not of messages.

    Raises:
        RecordingError: the file is no recording, or it is damaged and nothing is readable.
    """
    with Recording.open(path) as recording:
        size = recording.size
        summary = recording.load_summary(lambda done: progress(Progress("index", done, size)))
        tables = plan_tables(summary.channels, summary.schemas)
        decoding = Decoding(tables, open_decoders(recording, tables, EVERYTHING, progress))
        topics = Topics(summary.channels, summary.message_counts)
        for block in read_blocks(recording, tables, EVERYTHING, ahead=True):
            topics.take(Series(block, topics.numbering))
            decoding.take(block)
            progress(Progress("examine", recording.done_bytes, size))
        findings = [
            *loss_findings(recording.losses),
            *file_findings(recording),
            *schema_findings(summary, tables),
            *decoding.findings(),
            *topics.findings(),
        ]
        findings.sort(key=lambda finding: (ORDER.index(finding.severity), finding.topic or ""))
        return Diagnosis(findings, _facts(recording) | topics.facts(decoding.trials))


def _facts(recording: Recording) -> dict[str, Any]:
    identity = recording.identity
    return {
        "recording": shown(recording.path.name),
        "size": recording.size,
        "identity": {"size": identity.size, "sha256": identity.sha256},
        "indexed": recording.summary.source.value,
        "crc": crc_facts(recording, recording.losses),
    }

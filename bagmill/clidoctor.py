"""How `bagmill doctor` looks: a table on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from bagmill.clioutput import print_table, printable, say
from bagmill.doctor import Diagnosis, Finding, Severity

_MOST_ALIKE = 5
"""Findings of one code that are shown; --json has all."""

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def print_diagnosis(file: Path, diagnosis: Diagnosis) -> None:
    """Print what was found: the verdict, the topics, and the findings, the worst first."""
    facts = diagnosis.facts
    say(f"{file}: {facts['messages']} messages on {len(facts['topics'])} topics; {_verdict(diagnosis)}")
    say(_crcs(facts["crc"]))
    print_table(
        ("topic", "messages", "unreadable", "Hz", "longest interval"),
        [
            (topic, str(own["messages"]), str(own["unreadable"]), _number(own["rate_hz"]), _interval(own))
            for topic, own in facts["topics"].items()
        ],
    )
    if diagnosis.findings and sys.stdout is not None and sys.stdout.isatty():
        _print_rich(diagnosis)
    else:
        for group in _groups(diagnosis):
            for line in _lines(group):
                say(line)


def _verdict(diagnosis: Diagnosis) -> str:
    named = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    counts = [
        f"{diagnosis.counts[severity]} {name}" + ("" if diagnosis.counts[severity] == 1 else "s")
        for severity, name in named.items()
        if diagnosis.counts[severity]
    ]
    return ", ".join(counts) or "nothing found"


def _crcs(crc: Mapping[str, Any]) -> str:
    chunks = crc["chunks"]
    return (
        f"CRCs: {chunks['checked']} chunks checked, {chunks['mismatched']} wrong, "
        f"{chunks['without']} without; data section {crc['data_section']}, summary {crc['summary']}"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _interval(topic: Mapping[str, Any]) -> str:
    longest = topic["longest_interval_seconds"]
    return "" if longest is None else f"{longest:.3f} s"


def _groups(diagnosis: Diagnosis) -> Iterator[list[Finding]]:
    """Findings by severity and code; their order is that of the first of each code."""
    order = {finding.code: place for place, finding in reversed(list(enumerate(diagnosis.findings)))}
    rank = list(Severity).index

    def key(finding: Finding) -> tuple[int, int]:
        return rank(finding.severity), order[finding.code]

    for _, group in groupby(sorted(diagnosis.findings, key=key), key=key):
        yield list(group)


def _place(finding: Finding) -> str:
    where = finding.where
    parts = [finding.topic or "", str(where.get("log_time", ""))]
    parts += [f"channel {where['channel']}"] if "channel" in where else []
    parts += [f"byte {where['offset']}"] if "offset" in where else []
    return ", ".join(filter(None, parts))


def _lines(group: list[Finding]) -> Iterator[str]:
    for finding in group[:_MOST_ALIKE]:
        place = _place(finding)
        yield f"{finding.severity.value}: {finding.code}: {finding.message}"
        if place:
            yield f"  where: {place}"
    if len(group) > _MOST_ALIKE:
        yield f"  and {len(group) - _MOST_ALIKE} more of {group[0].code}; --json has all"
    yield f"  what to do: {group[0].remedy}"


def _print_rich(diagnosis: Diagnosis) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True, expand=True)
    table.add_column("finding", no_wrap=True)
    table.add_column("where", ratio=2, overflow="fold")
    table.add_column("what it is, and what to do", ratio=5, overflow="fold")
    for group in _groups(diagnosis):
        shown = group[:_MOST_ALIKE]
        first = Text(f"{shown[0].severity.value}\n{shown[0].code}", style=_STYLES[shown[0].severity])
        places = "\n".join(dict.fromkeys(printable(place) for place in map(_place, shown) if place))
        what = "\n".join(printable(finding.message) for finding in shown)
        if len(group) > len(shown):
            what += f"\nAnd {len(group) - len(shown)} more; --json has all."
        told = Text(what).append(f"\n{shown[0].remedy}", style="dim")
        table.add_row(first, Text(places), told)
    Console().print(table)

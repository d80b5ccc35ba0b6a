"""`report.md`: what the manifest of a dataset says, for a person."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bagmill.dataset.report.picture import draw
from bagmill.dataset.report.traces import Trace

REPORT = "report.md"
PICTURES = "report"
MOST_LINES = 100
"""Lines of a table; the manifest has all of them."""
_FEW = 4
"""Elements of statistics that are written out."""

Row = Sequence[object]


def write_report(
    output: Path,
    body: Mapping[str, Any],
    spec: str,
    traces: Mapping[str, Trace],
    warnings: Sequence[str],
) -> list[str]:
    """Write `report.md` and a picture for each trace; the paths of the files, relative to the output.

    Args:
        body: what stands in the manifest.
        spec: the spec as YAML.
        warnings: what else a person must know, one sentence each.
    """
    borders = _borders(body["sources"])
    pictures = {name: f"{PICTURES}/{number:03}.svg" for number, name in enumerate(traces)}
    if pictures:
        (output / PICTURES).mkdir()
    for name, trace in traces.items():
        (output / pictures[name]).write_text(draw(name, trace, borders), "utf-8")
    text = "\n\n".join(_sections(body, spec, pictures, warnings)) + "\n"
    (output / REPORT).write_text(text, "utf-8")
    return [REPORT, *pictures.values()]


def _borders(sources: Sequence[Mapping[str, Any]]) -> list[int]:
    borders, row = [], 0
    for source in sources[:-1]:
        row += source["rows"]
        borders.append(row)
    return borders


def _sections(
    body: Mapping[str, Any], spec: str, pictures: Mapping[str, str], warnings: Sequence[str]
) -> Iterator[str]:
    yield f"# {body['name']}"
    if body["description"]:
        yield _plain(body["description"])
    yield _summary(body)
    if warnings:
        yield "## Warnings"
        yield _limited([f"- {_plain(text)}" for text in warnings])
    yield "## Splits"
    yield _table(("split", "rows", "share", "files"), _split_rows(body))
    yield "## Recordings"
    yield _table(
        ("recording", "rows", "episodes", "dropped", "splits", "begins", "sha256"), _source_rows(body)
    )
    if body["left_out"]:
        yield "Left out:"
        yield _table(
            ("recording", "why"), [(_code(one["name"]), _plain(one["reason"])) for one in body["left_out"]]
        )
    if body["drops"]:
        yield "## Rows that were dropped"
        yield _table(("why", "rows"), [(_code(why), rows) for why, rows in body["drops"].items()])
    yield "## Features"
    yield _table(("feature", "type", "source", "sync", "missing", "policy"), _column_rows(body["features"]))
    yield "Over the rows of each split, before a `normalize` that is fitted:"
    yield _table(("feature", "split", "values", "mean", "std", "min", "max"), _statistics_rows(body))
    yield from (f"![{_plain(name)}]({path})" for name, path in pictures.items())
    if body["labels"]:
        yield "## Labels"
        yield _table(("label", "type", "source", "sync", "missing", "policy"), _column_rows(body["labels"]))
        yield _table(("label", "class", "number", *body["splits"]), _class_rows(body))
    yield "## Spec"
    yield f"```yaml\n{spec.rstrip()}\n```"
    yield f"Made with {', '.join(f'{name} {number}' for name, number in body['versions'].items())}."


def _summary(body: Mapping[str, Any]) -> str:
    dropped = body["candidates"] - body["rows"]
    ahead = body["looks_ahead"]
    looks = (
        f"Values of {', '.join(map(_code, ahead))} may come from messages later than the row: "
        "their `sync` asks for it."
        if ahead
        else "No row has a value of a message that is later than the row."
    )
    counts = {
        "rows": body["rows"],
        "episodes": body["episodes"],
        "recordings": len(body["sources"]),
        "rows dropped": dropped,
        "rows dropped or without a value": body["bad"],
    }
    return f"{'; '.join(f'{name}: {count}' for name, count in counts.items())}.\n\n{looks}"


def _split_rows(body: Mapping[str, Any]) -> Iterator[Row]:
    for name, split in body["splits"].items():
        yield name, split["rows"], f"{split['rows'] / max(1, body['rows']):.2%}", len(split["files"])


def _source_rows(body: Mapping[str, Any]) -> Iterator[Row]:
    for source in body["sources"]:
        dropped = source["candidates"] - source["rows"]
        splits = ", ".join(source["splits"])
        begins = source["start_time"] or ""
        yield (
            _code(source["name"]),
            source["rows"],
            source["episodes"],
            dropped,
            splits,
            begins,
            source["sha256"][:12],
        )


def _column_rows(columns: Mapping[str, Any]) -> Iterator[Row]:
    for name, column in columns.items():
        missing = f"{column['missing_share']:.2%}"
        source = _code(column["source"])
        yield _code(name), column["type"], source, column["sync"], missing, column["policy"]


def _statistics_rows(body: Mapping[str, Any]) -> Iterator[Row]:
    for name, feature in body["features"].items():
        for split, found in feature["statistics"].items():
            numbers = [_numbers(found[key]) for key in ("mean", "std", "min", "max")]
            yield _code(name), split, _numbers(found["count"]), *numbers


def _class_rows(body: Mapping[str, Any]) -> Iterator[Row]:
    for name, label in body["labels"].items():
        for one, number in label["classes"].items():
            counts = [split.get(one, 0) for split in label["counts"].values()]
            yield _code(name), _code(one), number, *counts


def _numbers(value: Any) -> str:
    """A number, or those of the first elements; one where all are the same."""
    numbers = list(_flat(value))
    if len(set(numbers)) == 1:
        numbers = numbers[:1]
    texts = ["" if number is None else f"{number:.5g}" for number in numbers[:_FEW]]
    more = [f"... {len(numbers) - _FEW} more"] if len(numbers) > _FEW else []
    return ", ".join([*texts, *more])


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _flat(one)
    else:
        yield value


def _table(head: Sequence[str], rows: Iterator[Row] | Sequence[Row]) -> str:
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return f"| {' | '.join(head)} |\n|{' --- |' * len(head)}\n" + _limited(lines)


def _limited(lines: Sequence[str]) -> str:
    shown = list(lines[:MOST_LINES])
    if len(lines) > MOST_LINES:
        shown += ["", f"And {len(lines) - MOST_LINES} more: `manifest.json` has all."]
    return "\n".join(shown)


def _code(text: str) -> str:
    """A name, as it is."""
    plain = text.replace("`", "'").replace("|", "\\|").replace("\n", " ").replace("\r", " ")
    return f"`{plain}`"


def _plain(text: str) -> str:
    """Text that means nothing to Markdown or HTML."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ").replace("\r", " ")
    for letter in "\\`*_[]|#":
        escaped = escaped.replace(letter, f"\\{letter}")
    return escaped

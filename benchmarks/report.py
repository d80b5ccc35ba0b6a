"""Tables of results: for the terminal, for docs/benchmarks.md, and one line for the README."""

import textwrap
from collections.abc import Mapping
from typing import Any

from benchmarks.pages import BENCHMARKS, README, replace
from benchmarks.plan import CASES, INDEX, LIMIT, OURS, PEERS, TFRECORD

COLUMNS = ("", "wall s", "CPU s", "wall / limit", "bagmill is faster", "peak MB", "output MB", "runs", "")
FEWEST_RUNS = 3
"""Results of fewer runs do not replace what stands in the documents."""

Facts = Mapping[str, Any]
Row = tuple[str, ...]


def heading(results: Facts) -> str:
    """The machine, and what everybody pays for starting Python."""
    machine, start = results["machine"], results["start"]
    packages = [f"{name} {version}" for name, version in machine["packages"].items()]
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory'] / 2**30:.0f} GiB, "
        f"{machine['system']}, Python {machine['python']}, {', '.join(packages)}.\n"
        f"Starting Python takes {start['python']['cpu']:.2f} s of CPU, with pyarrow "
        f"{start['pyarrow']['cpu']:.2f} s; all but the limit include it."
    )


def title(name: str, case: Facts) -> str:
    """A recording in one line."""
    sizes = f"{case['size'] / 1e6:,.0f} MB, {case['message_bytes'] / 1e6:,.0f} MB of messages"
    return f"{name}: {case['messages']:,} messages, {sizes}"


def table(name: str, case: Facts) -> str:
    """A case for the terminal."""
    rows = [COLUMNS, *rows_of(case)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    lines = [
        "  ".join(
            cell.ljust(width) if place in (0, len(widths) - 1) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(["", title(name, case), *lines, *notes(case)])


def markdown(name: str, case: Facts) -> str:
    """A case for the documents."""
    marks = ["---"] + ["---:"] * (len(COLUMNS) - 2) + ["---"]
    rows = [(f"**{row[0]}**", *row[1:]) if row[0] == OURS else row for row in rows_of(case)]
    lines = ["| " + " | ".join(row) + " |" for row in (COLUMNS, tuple(marks), *rows)]
    extra = [f"\n{note}" for note in notes(case)]
    about = f"{case['about']}. {title(name, case).partition(': ')[2]}."
    return "\n".join([f"### {name}", "", about, "", *lines, *extra, ""])


def rows_of(case: Facts) -> list[Row]:
    """The limit, then everybody who was measured, the fastest first behind this project."""
    limit = case["limit"]
    rows: list[Row] = []
    if limit:
        rows.append((LIMIT, "", f"{limit['cpu']:.2f}", "1.0", "", "", megabytes(limit["size"]), "", ""))
    return rows + [_row(who, result, case) for who, result in case["results"].items()]


def _row(who: str, result: Facts, case: Facts) -> Row:
    name = PEERS[who][0] if who in PEERS else who
    if "failure" in result:
        return (name, *[""] * (len(COLUMNS) - 2), f"failed: {result['failure'][:100]}")
    ours, limit = case["results"][OURS], case["limit"]
    converts = who != INDEX
    against_limit = f"{result['wall'] / limit['cpu']:.1f}" if limit and converts else ""
    factor = f"{result['wall'] / ours['wall']:.1f} x" if who != OURS and converts and "wall" in ours else ""
    return (
        name,
        f"{result['wall']:.2f}",
        f"{result['cpu']:.2f}",
        against_limit,
        factor,
        f"{result['rss'] / 1e6:,.0f}",
        megabytes(result["size"]) if converts else "",
        str(result["runs"]),
        _findings(result),
    )


def _findings(result: Facts) -> str:
    """What the check of the output found."""
    wrong, missing = result["wrong"], result["missing"]
    parts = [f"{len(wrong)} wrong: {wrong[0]}" if wrong else "", f"{len(missing)} missing" if missing else ""]
    return "; ".join(part for part in parts if part)


def notes(case: Facts) -> list[str]:
    """What the rows do not say: parts of the limit, the size beside pyarrow's defaults, rates."""
    lines = []
    limit, ours, tfrecord = case["limit"], case["results"][OURS], case["results"].get(TFRECORD, {})
    if limit:
        parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in limit["parts"].items())
        share = limit["own_size"] / limit["default_size"]
        lines.append(
            f"The limit: {parts}. The files are {share:.2f} times as big as with pyarrow's defaults."
        )
    if case["recordings"] > 1 and "wall" in ours:
        lines.append(f"A recording takes {ours['wall'] / case['recordings'] * 1000:.0f} ms.")
    if "cpu" in tfrecord:
        rate = case["message_bytes"] / tfrecord["cpu"] / 1e6
        lines.append(f"TFRecord: {rate:.0f} MB of messages in a second of CPU.")
    return lines


def megabytes(size: int) -> str:
    """Bytes in MB."""
    return f"{size / 1e6:,.1f}"


def refresh(results: Facts) -> None:
    """Write the tables into the documents if everything was measured, whole and often enough."""
    full = len(results["cases"]) == len(CASES) and results["scale"] == 1 and results["runs"] >= FEWEST_RUNS
    if not full:
        print("docs/benchmarks.md is left as it is: not everything was measured at full size")
        return
    tables = [markdown(name, case) for name, case in results["cases"].items()]
    replace(BENCHMARKS, "\n".join([heading(results), "", *tables]), "results")
    replace(README, textwrap.fill(summary(results), 120, break_on_hyphens=False), "results")


def summary(results: Facts) -> str:
    """One line for the README."""
    case = results["cases"]["telemetry"]
    ours = case["results"][OURS]
    peers = {
        who: result["wall"] / ours["wall"]
        for who, result in case["results"].items()
        if who in ("rerun", "rosbags", "mcap_support") and "wall" in result
    }
    names = {"rerun": "rerun's reader", "rosbags": "rosbags", "mcap_support": "mcap's own reader"}
    factors = [f"{factor:.1f} times faster than {names[who]}" for who, factor in peers.items()]
    compared = f": {', '.join(factors)}" if factors else ""
    return (
        f"A recording of {case['messages']:,} messages becomes Parquet in {ours['wall']:.1f} s{compared} "
        f"([benchmarks](docs/benchmarks.md))."
    )

"""Tables of what `benchmarks/queue.py` measured: for the terminal and for the documents."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.pages import BENCHMARKS, RELIABILITY, replace
from benchmarks.queues.entrants import ENTRANTS, NAIVE, OURS, SQLITE
from benchmarks.queues.measuring import OPERATIONS

SIZES = (10, 1_000, 10_000, 100_000)
FEWEST_TURNS = 10
"""Results of fewer turns do not replace what stands in the documents."""
PROMISED = {"flat": 0.5, "sqlite": 0.7, "naive": 100.0}
"""The least that the ratios must be."""
_COLUMNS = ("", "live jobs", *(f"{name}/s" for name in OPERATIONS), "p50 ms", "p99 ms")

Facts = Mapping[str, Any]
Row = tuple[str, ...]


def rows_of(results: Facts) -> Iterator[Row]:
    """Everybody at every size; the percentiles of the operations in their order."""
    for name, sizes in results["queues"].items():
        for size, facts in sizes.items():
            measured = [facts[operation] for operation in OPERATIONS if operation in facts]
            rates = [_rate(facts[one]) if one in facts else "" for one in OPERATIONS]
            percentiles = [" / ".join(f"{one[share]:.2f}" for one in measured) for share in ("p50", "p99")]
            yield name, f"{int(size):,}", *rates, *percentiles


def _rate(facts: Facts) -> str:
    return f"{facts['rate']:,.{0 if facts['rate'] >= 10 else 1}f}"


def ratios(results: Facts) -> dict[str, float]:
    """What was promised, as it came out.

    `flat`: with the most live jobs, beside the fewest; `sqlite`: beside SQLite, at the size where that is
    least; `naive`: with the most live jobs, beside the naive rewrite.
    """
    queues = results["queues"]
    ours = queues.get(OURS)
    if not ours:
        return {}
    sizes = sorted(ours, key=int)
    found = {"flat": ours[sizes[-1]]["rate"] / ours[sizes[0]]["rate"]}
    if SQLITE in queues:
        found["sqlite"] = min(ours[size]["rate"] / queues[SQLITE][size]["rate"] for size in sizes)
    if NAIVE in queues:
        found["naive"] = ours[sizes[-1]]["rate"] / queues[NAIVE][sizes[-1]]["rate"]
    return found


def sentences(results: Facts) -> list[str]:
    """The ratios and the waking in words."""
    sizes = [int(size) for size in results["queues"].get(OURS, {})]
    texts = {
        "flat": "Operations a second with {most:,} live jobs: {ratio:.2f} times those with {fewest:,}",
        "sqlite": "Beside SQLite with `synchronous=FULL`: at least {ratio:.2f} times as many, at each size",
        "naive": "Beside rewriting one JSON file: {ratio:,.0f} times as many, with {most:,} live jobs",
    }
    told = [
        f"{texts[name].format(ratio=ratio, most=max(sizes), fewest=min(sizes))} "
        f"(promised: {PROMISED[name]:g})."
        for name, ratio in ratios(results).items()
    ]
    if waking := results.get("waking"):
        told.append(
            f"A waiting worker claims a job {waking['p50']:.1f} ms (p50), {waking['p99']:.1f} ms (p99) after "
            f"it was enqueued (promised: 20), in {waking['count']} tries; waiting takes "
            f"{waking['idle_cpu'] * 100:.2f} % of a core."
        )
    return told


def terminal(results: Facts) -> str:
    """All of it for the terminal."""
    rows = [_COLUMNS, *rows_of(results)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_COLUMNS))]
    lines = []
    for row in rows:
        name, *cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join([name.strip().ljust(widths[0]), *cells]))
    return "\n".join(["", *lines, "", *sentences(results)])


def markdown(results: Facts) -> str:
    """All of it for docs/benchmarks.md."""
    marks = ["---"] + ["---:"] * (len(_COLUMNS) - 1)
    rows = [(f"**{row[0]}**", *row[1:]) if row[0] == OURS else row for row in rows_of(results)]
    lines = ["| " + " | ".join(row) + " |" for row in (_COLUMNS, tuple(marks), *rows)]
    named = [one for one in ENTRANTS if one.name in results["queues"]]
    return "\n".join(
        [
            "",
            f"{about(results)} {results['turns']} turns of {results['seconds']:g} s; rates are medians.",
            "",
            *lines,
            "",
            *(f"- {one}" for one in sentences(results)),
            "",
            "What is on the disk when an operation returns:",
            "",
            *(f"- {one.name}: {one.durability}." for one in named),
            "",
        ]
    )


def about(results: Facts) -> str:
    """The machine in a line."""
    machine = results["machine"]
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}."
    )


def refresh(results: Facts) -> None:
    """Write into the documents if everything was measured often enough."""
    queues = results["queues"]
    whole = len(queues) == len(ENTRANTS) and all(set(queues[name]) == set(map(str, SIZES)) for name in queues)
    if not (whole and results["turns"] >= FEWEST_TURNS and results.get("waking")):
        print("the documents are left as they are: not everything was measured")
        return
    replace(BENCHMARKS, markdown(results), "queue")
    told = "\n".join([about(results), "", *(f"- {one}" for one in sentences(results))])
    replace(RELIABILITY, told, "queue")

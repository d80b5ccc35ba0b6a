"""A small picture of a feature over all rows, as SVG. The same values give the same bytes."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

import numpy as np

from bagmill.dataset.report.traces import MOST_LINES, Trace

WIDTH, HEIGHT = 480, 96
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 8, 18, 8
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6d31", "#555555")
"""Of Okabe and Ito: told apart by people who don't see all colours, too."""
_MOST_BORDERS = 100


def draw(name: str, trace: Trace, borders: Sequence[int] = ()) -> str:
    """Draw a feature; `borders` are rows at which another recording begins."""
    low, high = _range(trace)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="10">'
    )
    lines = [
        head,
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_text(_LEFT, 12, "start", _title(name, trace)),
        *_text(_LEFT - 4, _TOP + 8, "end", _number(high)),
        *_text(_LEFT - 4, HEIGHT - _BOTTOM, "end", _number(low)),
        *_borders(trace, borders),
        *(_line(trace, number, low, high) for number in range(len(trace.low))),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _title(name: str, trace: Trace) -> str:
    if trace.elements > MOST_LINES:
        return f"{name}: least, mean and greatest of {trace.elements}"
    return f"{name}: {trace.elements} elements" if trace.elements > 1 else name


def _range(trace: Trace) -> tuple[float, float]:
    """The least and greatest number that is drawn; 0 and 0 if there is none."""
    low, high = float(trace.low.min()), float(trace.high.max())
    return (low, high) if low <= high else (0.0, 0.0)


def _text(x: float, y: float, anchor: str, text: str) -> Iterator[str]:
    yield f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="#333333">{escape(text)}</text>'


def _number(value: float) -> str:
    return f"{value:.4g}"


def _borders(trace: Trace, borders: Sequence[int]) -> Iterator[str]:
    for row in borders if len(borders) <= _MOST_BORDERS else ():
        x = _x(row / trace.rows)
        yield f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{HEIGHT - _BOTTOM}" stroke="#cccccc"/>'


def _x(share: float) -> str:
    return f"{_LEFT + share * (WIDTH - _LEFT - _RIGHT):.1f}"


def _line(trace: Trace, number: int, low: float, high: float) -> str:
    """One path: up and down over the range around each point, with a gap where there is none."""
    points = trace.low.shape[1]
    commands, last = [], None
    for point in range(points):
        bottom, top = float(trace.low[number, point]), float(trace.high[number, point])
        if bottom > top:
            last = None
            continue
        x = _x((point + 0.5) / points)
        # First the end that is nearer, so that falling lines fall.
        ends = sorted({bottom, top}, reverse=last is not None and last > bottom / 2 + top / 2)
        for end in ends:
            commands.append(f"{'M' if last is None else 'L'}{x} {_y(end, low, high)}")
            last = end
    commands += ["h0.1"] if len(commands) == 1 else []  # a point alone would not be seen
    colour = _COLOURS[number % len(_COLOURS)]
    return f'<path d="{" ".join(commands)}" fill="none" stroke="{colour}" stroke-linecap="round"/>'


def _y(value: float, low: float, high: float) -> str:
    room = HEIGHT - _TOP - _BOTTOM
    with np.errstate(over="ignore"):
        # Halves, so that the difference of the largest numbers can be held.
        span = high / 2 - low / 2
        share = (value / 2 - low / 2) / span if span else 0.5
    return f"{HEIGHT - _BOTTOM - share * room:.1f}"

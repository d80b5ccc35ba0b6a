"""What some values of a field are like: how many are there, their bounds, and whether they tell anything."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bagmill.dataset.lists import densify
from bagmill.dataset.transforms.leaves import leaves, numbers, owners
from bagmill.dataset.values import Values

_MOST_COMPARED = 20_000
"""Elements that are compared one by one, at most, where they are lists of lists; more are taken to differ."""
_CLOCK_TOLERANCE = 0.02
_TICKS = (1.0, 1e3, 1e6, 1e9)
"""Units of clocks in a second."""
_CLOCKS = ("time", "stamp", "sec", "clock", "nanos", "uptime")
"""What the names of clocks have in them: something that moves may also grow by one each second."""


@dataclass(frozen=True)
class FieldStats:
    """Of some values of a field.

    Attributes:
        count: values that were looked at.
        missing: of them, those that are not there.
        nan_share: share of their numbers that are NaN or infinite; None without numbers.
        least, most: of the finite numbers.
        constant: all that are there are equal.
        distinct: how many texts, booleans or integers there are; None for others.
        lengths: least and most elements of a list.
        runs_on: `clock` where it grows as time does, `counter` where it grows by one with each message.
    """

    count: int
    missing: int
    nan_share: float | None = None
    least: float | int | None = None
    most: float | int | None = None
    constant: bool = False
    distinct: int | None = None
    lengths: tuple[int, int] | None = None
    runs_on: str | None = None

    @property
    def missing_share(self) -> float:
        """Share of messages without a value, 0 to 1."""
        return self.missing / self.count if self.count else 0.0


def field_stats(
    values: Values, log_time: npt.NDArray[np.int64], runs: list[int], name: str = ""
) -> FieldStats:
    """Look at the values of some messages.

    Args:
        values: one a message.
        log_time: of the messages, in ns.
        runs: how many messages follow each other without a gap, in order.
        name: of the field.
    """
    missing = int((~values.present).sum())
    facts: dict[str, Any] = {"lengths": _lengths(values), "constant": _is_constant(values)}
    if values.type.is_number:
        facts |= _bounds(values)
        facts["runs_on"] = _runs_on(values, log_time, runs, name.lower())
    if (values.type.is_number and not values.type.is_float) or values.type.is_text or values.type.is_bool:
        facts["distinct"] = len(pc.unique(_present_leaves(values)))
    return FieldStats(len(values), missing, **facts)


def _present_leaves(values: Values) -> pa.Array:
    there = values.present[owners(values)]
    found = leaves(values)
    return found if there.all() else found.filter(pa.array(there))


def _bounds(values: Values) -> dict[str, Any]:
    found = numbers(values)[values.present[owners(values)]]
    finite = found[np.isfinite(found)] if values.type.is_float else found
    bounds = {"least": finite.min().item(), "most": finite.max().item()} if finite.size else {}
    return {"nan_share": 1 - finite.size / found.size if found.size else 0.0, **bounds}


def _lengths(values: Values) -> tuple[int, int] | None:
    shape = values.type.shape
    if not shape:
        return None
    if shape[0] is not None:
        return shape[0], shape[0]
    found = pc.list_value_length(values.data).drop_null()
    if not len(found):
        return None
    bounds = pc.min_max(found)
    return bounds["min"].as_py(), bounds["max"].as_py()


def _is_constant(values: Values) -> bool:
    """Whether all values that are there are equal, NaN to NaN."""
    dense = values if values.type.is_dense else densify(values)
    if dense is not None:
        if not dense.present.any():
            return True
        rows = dense.data[dense.present].reshape(int(dense.present.sum()), -1)
        same = rows == rows[:1]
        if dense.type.is_float:
            same |= np.isnan(rows) & np.isnan(rows[:1])
        return bool(same.all())
    there = values.data.drop_null()
    if not values.type.shape:
        texts = there.field("data") if pa.types.is_struct(there.type) else there
        return len(texts.unique()) < 2
    if len(pc.unique(pc.list_value_length(there))) > 1 or len(leaves(values)) > _MOST_COMPARED:
        return False
    rows_ = there.to_pylist()
    return all(row == rows_[0] for row in rows_)


def _runs_on(values: Values, log_time: npt.NDArray[np.int64], runs: list[int], name: str) -> str | None:
    """Whether single numbers are a clock or a counter."""
    if values.type.shape or not values.present.all() or len(values) < 8:
        return None
    steps, times = _steps(values.data.astype(np.float64), runs), _steps(log_time.astype(np.float64), runs)
    if not steps.size or not np.isfinite(steps).all():
        return None
    if not values.type.is_float and bool((steps == 1).mean() > 0.95):
        return "counter"
    seconds = float(times.sum()) / 1e9
    if not any(part in name for part in _CLOCKS) or seconds <= 0 or not bool((steps >= 0).mean() > 0.95):
        return None
    slope = float(steps.sum()) / seconds
    is_clock = any(abs(slope / tick - 1) < _CLOCK_TOLERANCE for tick in _TICKS)
    return "clock" if is_clock and _grows_evenly(steps, times) else None


def _steps(numbers_: npt.NDArray[np.float64], runs: list[int]) -> npt.NDArray[np.float64]:
    """From each value to the next, within each run."""
    parts = np.split(numbers_, np.cumsum(runs)[:-1]) if runs else [numbers_]
    return np.concatenate([np.diff(part) for part in parts] or [np.zeros(0)])


def _grows_evenly(steps: npt.NDArray[np.float64], times: npt.NDArray[np.float64]) -> bool:
    """Whether at no time much more or less than the average is gained; something that moves is uneven."""
    gained, passed = np.cumsum(steps), np.cumsum(times)
    expected = passed * (gained[-1] / passed[-1])
    return bool(np.abs(gained - expected).max() < 0.05 * gained[-1])

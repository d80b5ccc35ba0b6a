"""Columns of a dataset: what is done with stored values once the statistics of all recordings are known."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from bagmill.dataset.fits import BySplit
from bagmill.dataset.plan import Rest, plan_rest
from bagmill.dataset.recordings import Recording
from bagmill.dataset.spec import Feature, Label, Spec
from bagmill.dataset.spec.transforms import Normalize
from bagmill.dataset.splits import fitted_split
from bagmill.dataset.statistics import Statistics, merged
from bagmill.dataset.transforms import Chain, Fit
from bagmill.dataset.values import Values, ValueType, fill
from bagmill.errors import DatasetInvalid
from bagmill.faults import Fault, token

_FITS = {"standard": ("mean", "std"), "range": ("min", "max")}


@dataclass(frozen=True, slots=True)
class Column:
    """A feature or label on its way from the extracted rows to the dataset.

    `nullable`: whether rows may have no value. `normalized`: the numbers of a fitted `normalize`, for JSON.
    """

    name: str
    pointer: str
    spec: Feature | Label
    stored: ValueType
    final: ValueType
    nullable: bool
    chain: Chain
    filler: Values | None
    normalized: Mapping[str, Any] | None

    @property
    def has_presence(self) -> bool:
        """Whether a column beside it tells which rows have a value of their own."""
        return isinstance(self.spec, Feature) and self.spec.presence

    def finish(self, stored: Values, pool: Executor | None) -> Values:
        """The values as they are in the dataset.

        Raises:
            DatasetInvalid: a transform refuses one, or leaves none where there must be one.
        """
        values = self.chain(stored, pool)
        if self.filler is not None:
            return fill(values, self.filler)
        if self.nullable or values.present.all():
            return values
        policy = self.spec.missing.policy
        detail = (
            f"Transforms after the fitted `normalize` leave a row without a value, which {policy!r} forbids."
        )
        fault = Fault(f"{self.pointer}/missing/policy", detail, "Put them before it, or use another policy.")
        raise DatasetInvalid(items=[fault])


def finished_columns(
    spec: Spec, recordings: Sequence[Recording], statistics: Mapping[str, BySplit]
) -> list[Column]:
    """The columns of a dataset, features first.

    Raises:
        SpecUnfit: what is left of the transforms does not take the stored values.
        DatasetInvalid: there are no statistics for a `normalize`, and `validation` does not let that pass.
    """
    columns, faults = [], []
    for kind, name, one in _all(spec):
        pointer = f"/{kind}{token(name)}"
        facts = recordings[0].extracted.facts.column(name)
        rest = plan_rest(one, pointer, ValueType.from_json(facts.type))
        found = statistics.get(name, {})
        if rest.fitted is not None and (fault := _unfitted(rest, found, fitted_split(spec.split))):
            faults.append(fault)
        columns.append(_column(name, one, rest, recordings, found.get(fitted_split(spec.split))))
    if faults and spec.validation.on_failure == "fail":
        raise DatasetInvalid(items=faults)
    return columns


def _all(spec: Spec) -> Iterator[tuple[str, str, Feature | Label]]:
    yield from (("features", name, one) for name, one in spec.features.items())
    yield from (("labels", name, one) for name, one in spec.labels.items())


def _unfitted(rest: Rest, found: BySplit, train: str) -> Fault | None:
    """Whether elements have values, but none in the split that they would be normalized by."""
    assert rest.fitted is not None
    shape = [size or 0 for size in rest.stored.shape]
    fit = merged([one for name, one in found.items() if name == train], shape)
    anywhere = merged(list(found.values()), shape)
    at = f"{rest.pointer}/transforms"
    if ((fit.count == 0) & (anywhere.count > 0)).any():
        detail = f"The split {train!r} has no values of it, so there is nothing to normalize by."
        return Fault(at, detail, "Give the numbers of `normalize`, or split in another way.")
    if rest.fitted.method == "standard" and not np.isfinite(fit.std).all():
        return Fault(
            at, "The values are too large to have a standard deviation.", "Scale or clamp them before."
        )
    return None


def _column(
    name: str,
    spec: Feature | Label,
    rest: Rest,
    recordings: Sequence[Recording],
    train: Statistics | None,
) -> Column:
    fit = None if rest.fitted is None else _fit(rest.fitted, train, rest.stored)
    nullable = rest.filler is None and (_lacks(name, recordings) or _may_lose(spec))
    return Column(
        name,
        rest.pointer,
        spec,
        rest.stored,
        rest.final,
        nullable,
        rest.chain(fit),
        rest.filler,
        None if fit is None else _numbers(rest.fitted, fit),
    )


def _fit(normalize: Normalize, train: Statistics | None, stored: ValueType) -> Fit:
    found = train or Statistics.none(stored.sizes)
    there = found.count > 0
    return {name: np.where(there, getattr(found, name), 0.0) for name in _FITS[normalize.method]}


def _numbers(normalize: Normalize | None, fit: Fit) -> Mapping[str, Any]:
    assert normalize is not None
    ends = {"low": normalize.low, "high": normalize.high} if normalize.method == "range" else {}
    return {"method": normalize.method, **{name: array.tolist() for name, array in fit.items()}, **ends}


def _lacks(name: str, recordings: Sequence[Recording]) -> bool:
    """Whether any row lacks a value."""
    facts = [(one.extracted.facts.rows, one.extracted.facts.column(name)) for one in recordings]
    return any(rows > column.present + column.filled for rows, column in facts)


def _may_lose(spec: Feature | Label) -> bool:
    """Whether a step after a fitted normalize may leave a row without a value that had one."""
    if isinstance(spec, Label) or spec.missing.policy in ("error", "drop_row"):
        return False
    places = [
        number for number, one in enumerate(spec.transforms) if isinstance(one, Normalize) and one.is_fitted
    ]
    return bool(places) and any(
        one.op in ("cast", "length", "one_hot", "multi_hot") for one in spec.transforms[places[0] :]
    )

"""What transforms are made of: one step on whole columns, and chains of them."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import get_args

from bagmill.dataset.spec.transforms import DType
from bagmill.dataset.values import Values, ValueType
from bagmill.errors import DatasetInvalid, SpecUnfit
from bagmill.faults import Fault

Run = Callable[[Values, Executor | None], Values]


@dataclass(frozen=True)
class Op:
    """One step. `type` is that of its results, `loss` says why a value may become a missing one."""

    type: ValueType
    run: Run
    loss: str = "no value came of it"


@dataclass
class Chain:
    """Steps one after another, from values of the type `source`.

    `losses` counts the values that steps have made missing, by the pointer of the step and the reason; it
    grows with each call. Calls from several threads at once are not foreseen.
    """

    source: ValueType
    ops: tuple[tuple[str, Op], ...] = ()
    losses: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def type(self) -> ValueType:
        """The type of the results."""
        return self.ops[-1][1].type if self.ops else self.source

    def __call__(self, values: Values, pool: Executor | None = None) -> Values:
        """Do all steps; images are worked on in the pool, where there is one.

        Raises:
            DatasetInvalid: a value is refused, as a step demands; `items` has the pointer.
        """
        for pointer, op in self.ops:
            before = int(values.present.sum())
            values = op.run(values, pool)
            if lost := before - int(values.present.sum()):
                self.losses[pointer, op.loss] += lost
        return values

    def extended(self, ops: Iterable[tuple[str, Op]]) -> "Chain":
        """The same with more steps."""
        return Chain(self.source, (*self.ops, *ops))


def sentence(text: str) -> str:
    """With a capital, unless it begins with the name of a type."""
    first = text.partition(" ")[0].partition("[")[0]
    return text if first in get_args(DType) else text[:1].upper() + text[1:]


def unfit(pointer: str, detail: str, hint: str | None = None) -> SpecUnfit:
    """What is wrong with a step, as is known before anything is read."""
    return SpecUnfit(items=[Fault(pointer, sentence(detail), hint)])


def refused(pointer: str, detail: str, hint: str | None = None) -> DatasetInvalid:
    """A value that a step does not take."""
    return DatasetInvalid(items=[Fault(pointer, sentence(detail), hint)])


def only(run: Callable[[Values], Values]) -> Run:
    """A step that needs no pool."""
    return lambda values, _: run(values)

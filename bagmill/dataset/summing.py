"""What is told of extracted rows: facts, warnings, statistics."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from bagmill import __version__
from bagmill.dataset.extracted import (
    Extracted,
    RowsFacts,
    SourceFacts,
    StatisticsFacts,
    WarnFacts,
)
from bagmill.dataset.fitting import Fitted
from bagmill.dataset.making import Making
from bagmill.dataset.plan import ColumnPlan
from bagmill.dataset.rows import grid_topics
from bagmill.dataset.series import Account, Reading
from bagmill.dataset.spec import Rate, spec_hash
from bagmill.dataset.splits import groups_of
from bagmill.dataset.statistics import MOST_ELEMENTS, Accumulator
from bagmill.dataset.values import Values
from bagmill.probe import shown
from bagmill.recording import Recording
from bagmill.report import Warn
from bagmill.writers.base import Part


def facts_of(
    source: Recording,
    output: Path,
    fitted: Fitted,
    reading: Reading,
    making: Making,
    parts: Sequence[Part],
) -> RowsFacts:
    """What is told of the rows that were written."""
    accounts = {topic: one.account for topic, one in sorted(reading.series.items())}
    losses = source.losses
    lost = sum(one.unreadable + one.timeless for one in accounts.values())
    warnings = [
        *(Warn("damaged", str(loss), {"offset": loss.offset}) for loss in losses),
        *_warnings(accounts, fitted),
        *making.warnings(),
    ]
    facts = RowsFacts(
        source=_source(source),
        spec_hash=spec_hash(fitted.spec),
        tool=__version__,
        rows=making.rows,
        candidates=making.candidates,
        bad=making.bad,
        columns=tuple(column.facts() for column in making.columns),
        episodes=tuple(making.counting.found),
        drops=dict(sorted(making.drops.items())),
        topics={topic: account.read for topic, account in accounts.items()},
        looks_ahead=tuple(column.plan.name for column in making.columns if column.looks_ahead),
        warnings=tuple(
            WarnFacts(code=one.code, message=one.message, where=dict(one.where)) for one in warnings
        ),
        complete=not lost and all(loss.harmless for loss in losses),
        files=tuple(part.path.relative_to(output).as_posix() for part in parts),
    )
    statistics = statistics_of(Extracted(output, facts), fitted)
    return facts.model_copy(update={"statistics": tuple(statistics)})


def _source(source: Recording) -> SourceFacts:
    summary, identity = source.summary, source.identity
    return SourceFacts(
        name=shown(source.path.name),
        size=identity.size,
        sha256=identity.sha256,
        start_ns=summary.start_time,
        end_ns=summary.end_time,
    )


def _warnings(accounts: Mapping[str, Account], fitted: Fitted) -> Iterator[Warn]:
    for topic, account in accounts.items():
        where = {"topic": topic}
        if not account.read:
            is_waited_for = isinstance(fitted.spec.rows, Rate) and topic in grid_topics(fitted.spec)
            ending = ", so the grid of rows never begins." if is_waited_for else "."
            yield Warn("no_messages", f"{topic} has no messages{ending}", where)
        if account.unreadable:
            yield Warn(
                "unreadable_messages",
                f"{account.unreadable} of {account.read} messages of {topic} are unreadable and left out"
                + (f"; the first: {account.first_reason}." if account.first_reason else "."),
                where,
            )
        if account.timeless:
            field = f" in `{fitted.spec.time.field}`" if fitted.times else ""
            text = f"{account.timeless} of {account.read} messages of {topic} have no usable time{field}."
            yield Warn("no_time", text, where)
    for read in fitted.reads:
        for note in read.decoder.notes:
            yield Warn(note.code, f"{read.table.key}: {note.message}.", {"topic": read.table.key})


def statistics_of(extracted: Extracted, fitted: Fitted) -> Iterator[StatisticsFacts]:
    """Statistics of the features with numbers, by group of rows; read back from the files, as the groups are
    known when all rows are.

    Big values, such as pixels, have some only if they are to be normalized by them.
    """
    plans = [plan for plan in fitted.plans if _has_statistics(plan)]
    facts = extracted.facts
    episodes = np.repeat([one.index for one in facts.episodes], [one.rows for one in facts.episodes])
    groups = groups_of(fitted.spec.split, facts.source.sha256, episodes.astype(np.int64))
    taken = {plan.name: Accumulator(plan.stored.sizes, len(groups.names)) for plan in plans}
    done = 0
    for batch in extracted.batches([plan.name for plan in plans]) if plans else ():
        group = groups.of[done : done + batch.num_rows]
        for plan in plans:
            values = Values.from_arrow(batch.column(plan.name), plan.stored)
            taken[plan.name].add(values.data, values.present, group)
        done += batch.num_rows
    for name, accumulator in taken.items():
        for group_name, found in zip(groups.names, accumulator.finish(), strict=True):
            yield StatisticsFacts(column=name, group=group_name, values=found.facts())


def _has_statistics(plan: ColumnPlan) -> bool:
    kind = plan.stored
    if plan.is_label or not kind.is_dense or kind.is_time:
        return False
    return plan.fitted is not None or kind.size <= MOST_ELEMENTS

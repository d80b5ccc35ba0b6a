"""What the manifest says about a Rerun recording: how each topic is shown, and what is missing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bagmill.options import VisualizeOptions
from bagmill.probe import shown
from bagmill.recording import Loss, Recording
from bagmill.report import OutputFile, Report, Warn
from bagmill.visualize.columns import Topic
from bagmill.visualize.plan import Part
from bagmill.visualize.shapes import Shown
from bagmill.visualize.tally import Tally

_MOST_LISTED = 100
"""Fields that are listed as not shown; a message may have thousands."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one table of messages came out. `topic` is None where the SDK's reader made the rows."""

    part: Part
    messages: int
    kind: Shown
    rows: int
    topic: Topic | None

    @classmethod
    def of(cls, part: Part, messages: int, tally: Tally, topic: Topic | None) -> "Outcome":
        """Count what a topic became."""
        if topic is None:
            return cls(part, messages, *tally.shown(part.entities), topic)
        kind = topic.shown if topic.messages else Shown.NOTHING
        rows = tally.rows_of(kind, topic.entities)
        if topic.unshaped and kind is not Shown.TEXT:
            rows += tally.rows_of(Shown.TEXT, topic.entities)
        return cls(part, messages, kind, rows, topic)

    @property
    def unreadable(self) -> int:
        """Messages that could not be decoded."""
        return 0 if self.topic is None else self.topic.unreadable

    @property
    def unshown(self) -> int:
        """Readable messages without a row; not known where a message may become several."""
        if self.topic is not None and self.topic.scattered:
            return 0
        return max(0, self.messages - self.unreadable - self.rows)

    def facts(self, skipped: int) -> dict[str, Any]:
        """What the manifest says of it."""
        schema = self.part.table.schema
        left_out = self.topic.left_out if self.topic else ()
        return {
            "topic": self.part.table.topic,
            "schema": schema.name if schema else None,
            "schema_encoding": schema.encoding if schema else None,
            "encoding": self.part.table.message_encoding,
            "shown": self.kind.value,
            "by": "rerun" if self.topic is None else "bagmill",
            "entity": self.part.entity,
            "rows": self.rows,
            "messages": {
                "read": self.messages,
                "written": self.messages - self.unreadable - self.unshown,
                "skipped": skipped,
                "unreadable": self.unreadable,
            },
            "not_shown": list(left_out[:_MOST_LISTED]),
        }

    def warnings(self) -> Iterator[Warn]:
        """What the user must know of it."""
        topic = self.topic
        if topic is None:
            return
        where = {"topic": self.part.key}
        reason = topic.decoder.raw_reason
        if topic.unreadable:
            yield Warn(
                "unreadable_messages",
                f"{topic.unreadable} of {self.messages} messages of {self.part.key} are unreadable; "
                f"the first: {topic.first_unreadable}.",
                where,
            )
        if self.unshown or topic.unshaped:
            yield Warn("unshown_messages", self._unshown_text(topic), where)
        if reason is not None and self.messages:
            yield Warn("kept_raw", f"{self.part.key} is kept as raw bytes: {reason.message}.", where)
        for note in topic.decoder.notes:
            yield Warn(note.code, f"{self.part.key}: {note.message}.", where)

    def _unshown_text(self, topic: Topic) -> str:
        if topic.unshaped:
            return f"Messages of {self.part.key} that don't fit are shown as text: {topic.unshaped}."
        return (
            f"{self.unshown} of {self.messages} messages of {self.part.key} hold nothing that can be shown."
        )


def account(outcomes: Sequence[Outcome], source: Recording, options: VisualizeOptions, path: str) -> Report:
    """Make the report of a run."""
    skipped = _skipped(source.losses)
    topics = {
        outcome.part.key: outcome.facts(skipped.pop(outcome.part.table.topic, 0)) for outcome in outcomes
    }
    read = sum(outcome.messages for outcome in outcomes)
    unreadable = sum(outcome.unreadable for outcome in outcomes)
    return Report(
        outputs=(OutputFile(path, rows=read - unreadable - sum(outcome.unshown for outcome in outcomes)),),
        warnings=(
            *(Warn("damaged", str(loss), {"offset": loss.offset}) for loss in source.losses),
            *(warn for outcome in outcomes for warn in outcome.warnings()),
        ),
        counters={"messages": read, "unreadable": unreadable, "topics": len(outcomes)},
        body={
            "source": {
                "name": shown(source.path.name),
                "size": source.identity.size,
                "sha256": source.identity.sha256,
            },
            "options": options.model_dump(mode="json")
            | {
                name: None if ns is None else str(ns)
                for name, ns in (("start_time", options.start_time), ("end_time", options.end_time))
            },
            "topics": topics,
            "losses": [loss.facts() for loss in source.losses],
        },
        complete=not unreadable and all(loss.harmless for loss in source.losses),
    )


def _skipped(losses: Sequence[Loss]) -> dict[str, int]:
    total: dict[str, int] = {}
    for loss in losses:
        for topic, count in loss.messages.items():
            total[topic] = total.get(topic, 0) + count
    return total

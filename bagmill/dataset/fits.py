"""Statistics of a dataset's columns: those of its recordings, merged for each split."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bagmill.dataset.recordings import Recording
from bagmill.dataset.spec import Split
from bagmill.dataset.splits import split_names
from bagmill.dataset.statistics import Statistics

BySplit = Mapping[str, Statistics]


def statistics_of(recordings: Sequence[Recording], split: Split | None) -> dict[str, BySplit]:
    """The statistics of each column that has any, for each split that has rows of it."""
    names = split_names(split)
    parts: dict[str, dict[int, list[Statistics]]] = defaultdict(lambda: defaultdict(list))
    for recording in recordings:
        for facts in recording.extracted.facts.statistics:
            number = _number(recording, facts.group, split)
            parts[facts.column][number].append(Statistics.from_facts(facts.values))
    return {
        column: {names[number]: Statistics.merge(found) for number, found in sorted(groups.items())}
        for column, groups in parts.items()
    }


def _number(recording: Recording, group: str, split: Split | None) -> int:
    """Which split a group of rows is in; see `bagmill.dataset.splits.groups_of`."""
    drawn = recording.split_of_episode
    if drawn is None:
        return 0 if split is None else list(split.fractions).index(group)
    if split is not None and split.by == "episode":
        return int(drawn[int(group)])
    return int(drawn[0]) if drawn.size else 0

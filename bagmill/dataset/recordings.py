"""The recordings of a dataset: their names in it, the splits of their rows, and how their rows count."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from bagmill.dataset.extracted import EpisodeFacts, Extracted
from bagmill.dataset.spec import Split
from bagmill.dataset.splits import draw, episode_key, split_names, splits_of_rows
from bagmill.probe import shown
from bagmill.report import Warn

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A recording that is not in the dataset, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording in a dataset.

    Attributes:
        name: its own among all of them.
        extracted: its rows.
        split_of_episode: for a split by recording or episode the number of the split of each episode;
            None where each row has its own, or there is no split.
        first_episode: the number of its first episode in the dataset.
        first_row: the number of its first row in the dataset.
    """

    name: str
    extracted: Extracted
    split_of_episode: Ints | None
    first_episode: int
    first_row: int

    @property
    def numbers_of_episodes(self) -> Ints:
        """The number in the dataset of each episode; those without rows have none of their own."""
        numbers = np.zeros(episode_numbers(self.extracted), np.int64)
        numbers[[episode.index for episode in with_rows(self.extracted)]] = 1
        return self.first_episode + np.cumsum(numbers) - numbers

    def splits(self, split: Split | None) -> Ints:
        """The number of the split of each row, for a split that each row has for itself, or for none."""
        facts = self.extracted.facts
        if split is None or split.by not in ("time", "random"):
            return np.zeros(facts.rows, np.int64)
        return splits_of_rows(split, facts.source.sha256, facts.rows)


def with_rows(extracted: Extracted) -> list[EpisodeFacts]:
    """The episodes that have rows."""
    return [episode for episode in extracted.facts.episodes if episode.rows]


def episode_numbers(extracted: Extracted) -> int:
    """One more than the number of the last episode, however many of them have rows."""
    return max((episode.index + 1 for episode in extracted.facts.episodes), default=0)


def arrange(names: Sequence[str], extracted: Sequence[Extracted], split: Split | None) -> list[Recording]:
    """Put recordings into a dataset, in the order given; `names` are paths, in any form."""
    drawn = _drawn(extracted, split)
    recordings = []
    episode = row = 0
    for name, one, splits in zip(distinct_names(names), extracted, drawn, strict=True):
        recordings.append(Recording(name, one, splits, episode, row))
        episode += len(with_rows(one))
        row += one.facts.rows
    return recordings


def _drawn(extracted: Sequence[Extracted], split: Split | None) -> Sequence[Ints | None]:
    if split is None or split.by in ("time", "random"):
        return [None] * len(extracted)
    counts = [episode_numbers(one) for one in extracted]
    identities = [one.facts.source.sha256 for one in extracted]
    if split.by == "recording":
        numbers = draw(split, identities)
        return [np.full(count, number) for count, number in zip(counts, numbers, strict=True)]
    keys = [
        episode_key(identity, episode.index)
        for identity, one in zip(identities, extracted, strict=True)
        for episode in with_rows(one)
    ]
    of_key = dict(zip(keys, draw(split, keys), strict=True))
    return [
        np.array([of_key.get(episode_key(identity, number), 0) for number in range(count)], np.int64)
        for identity, count in zip(identities, counts, strict=True)
    ]


def distinct_names(paths: Sequence[str]) -> list[str]:
    """The names of files, each with as many folders before it as tell it from the others.

    The same path twice gets a number. No name begins at the root of a machine's disk.
    """
    parts = {path: _parts(path) for path in paths}
    ends = Counter(one[-length:] for one in parts.values() for length in range(1, len(one)))
    names = {
        path: next((one[-length:] for length in range(1, len(one)) if ends[one[-length:]] == 1), one)
        for path, one in parts.items()
    }
    return list(_numbered([shown("/".join(names[path])) for path in paths]))


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in PurePath(path).parts if part != PurePath(path).anchor)


def _numbered(names: Sequence[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"


def warn_of_copies(recordings: Sequence[Recording]) -> Iterator[Warn]:
    """Tell of recordings that are equal: their rows count twice, and may train and test at once."""
    first: dict[str, str] = {}
    for recording in recordings:
        sha256 = recording.extracted.facts.source.sha256
        earlier = first.setdefault(sha256, recording.name)
        if earlier != recording.name:
            yield Warn(
                "duplicate_recording",
                f"{recording.name} is the same recording as {earlier}: all of its rows are there twice.",
                {"path": recording.name},
            )


def rows_of_splits(recordings: Sequence[Recording], split: Split | None) -> dict[str, int]:
    """How many rows each split has."""
    names = split_names(split)
    counts = np.zeros(len(names), np.int64)
    for recording in recordings:
        if recording.split_of_episode is None:
            counts += np.bincount(recording.splits(split), minlength=len(names))
        else:
            for episode in recording.extracted.facts.episodes:
                counts[recording.split_of_episode[episode.index]] += episode.rows
    return dict(zip(names, counts.tolist(), strict=True))

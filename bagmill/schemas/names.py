"""Names of columns: the message's own, unless readers would confuse them."""

from collections.abc import Collection, Sequence

OWN_COLUMNS = ("log_time", "publish_time", "log_time_ns", "sequence")
"""The columns that stand before the message's fields."""

RESERVED = frozenset({*OWN_COLUMNS, "topic"})
"""Names that a message's field can't have: our columns and the partition key of the folder."""


def distinct(names: Sequence[str], taken: Collection[str] = ()) -> list[str]:
    """Give each name that is empty, `taken` or equal to an earlier one but for case a trailing `_`.

    DuckDB ignores case: of two columns `x` and `X`, it would read the first for both.
    """
    used = {"", *(name.lower() for name in taken)}
    originals = {name.lower() for name in names}
    result = []
    for name in names:
        chosen = name
        if chosen.lower() in used:
            chosen += "_"
            while chosen.lower() in used | originals:
                chosen += "_"
        used.add(chosen.lower())
        result.append(chosen)
    return result

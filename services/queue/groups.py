"""Names in groups: which jobs a workflow has, or a worker. Groups of one member are many, and cheap."""

from collections.abc import Iterable, Iterator


class Groups:
    """Groups of names, in the order of their coming. A group without members is none."""

    def __init__(self) -> None:
        self._groups: dict[str, str | dict[str, None]] = {}

    def __contains__(self, group: str) -> bool:
        return group in self._groups

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def members(self, group: str) -> Iterable[str]:
        """The members of a group, maybe none."""
        found = self._groups.get(group, ())
        return (found,) if isinstance(found, str) else tuple(found)

    def add(self, group: str, member: str) -> None:
        """Put a member into a group."""
        found = self._groups.get(group)
        if found is None or found == member:
            self._groups[group] = member
        elif isinstance(found, str):
            self._groups[group] = {found: None, member: None}
        else:
            found[member] = None

    def remove(self, group: str, member: str) -> None:
        """Take a member out of a group. Raises KeyError if it is not in there."""
        found = self._groups[group]
        if isinstance(found, str):
            if found != member:
                raise KeyError(member)
            del self._groups[group]
            return
        del found[member]
        if not found:
            del self._groups[group]

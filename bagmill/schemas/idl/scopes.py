"""Which declaration a name means (OMG IDL 4.2, 7.5)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bagmill.schemas.idl.nodes import ConstDecl, Declaration, EnumDecl, Name, Path
from bagmill.schemas.idl.source import Source


@dataclass(slots=True)
class Scopes:
    """All declarations by path, and the names of enums' values, which stand beside their enum."""

    source: Source
    declared: dict[Path, Declaration] = field(default_factory=dict)
    conflicts: dict[Path, Declaration] = field(default_factory=dict)
    labels: dict[Path, list[EnumDecl]] = field(default_factory=dict)

    def add(self, found: Iterable[Declaration]) -> None:
        """Enter declarations. A name that stands for two different things may not be used."""
        for item in found:
            known = self.declared.setdefault(item.path, item)
            if known != item:
                self.conflicts[item.path] = item
            elif known is item and isinstance(item, EnumDecl):
                for label in item.labels:
                    self.labels.setdefault((*item.path, label.name), []).append(item)
                    self.labels.setdefault((*item.path[:-1], label.name), []).append(item)

    def add_missing(self, found: Iterable[Declaration]) -> None:
        """Enter those declarations whose names stand for nothing yet."""
        self.add([item for item in found if item.path not in self.declared])

    def only(self, item: Declaration) -> Declaration:
        """Return a declaration that is the only one of its name.

        Raises:
            SchemaInvalid: there is another one that says something else.
        """
        other = self.conflicts.get(item.path)
        if other is not None:
            raise self.source.invalid(
                other.at,
                f"{'::'.join(item.path)} is declared a second time, differently from "
                + self.source.place(item.at),
            )
        return item

    def find(self, name: Name, scope: Path) -> Declaration | None:
        """What a name means where it is used: the innermost scope that has it counts.

        Raises:
            SchemaInvalid: it means two things.
        """
        for path in _candidates(name, scope):
            if path in self.declared:
                return self.only(self.declared[path])
        return None

    def find_value(self, name: Name, scope: Path) -> ConstDecl | EnumDecl:
        """The constant that a name means, or the enum that has a value of that name.

        Raises:
            SchemaInvalid: there is none, or two enums beside each other have it.
        """
        written = "::".join(name.parts)
        for path in _candidates(name, scope):
            found = self.declared.get(path)
            if isinstance(found, ConstDecl):
                self.only(found)
                return found
            enums = self.labels.get(path, [])
            if len(enums) > 1:
                raise self.source.invalid(name.at, f"{written} is a name of two enums")
            if enums:
                return enums[0]
        raise self.source.invalid(name.at, f"there is no constant {written}")


def _candidates(name: Name, scope: Path) -> Iterator[Path]:
    """The paths that a name may mean, the innermost first."""
    for depth in range(0 if name.absolute else len(scope), -1, -1):
        yield (*scope[:depth], *name.parts)

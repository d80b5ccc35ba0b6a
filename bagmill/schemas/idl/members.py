"""What annotations say about types and their members (OMG DDS-XTypes 1.3, 7.3.1.2)."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bagmill.schemas.idl.constants import Constants
from bagmill.schemas.idl.nodes import (
    Annotation,
    Annotations,
    EnumDecl,
    Member,
    Name,
    Path,
    find_annotation,
)
from bagmill.schemas.tree import Extensibility, Kind

MAX_ID = 0x0FFFFFFF
"""The greatest id that a member can have: ids have 28 bits in the bytes of mutable types."""

_EXTENSIBILITIES = {
    "FINAL": Extensibility.FINAL,
    "APPENDABLE": Extensibility.APPENDABLE,
    "EXTENSIBLE": Extensibility.APPENDABLE,  # its name before XTypes 1.2
    "MUTABLE": Extensibility.MUTABLE,
}
_SIGNED = (Kind.INT8, Kind.INT16, Kind.INT32)
_UNSIGNED = (Kind.UINT8, Kind.UINT16, Kind.UINT32, Kind.UINT64)


@dataclass(frozen=True, slots=True)
class Annotated:
    """Reads annotations whose arguments are constant expressions."""

    constants: Constants

    def extensibility(self, annotations: Annotations, default: Extensibility) -> Extensibility:
        """How a type may change: `@final`, `@appendable`, `@mutable` or `@extensibility(...)`."""
        found = find_annotation(annotations, "final", "appendable", "mutable", "extensibility")
        if found is None:
            return default
        if found.name != "extensibility":
            return Extensibility(found.name)
        return _EXTENSIBILITIES[self.word(found, _EXTENSIBILITIES)]

    def word(self, annotation: Annotation, allowed: Iterable[str]) -> str:
        """The name that is an annotation's argument, as `FINAL` in `@extensibility(FINAL)`."""
        items = annotation.argument.items if annotation.argument else ()
        word = items[0].parts[-1].upper() if len(items) == 1 and isinstance(items[0], Name) else ""
        word = word.removesuffix("_EXTENSIBILITY")
        if word not in allowed:
            raise self.constants.scopes.source.invalid(
                annotation.at, f"@{annotation.name} needs one of {', '.join(allowed)}"
            )
        return word

    def flag(self, annotations: Annotations, name: str, scope: Path) -> bool:
        """Whether there is `@name` or `@name(TRUE)`."""
        found = find_annotation(annotations, name)
        if found is None or found.argument is None:
            return found is not None
        return bool(self.constants.integer(found.argument, scope, range(2)))

    def holder(self, item: EnumDecl) -> Kind:
        """The integer that an enum (signed) or a bitmask (unsigned) is stored in: see `@bit_bound`."""
        kinds = _UNSIGNED if item.bits else _SIGNED
        found = find_annotation(item.annotations, "bit_bound")
        bits = 32
        if found and found.argument:
            most = 64 if item.bits else 32
            bits = self.constants.integer(found.argument, item.path, range(1, most + 1))
        return smallest(kinds, bits)

    def ids(
        self, members: Iterable[Member], annotations: Annotations, scope: Path, inherited: Mapping[int, str]
    ) -> Iterator[int]:
        """The members' ids (7.3.1.2.1.1): their own, a hash, or counted on from the member before.

        `inherited`: the ids that are taken, by whom, and the one to count on from last.
        """
        autoid = find_annotation(annotations, "autoid")
        hashed = autoid is not None and (
            autoid.argument is None or self.word(autoid, ("SEQUENTIAL", "HASH")) == "HASH"
        )
        taken = dict(inherited)
        following = max(list(taken)[-1:], default=-1) + 1
        for member in members:
            number = self._own_id(member, scope)
            if number is None:
                number = _hash(member.name) if hashed else following
            if number in taken:
                raise self.constants.scopes.source.invalid(
                    member.at, f"{member.name} has the id {number}, as {taken[number]} has"
                )
            taken[number] = member.name
            following = number + 1
            yield number

    def _own_id(self, member: Member, scope: Path) -> int | None:
        found = find_annotation(member.annotations, "id", "hashid")
        if found is None:
            return None
        if found.name == "hashid":
            text = self.constants.value(found.argument, scope) if found.argument else ""
            return _hash(str(text or member.name))
        if found.argument is None:
            raise self.constants.scopes.source.invalid(found.at, "@id needs a number")
        return self.constants.integer(found.argument, scope, range(MAX_ID + 1))


def smallest(kinds: Iterable[Kind], bits: int) -> Kind:
    """The first of some integers that has at least as many bits."""
    return next(kind for kind in kinds if int(kind.removeprefix("u").removeprefix("int")) >= bits)


def _hash(name: str) -> int:
    digest = hashlib.md5(name.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4], "little") & MAX_ID

"""The values of constant expressions (OMG IDL 4.2, 7.4.1.4.3)."""

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from bagmill.errors import SchemaInvalid
from bagmill.schemas.idl.nodes import (
    ConstDecl,
    EnumDecl,
    Expression,
    Name,
    Operator,
    Path,
    Scalar,
    Text,
    TypedefDecl,
    TypeSpec,
    find_annotation,
)
from bagmill.schemas.idl.scopes import Scopes
from bagmill.schemas.tree import MAX_DEPTH, ConstantValue, Kind

INTEGERS = {
    kind: range(-(2 ** (bits - 1)) if signed else 0, 2 ** (bits - signed))
    for kind, bits, signed in (
        (Kind.INT8, 8, True),
        (Kind.UINT8, 8, False),
        (Kind.INT16, 16, True),
        (Kind.UINT16, 16, False),
        (Kind.INT32, 32, True),
        (Kind.UINT32, 32, False),
        (Kind.INT64, 64, True),
        (Kind.UINT64, 64, False),
    )
}
"""What each kind of integer can hold."""

_ANY = range(-(2**63), 2**64)
"""What values may become on the way to the result; it bounds the memory that expressions ask for."""
_FLOATS = (Kind.FLOAT32, Kind.FLOAT64)
_VALUES = {Kind.BOOL: bool, Kind.STRING: str, Kind.WSTRING: str, **dict.fromkeys(_FLOATS, float)}
MAX_SIZE = 2**32 - 1
"""The most elements that CDR can count."""


def _divide(left: float, right: float) -> float:
    """As in C: of integers, towards zero."""
    if isinstance(left, int) and isinstance(right, int):
        return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return left / right


def _remainder(left: int, right: int) -> int:
    return abs(left) % abs(right) * (-1 if left < 0 else 1)


def _shift_left(left: int, right: int) -> int:
    if right not in range(64):
        raise ValueError("shifts are by 0 to 63 bits")
    return left << right


def _shift_right(left: int, right: int) -> int:
    if right not in range(64):
        raise ValueError("shifts are by 0 to 63 bits")
    return left >> right


_ARITHMETIC: dict[tuple[str, int], Callable[..., float]] = {
    ("+", 1): operator.pos,
    ("-", 1): operator.neg,
    ("+", 2): operator.add,
    ("-", 2): operator.sub,
    ("*", 2): operator.mul,
    ("/", 2): _divide,
}
_BITWISE: dict[tuple[str, int], Callable[..., int]] = {
    ("~", 1): operator.invert,
    ("%", 2): _remainder,
    ("|", 2): operator.or_,
    ("^", 2): operator.xor,
    ("&", 2): operator.and_,
    ("<<", 2): _shift_left,
    (">>", 2): _shift_right,
}


@dataclass(slots=True)
class Constants:
    """Evaluates expressions; each constant and each enum once."""

    scopes: Scopes
    known: dict[Path, ConstantValue] = field(default_factory=dict)
    broken: dict[Path, SchemaInvalid] = field(default_factory=dict)
    enums: dict[Path, dict[str, int]] = field(default_factory=dict)
    open: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        # In the order of the text, so that a long chain of constants is no deep recursion.
        for item in self.scopes.declared.values():
            if isinstance(item, ConstDecl):
                with suppress(SchemaInvalid):
                    self.constant(item)

    def size(self, expression: Expression, scope: Path) -> int:
        """A positive number of elements or characters."""
        return self.integer(expression, scope, range(1, MAX_SIZE + 1))

    def integer(
        self, expression: Expression, scope: Path, allowed: range, enum: EnumDecl | None = None
    ) -> int:
        """An integer in a range; truth values count as 0 and 1, names of `enum` as their values.

        Raises:
            SchemaInvalid: it is no integer or out of range.
        """
        value = self.value(expression, scope, enum)
        if not isinstance(value, int) or value not in allowed:
            raise self.scopes.source.invalid(
                expression.start, f"{value!r} is no integer from {allowed[0]} to {allowed[-1]}"
            )
        return int(value)

    def value(self, expression: Expression, scope: Path, enum: EnumDecl | None = None) -> ConstantValue:
        """The value of an expression.

        Raises:
            SchemaInvalid: a name in it is unknown, or its operands have the wrong types or are too big.
        """
        stack: list[ConstantValue] = []
        for item in expression.items:
            if isinstance(item, Operator):
                operands = stack[-item.operands :]
                del stack[-item.operands :]
                stack.append(self._apply(item, operands))
            else:
                stack.append(self._named(item, scope, enum) if isinstance(item, Name) else item)
        return stack[0]

    def _apply(self, item: Operator, operands: list[ConstantValue]) -> ConstantValue:
        key = (item.sign, item.operands)
        kinds = {type(operand) for operand in operands}
        if not kinds <= ({int} if key in _BITWISE else {int, float}):
            raise self.scopes.source.invalid(item.at, f"{item.sign!r} does not go with {operands[-1]!r}")
        try:
            result = (_BITWISE.get(key) or _ARITHMETIC[key])(*operands)
        except ZeroDivisionError:
            raise self.scopes.source.invalid(item.at, "a division by zero") from None
        except ValueError as error:
            raise self.scopes.source.invalid(item.at, str(error)) from None
        if isinstance(result, int) and result not in _ANY:
            raise self.scopes.source.invalid(item.at, "the result has more than 64 bits")
        return result

    def _named(self, name: Name, scope: Path, enum: EnumDecl | None) -> ConstantValue:
        if enum is not None and len(name.parts) == 1 and name.parts[0] in (values := self.labels(enum)):
            return values[name.parts[0]]
        found = self.scopes.find_value(name, scope)
        return self.constant(found) if isinstance(found, ConstDecl) else self.labels(found)[name.parts[-1]]

    def constant(self, item: ConstDecl) -> ConstantValue:
        """The value of a constant, of the type that it is declared with.

        Raises:
            SchemaInvalid: the expression has no value, or one that the type can't hold.
        """
        if item.path not in self.known:
            with self._entered(item):
                self.known[item.path] = self._fit(self.value(item.value, item.path[:-1]), item)
        return self.known[item.path]

    def labels(self, item: EnumDecl) -> dict[str, int]:
        """The values of an enum's names, or the flags of a bitmask's.

        Raises:
            SchemaInvalid: a name stands twice, or a value is no integer or too big.
        """
        if item.path not in self.enums:
            with self._entered(item):
                self.enums[item.path] = self._number(item)
        return self.enums[item.path]

    def _number(self, item: EnumDecl) -> dict[str, int]:
        """Each name counts on from the one before, unless it says its own number."""
        found: dict[str, int] = {}
        allowed, number = (range(64) if item.bits else INTEGERS[Kind.INT32]), -1
        for label in item.labels:
            if label.name in found:
                raise self.scopes.source.invalid(label.at, f"{label.name} stands twice")
            own = find_annotation(label.annotations, "position" if item.bits else "value")
            written = own.argument if own else None
            number = self.integer(written, item.path, allowed) if written else number + 1
            if number not in allowed:
                raise self.scopes.source.invalid(label.at, f"{label.name} gets a number that is too big")
            found[label.name] = 1 << number if item.bits else number
        return found

    @contextmanager
    def _entered(self, item: ConstDecl | EnumDecl) -> Iterator[None]:
        """Work on what depends on others; if it fails, it fails at once the next time."""
        path, source = item.path, self.scopes.source
        if path in self.broken:
            raise self.broken[path].with_traceback(None)
        if path in self.open:
            raise source.invalid(item.at, f"{path[-1]} is defined by itself")
        if len(self.open) >= MAX_DEPTH:
            raise source.invalid(item.at, f"{path[-1]} depends on constants over more than {MAX_DEPTH} steps")
        self.open.append(path)
        try:
            yield
        except SchemaInvalid as error:
            self.broken[path] = error
            raise
        finally:
            self.open.pop()

    def kind(self, spec: TypeSpec, scope: Path) -> Kind | None:
        """The kind of a constant's type; None where it is one that has none, or is unknown."""
        for _ in range(MAX_DEPTH):
            if isinstance(spec, Scalar | Text):
                return spec.kind
            found = self.scopes.find(spec, scope) if isinstance(spec, Name) else None
            if not isinstance(found, TypedefDecl):
                return Kind.INT32 if isinstance(found, EnumDecl) and not found.bits else None
            spec, scope = found.spec, found.path[:-1]
        return None

    def _fit(self, value: ConstantValue, item: ConstDecl) -> ConstantValue:
        kind = self.kind(item.spec, item.path[:-1])
        if kind in _FLOATS and type(value) is int:
            return float(value)
        if kind in INTEGERS and type(value) is int:
            if value < 0 and INTEGERS[kind][0] == 0 and _turns_bits(item.value):
                value &= INTEGERS[kind][-1]
            fits = value in INTEGERS[kind]
        else:
            fits = kind is None or type(value) is _VALUES.get(kind)
        if not fits:
            raise self.scopes.source.invalid(item.value.start, f"{value!r} is no value of {item.path[-1]}")
        return value


def _turns_bits(expression: Expression) -> bool:
    """Whether `~` is in it: what it makes of an unsigned number is below 0, and in IDL all other bits."""
    return any(isinstance(item, Operator) and item.sign == "~" for item in expression.items)

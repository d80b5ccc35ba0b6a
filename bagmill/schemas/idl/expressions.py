"""Constant expressions (OMG IDL 4.2, 7.4.1.4.3) and annotations (8.2), as they are written."""

from bagmill.schemas.idl.lexer import unquote
from bagmill.schemas.idl.nodes import Annotation, Annotations, Expression, Name, Operator
from bagmill.schemas.idl.stream import Stream
from bagmill.schemas.tree import ConstantValue

_READ = frozenset(
    {
        "appendable",
        "autoid",
        "bit_bound",
        "extensibility",
        "final",
        "hashid",
        "id",
        "mutable",
        "non_serialized",
        "optional",
        "position",
        "value",
    }
)
"""The annotations that change a message's bytes or what its integers are called."""

_STRENGTH = {"|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
_UNARY_STRENGTH = 7
_MOST_DIGITS = 30
"""More than a number of 64 bits has, in any base."""

Waiting = list[Operator | None]
"""Operators whose right operand is not complete; None for an open bracket."""
Items = list[ConstantValue | Name | Operator]


def read_expression(stream: Stream, *, in_angles: bool = False) -> Expression:
    """Read an expression, without recursion however deep its brackets are.

    `in_angles`: `>` ends it, and `>>` is a shift only in brackets, for in `sequence<string<5>>` it ends two
    types.

    Raises:
        SchemaInvalid: there is none, or a bracket is not closed.
    """
    start = stream.next.at
    items: Items = []
    waiting: Waiting = []
    brackets = 0
    while True:
        brackets += _read_operand(stream, items, waiting)
        while brackets and stream.accept(")"):
            brackets -= 1
            _unwind(items, waiting, 0)
            waiting.pop()
        operator = _read_binary(stream, right_shifts=not in_angles or brackets > 0)
        if operator is None:
            break
        _unwind(items, waiting, _STRENGTH[operator.sign])
        waiting.append(operator)
    _unwind(items, waiting, 0)
    if brackets:
        raise stream.unexpected("')'")
    return Expression(tuple(items), start, stream.last_end)


def _unwind(items: Items, waiting: Waiting, strength: int) -> None:
    """Complete the operators that bind at least as strongly, up to the last open bracket."""
    while waiting and (last := waiting[-1]) is not None:
        if (_STRENGTH[last.sign] if last.operands == 2 else _UNARY_STRENGTH) < strength:
            break
        waiting.pop()
        items.append(last)


def _read_operand(stream: Stream, items: Items, waiting: Waiting) -> int:
    """Read a value and what stands before it; the number of brackets that open there."""
    opened = 0
    while stream.next.text in ("(", "-", "+", "~"):
        token = stream.take()
        opened += token.text == "("
        waiting.append(None if token.text == "(" else Operator(token.text, 1, token.at))
    items.append(_read_value(stream))
    return opened


def _read_binary(stream: Stream, *, right_shifts: bool) -> Operator | None:
    token, after = stream.next, stream.second
    if token.text == ">" and not right_shifts:
        return None
    if token.text in _STRENGTH:
        stream.take()
        return Operator(token.text, 2, token.at)
    if token.text in ("<", ">") and after.text == token.text and after.at == token.at + 1:
        stream.take()
        stream.take()
        return Operator(token.text * 2, 2, token.at)
    return None


def _read_value(stream: Stream) -> ConstantValue | Name:
    token = stream.next
    match token.kind:
        case "string":
            return _read_string(stream)
        case "char":
            return ord(unquote(stream.take()))
        case "float":
            return float(stream.take().text.rstrip("fFdDlL"))
        case "int":
            return _read_int(stream)
        case "name" if token.text in ("TRUE", "FALSE"):
            return stream.take().text == "TRUE"
        case _ if token.kind == "name" or token.text == "::":
            return stream.name("a constant")
    raise stream.unexpected("a value")


def _read_string(stream: Stream) -> str:
    """String literals that follow each other are one (7.2.6.3)."""
    parts = []
    while stream.next.kind == "string":
        parts.append(unquote(stream.take()))
    return "".join(parts)


def _read_int(stream: Stream) -> int:
    token = stream.take()
    base = 16 if token.text[:2] in ("0x", "0X") else 8 if token.text[0] == "0" else 10
    if len(token.text) > _MOST_DIGITS:
        raise stream.source.invalid(token.at, "a number of more than 64 bits")
    try:
        return int(token.text, base)
    except ValueError:
        raise stream.source.invalid(token.at, f"{token.text} is no octal number") from None


def read_annotations(stream: Stream) -> Annotations:
    """Read all annotations that stand here; those that mean nothing to us are passed over."""
    found = []
    while stream.next.text == "@":
        at = stream.take().at
        # In `@key ::T member` the name of the type does not go with that of the annotation.
        name = stream.name("the name of an annotation", close=True).parts[-1].lower()
        if name == "annotation" and stream.next.kind == "name":
            _pass_declaration(stream)
        elif name in _READ:
            found.append(Annotation(name, _read_arguments(stream), at))
        elif stream.next.text == "(":
            stream.skip_group()
    return tuple(found)


def _pass_declaration(stream: Stream) -> None:
    """`@annotation name { ... }`, which declares one."""
    stream.take()
    stream.skip_group()


def _read_arguments(stream: Stream) -> tuple[tuple[str, Expression], ...]:
    if not stream.accept("("):
        return ()
    found = []
    while not stream.accept(")"):
        key = ""
        if stream.second.text == "=":
            key = stream.identifier("the name of an argument").text.lower()
            stream.expect("=")
        found.append((key, read_expression(stream)))
        if stream.next.text != ")":
            stream.expect(",")
    return tuple(found)

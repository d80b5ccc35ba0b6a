"""Types as they are written in IDL (OMG IDL 4.2, 7.4.1.4.4 and 7.4.13)."""

from bagmill.schemas.idl.expressions import read_annotations, read_expression
from bagmill.schemas.idl.lexer import Token
from bagmill.schemas.idl.nodes import (
    Expression,
    MapOf,
    Scalar,
    SequenceOf,
    Text,
    TypeSpec,
    Undecodable,
)
from bagmill.schemas.idl.stream import Stream
from bagmill.schemas.tree import MAX_DEPTH, Kind

_SCALARS = {
    "boolean": Kind.BOOL,
    "octet": Kind.UINT8,
    "char": Kind.UINT8,
    "float": Kind.FLOAT32,
    "double": Kind.FLOAT64,
    "short": Kind.INT16,
    **{kind.value: kind for kind in Kind if "int" in kind.value},
}
_UNSIGNED = {Kind.INT16: Kind.UINT16, Kind.INT32: Kind.UINT32, Kind.INT64: Kind.UINT64}
_UNDECODABLE = {
    "wchar": "wchar takes 2 bytes with some writers and 4 with others, and messages do not tell",
    "long double": "long double has no column type",
    "fixed": "fixed has no column type",
    "any": "any has a type of its own in every message",
    "Object": "references to objects are no data",
    "ValueBase": "references to objects are no data",
}


def read_type(stream: Stream, depth: int = 0) -> TypeSpec:
    """Read a type that is not defined on the spot.

    Raises:
        SchemaInvalid: there is none.
        SchemaUnsupported: it is nested too deep.
    """
    if depth > MAX_DEPTH:
        raise stream.source.unsupported(stream.next.at, f"types more than {MAX_DEPTH} levels deep")
    read_annotations(stream)
    token = stream.next
    if token.kind != "name" and token.text != "::":
        raise stream.unexpected("a type")
    match token.text:
        case "sequence":
            return _read_sequence(stream, depth)
        case "map":
            return _read_map(stream, depth)
        case "string" | "wstring":
            return _read_text(stream)
        case "long" | "unsigned":
            return _read_long(stream)
        case word if word in _SCALARS:
            return Scalar(_SCALARS[stream.take().text])
        case word if word in _UNDECODABLE:
            return _read_undecodable(stream)
    return stream.name("a type")


def _read_text(stream: Stream) -> Text:
    kind = Kind(stream.take().text)
    bound = None
    if stream.accept("<"):
        bound = read_expression(stream, in_angles=True)
        stream.expect(">")
    return Text(kind, bound)


def _read_sequence(stream: Stream, depth: int) -> SequenceOf:
    at = stream.take().at
    stream.expect("<")
    element = read_type(stream, depth + 1)
    return SequenceOf(element, _read_bound(stream), at)


def _read_map(stream: Stream, depth: int) -> MapOf:
    at = stream.take().at
    stream.expect("<")
    key = read_type(stream, depth + 1)
    stream.expect(",")
    value = read_type(stream, depth + 1)
    return MapOf(key, value, _read_bound(stream), at)


def _read_bound(stream: Stream) -> Expression | None:
    """The optional `, bound` and the `>`."""
    bound = read_expression(stream, in_angles=True) if stream.accept(",") else None
    stream.expect(">")
    return bound


def _read_long(stream: Stream) -> Scalar | Undecodable:
    """`long`, `long long`, `long double`, and `unsigned` before `short`, `long` or `long long`."""
    unsigned = stream.accept("unsigned")
    word = stream.next
    if word.text == "short":
        stream.take()
        kind = Kind.INT16
    else:
        stream.expect("long")
        if not unsigned and stream.next.text == "double":
            stream.take()
            return Undecodable(_UNDECODABLE["long double"], word.at)
        kind = Kind.INT64 if stream.accept("long") else Kind.INT32
    return Scalar(_UNSIGNED[kind] if unsigned else kind)


def _read_undecodable(stream: Stream) -> Undecodable:
    token: Token = stream.take()
    if token.text == "fixed" and stream.accept("<"):
        read_expression(stream, in_angles=True)
        stream.expect(",")
        read_expression(stream, in_angles=True)
        stream.expect(">")
    return Undecodable(_UNDECODABLE[token.text], token.at)

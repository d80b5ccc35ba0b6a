"""The words of IDL (OMG IDL 4.2, 7.2): names, literals and signs; comments and directives fall away."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from bagmill.schemas.idl.source import Source

# Possessive and lazy repetitions only: no text makes the search go back and forth.
_TOKEN = re.compile(
    r"""
      (?P<skip>   ^[ \t]*\#(?:\\\r?\n|[^\n])*+ | [ \t\f\v\r]++ | \n | //[^\n]*+ | /\*.*?\*/ )
    | (?P<string> L?"(?:[^"\\]++|\\.)*+" )
    | (?P<char>   L?'(?:\\(?:x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|[0-7]{1,3}|[^\n])|[^'\\\n])' )
    | (?P<name>   [A-Za-z_]\w*+ )
    | (?P<float>  (?:\d++\.\d*+|\.\d++)(?:[eE][+-]?\d++)?[fFdDlL]? | \d++[eE][+-]?\d++[fFdDlL]? )
    | (?P<int>    0[xX][0-9A-Fa-f]++ | \d++ )
    | (?P<sign>   :: | [{}()\[\]<>;:,=+\-*%|&^~@] | /(?!\*) )
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL | re.ASCII,
)


class Token(NamedTuple):
    """`kind`: `string`, `char`, `name`, `float`, `int`, `sign`, or `end` behind the last one."""

    kind: str
    text: str
    at: int


def tokens(source: Source, start: int, end: int) -> Iterator[Token]:
    """The words between two offsets, in linear time.

    Directives (`#include`, `#pragma`, `#ifndef`, ...) are passed over: a recorded schema is complete.

    Raises:
        SchemaInvalid: there is something that is no word of IDL, or a comment or a string does not end.
    """
    at = start
    while at < end:
        found = _TOKEN.match(source.text, at, end)
        if found is None:
            raise source.invalid(at, f"{_glimpse(source, at, end)!r} is no word of IDL, or does not end")
        assert found.lastgroup is not None
        if found.lastgroup != "skip":
            yield Token(found.lastgroup, found.group(), at)
        at = found.end()
    yield Token("end", "", end)


def _glimpse(source: Source, at: int, end: int) -> str:
    return source.text[at : min(at + 20, end)].partition("\n")[0]


_ESCAPES = {"n": 10, "t": 9, "v": 11, "b": 8, "r": 13, "f": 12, "a": 7}
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|([0-7]{1,3})|(.))", re.DOTALL)


def unquote(token: Token) -> str:
    """What a `string` or `char` token says, its escapes resolved (OMG IDL 4.2, 7.2.6.2)."""
    return _ESCAPE.sub(_character, token.text.removeprefix("L")[1:-1])


def _character(found: re.Match[str]) -> str:
    hexadecimal, wide, octal, other = found.groups()
    if other is not None:
        return chr(_ESCAPES.get(other, ord(other)))
    return chr(int(octal, 8) if octal else int(hexadecimal or wide, 16))

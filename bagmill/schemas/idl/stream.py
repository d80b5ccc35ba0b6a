"""Reading tokens one after the other: names and what stands in brackets."""

from bagmill.errors import SchemaInvalid
from bagmill.schemas.idl.lexer import Token, tokens
from bagmill.schemas.idl.nodes import Name
from bagmill.schemas.idl.source import Source

_CLOSING = {"(": ")", "[": "]", "{": "}"}


class Stream:
    """The tokens of one piece of text, of which two are known ahead.

    Raises:
        SchemaInvalid: from any method, where the text is not what the method reads.
    """

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source = source
        self._rest = tokens(source, start, end)
        self.next = next(self._rest)
        """The token that comes next; at the end again and again the `end`."""
        self.second = next(self._rest, self.next)
        """The token behind the next one."""
        self.last_end = start
        """Where the token that was taken last ends."""

    def take(self) -> Token:
        """Pass over the next token."""
        token = self.next
        if token.kind != "end":
            self.next, self.second = self.second, next(self._rest, self.second)
            self.last_end = token.at + len(token.text)
        return token

    def accept(self, text: str) -> bool:
        """Pass over the next token if it is this sign or keyword."""
        if self.next.text != text:
            return False
        self.take()
        return True

    def expect(self, text: str) -> None:
        """Pass over this sign or keyword."""
        if not self.accept(text):
            raise self.unexpected(repr(text))

    def unexpected(self, wanted: str) -> SchemaInvalid:
        """The error to raise for the next token."""
        found = repr(self.next.text[:40]) if self.next.kind != "end" else "the end"
        return self.source.invalid(self.next.at, f"expected {wanted} but found {found}")

    def identifier(self, what: str) -> Token:
        """A name that is declared here. A leading `_` only says that it is no keyword (7.2.3.2).

        Keywords are names too where only a name can stand: ROS has fields that are called `sequence`.
        """
        if self.next.kind != "name":
            raise self.unexpected(what)
        token = self.take()
        return token._replace(text=token.text.removeprefix("_") or token.text)

    def name(self, what: str, *, close: bool = False) -> Name:
        """A scoped name that is used here. `close`: its parts stand without space between them."""
        at, absolute = self.next.at, self.accept("::")
        parts = [self.identifier(what).text]
        while not (close and self.next.at > self.last_end) and self.accept("::"):
            parts.append(self.identifier(what).text)
        return Name(tuple(parts), absolute, at)

    def skip_group(self) -> None:
        """Pass over what stands in brackets, the brackets included."""
        waiting = [self._closing()]
        while waiting:
            if self.next.text == waiting[-1]:
                self.take()
                waiting.pop()
            elif self.next.text in _CLOSING:
                waiting.append(self._closing())
            elif self.take().kind == "end":
                raise self.unexpected(repr(waiting[-1]))

    def _closing(self) -> str:
        if self.next.text not in _CLOSING:
            raise self.unexpected("a bracket")
        return _CLOSING[self.take().text]

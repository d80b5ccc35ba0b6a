"""The text of a schema, and errors that say where in it something is wrong."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from bagmill.errors import SchemaInvalid, SchemaUnsupported

_MOST = 300
"""Characters of a message: names in it may be as long as the text."""


@dataclass(frozen=True)
class Source:
    """A schema's text. `at` is an offset into it, everywhere in this package."""

    schema: str
    text: str

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        for line in self.text.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        return starts

    def place(self, at: int) -> str:
        """Where `at` is, for people: lines and columns count from 1."""
        line = bisect_right(self._line_starts, at)
        return f"line {line}, column {at - self._line_starts[line - 1] + 1} of {self.schema}"

    def invalid(self, at: int, what: str) -> SchemaInvalid:
        """The error to raise where the text breaks the rules of IDL."""
        return SchemaInvalid(self._message(at, what), where={"schema": self.schema})

    def unsupported(self, at: int, what: str) -> SchemaUnsupported:
        """The error to raise where the text is right but no table can be made of it."""
        return SchemaUnsupported(self._message(at, what), where={"schema": self.schema})

    def _message(self, at: int, what: str) -> str:
        cut = what if len(what) <= _MOST else f"{what[:_MOST]}..."
        return f"{self.place(at)}: {cut}"

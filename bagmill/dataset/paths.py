"""Fields of decoded messages by path: their type, and their values in a batch of messages."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from bagmill.dataset import lists
from bagmill.dataset.leaftypes import leaf_type, read_leaf, type_text
from bagmill.dataset.pathtext import Index, Name, Slice, Step, parse_path, quoted, step_text
from bagmill.dataset.values import Values, ValueType
from bagmill.errors import SpecUnfit
from bagmill.faults import Fault
from bagmill.suggestions import did_you_mean

Read = Callable[[pa.Array], Values]
_MOST_PATHS = 200
_DEEPEST = 6


@dataclass(frozen=True)
class Access:
    """A field of a topic's messages.

    `columns`: the top-level columns that it is read from. `leaf`: the Arrow field at the end of the path.
    """

    type: ValueType
    columns: tuple[str, ...]
    leaf: pa.Field
    _read: Read

    @property
    def column(self) -> str:
        """The first of the columns."""
        return self.columns[0]

    def extract(self, batch: pa.RecordBatch) -> Values:
        """The values of all messages of a batch, which has the columns at least."""
        if isinstance(batch, pa.Table):
            batch = batch.combine_chunks().to_batches()[0]
        columns = [batch.column(name) for name in self.columns]
        return self._read(pa.StructArray.from_arrays(columns, names=list(self.columns)))


def resolve(path: str | None, schema: pa.Schema, pointer: str) -> Access:
    """Find a field in the messages of a topic; without a path the whole message.

    Args:
        path: as in the spec.
        schema: the columns of the topic's messages.
        pointer: JSON pointer to the path in the spec.

    A value is missing where anything on its way is: a message in a message, an element of a list. A slice
    with both ends counted from one side (`[0:7]`, `[-3:]`) has a fixed length, and is missing of shorter
    lists.

    Raises:
        SpecUnfit: there is no such field, or it has no values that a row can hold.
    """
    message = pa.field("message", pa.struct(list(schema)))
    if path is None:
        return _whole_message(message, pointer)
    try:
        steps = parse_path(path)
    except ValueError as error:
        raise _unfit(pointer, f"{error}", None) from None
    first = steps[0]
    assert isinstance(first, Name)
    top = _member(message.type, first.name, [], pointer)
    kept = pa.field("message", pa.struct([top]))
    leaf, type_, read = _Way(pointer, path).go(kept, [Name(top.name), *steps[1:]], ())
    return Access(type_, (top.name,), leaf, read)


def _whole_message(message: pa.Field, pointer: str) -> Access:
    if message.type.num_fields == 1:
        only = message.type.field(0)
        return resolve(quoted(only.name), pa.schema([only]), pointer)
    leaf, type_, read = _Way(pointer, None).go(message, [], ())
    names = tuple(field.name for field in message.type)
    return Access(type_, names, leaf, read)


class _Way:
    """Walks a path through types, and makes what walks it through values."""

    def __init__(self, pointer: str, path: str | None) -> None:
        self._pointer = pointer
        self._path = path

    def go(
        self, field: pa.Field, steps: Sequence[Step], seen: tuple[str, ...]
    ) -> tuple[pa.Field, ValueType, Read]:
        """The field at the end, the type of the values, and what reads them from values of `field`."""
        kind = field.type
        if steps and isinstance(steps[0], Name):
            return self._into(kind, steps[0].name, steps[1:], seen)
        if lists.is_list(kind) or (steps and lists.is_blob(kind)):
            step = steps[0] if steps else Slice(None, None)
            assert not isinstance(step, Name)
            return self._along(field, step, steps[1:], seen)
        if steps:
            raise self._no_list(field, seen)
        type_ = leaf_type(kind)
        if type_ is None:
            raise self._no_value(field, seen)
        return field, type_, lambda values: read_leaf(values, type_)

    def _into(
        self, kind: pa.DataType, name: str, rest: Sequence[Step], seen: tuple[str, ...]
    ) -> tuple[pa.Field, ValueType, Read]:
        if not pa.types.is_struct(kind):
            hint = "An element of a list is taken by `[0]`, all by `[*]`." if lists.is_list(kind) else None
            text = f"`{''.join(seen)}` is {type_text(kind)} and has no field {name!r}"
            raise _unfit(self._pointer, text, hint)
        member = _member(kind, name, seen, self._pointer)
        index = kind.get_field_index(member.name)
        dot = "." if seen else ""
        leaf, type_, read = self.go(member, rest, (*seen, dot + quoted(name)))
        return leaf, type_, lambda values: read(pc.struct_field(values, [index]))

    def _along(
        self, field: pa.Field, step: Index | Slice, rest: Sequence[Step], seen: tuple[str, ...]
    ) -> tuple[pa.Field, ValueType, Read]:
        item, members, left, deeper = self._member_of_items(
            lists.item_of(field), rest, (*seen, step_text(step))
        )
        leaf, type_, read = self.go(item, left, deeper)
        size = lists.size_of(field.type)
        try:
            if isinstance(step, Index):
                return leaf, type_, lists.at(step.index, size, members, read)
            way = lists.along(step, size, type_, members, read)
        except IndexError as error:
            raise _unfit(self._pointer, f"`{''.join(seen)}` {error}", None) from None
        return leaf, *way

    def _member_of_items(
        self, item: pa.Field, rest: Sequence[Step], seen: tuple[str, ...]
    ) -> tuple[pa.Field, list[int], Sequence[Step], tuple[str, ...]]:
        """The field of each element that names lead to, and the way there: the rest need not be copied."""
        members: list[int] = []
        while rest and isinstance(rest[0], Name) and pa.types.is_struct(item.type):
            parent, item = item, _member(item.type, rest[0].name, seen, self._pointer)
            members.append(parent.type.get_field_index(item.name))
            seen, rest = (*seen, f".{quoted(rest[0].name)}"), rest[1:]
        return item, members, rest, seen

    def _no_list(self, field: pa.Field, seen: tuple[str, ...]) -> SpecUnfit:
        text = f"`{''.join(seen)}` is {type_text(field.type)}, which has no elements"
        return _unfit(self._pointer, text, None)

    def _no_value(self, field: pa.Field, seen: tuple[str, ...]) -> SpecUnfit:
        whole = "".join(seen)
        name = f"`{whole}`" if seen else "the whole message"
        text = f"{name} is {type_text(field.type)}, which no column can hold"
        known = [f"{whole}.{path}" if whole else path for path in _paths(field.type)]
        hint = did_you_mean(whole, known) if known else None
        return _unfit(self._pointer, text, f"Take one of its fields. {hint}" if hint else None)


def _member(kind: pa.StructType, name: str, seen: Sequence[str], pointer: str) -> pa.Field:
    """A field by its name, or by the one that it had before readers would have confused it."""
    for one in (name, f"{name}_"):
        index = kind.get_field_index(one)
        if index >= 0:
            return kind.field(index)
    before = "".join(seen)
    known = [quoted(field.name) for field in kind]
    deeper = [path for path in _paths(kind) if path.rpartition(".")[2] == name]
    where = f"`{before}`" if before else "the message"
    hint = did_you_mean(name, deeper or known)
    raise _unfit(pointer, f"{where} has no field {name!r}", hint)


def _paths(kind: pa.DataType, depth: int = 0) -> list[str]:
    return [path for path, _ in zip(_walk(kind, depth), range(_MOST_PATHS), strict=False)]


def _walk(kind: pa.DataType, depth: int) -> Iterator[str]:
    if depth > _DEEPEST or not pa.types.is_struct(kind):
        return
    for field in kind:
        inside = field.type
        if leaf_type(inside) is not None or lists.is_list(inside):
            yield quoted(field.name)
        for below in _walk(inside, depth + 1):
            yield f"{quoted(field.name)}.{below}"


def _unfit(pointer: str, text: str, hint: str | None) -> SpecUnfit:
    detail = text[:1].upper() + text[1:].removesuffix(".") + "."
    return SpecUnfit(items=[Fault(pointer, detail, hint)])

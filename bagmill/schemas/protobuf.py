"""From a protobuf `FileDescriptorSet` to a tree of types, and to the class that reads its messages.

The schema data is a serialized `FileDescriptorSet` (MCAP registry, "protobuf"); the schema's name is the full
name of the message.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from bagmill.errors import SchemaInvalid, SchemaUnsupported
from bagmill.schemas.tree import (
    MAX_DEPTH,
    MOST_KNOWN,
    Enum,
    Field,
    Kind,
    Mapping,
    Primitive,
    Sequence,
    Struct,
    Type,
    check_size,
)

_KINDS = {
    FieldDescriptor.CPPTYPE_INT32: Kind.INT32,
    FieldDescriptor.CPPTYPE_INT64: Kind.INT64,
    FieldDescriptor.CPPTYPE_UINT32: Kind.UINT32,
    FieldDescriptor.CPPTYPE_UINT64: Kind.UINT64,
    FieldDescriptor.CPPTYPE_DOUBLE: Kind.FLOAT64,
    FieldDescriptor.CPPTYPE_FLOAT: Kind.FLOAT32,
    FieldDescriptor.CPPTYPE_BOOL: Kind.BOOL,
    FieldDescriptor.CPPTYPE_STRING: Kind.STRING,
}
_WELL_KNOWN = "google/protobuf/"


@lru_cache(MOST_KNOWN)
def parse_protobuf(name: str, data: bytes) -> Struct:
    """Read the message `name` of a descriptor set.

    Raises:
        SchemaInvalid: the bytes are no descriptor set, miss a file, or do not hold the message.
        SchemaUnsupported: the message holds itself, or is too big or too deep for a table.
    """
    return check_size(_Builder(name).struct(load_descriptor(name, data)))


@lru_cache(MOST_KNOWN)
def load_descriptor(name: str, data: bytes) -> Descriptor:
    """Load a descriptor set, whose files may stand in any order, into a pool of its own; find the message.

    Raises:
        SchemaInvalid: the bytes are no descriptor set, miss a file, or do not hold the message.
    """
    try:
        files = FileDescriptorSet.FromString(data).file
    except DecodeError:
        raise SchemaInvalid(f"the schema of {name} is no FileDescriptorSet", where={"schema": name}) from None
    by_path: dict[str, FileDescriptorProto] = {}
    for file in files:
        if not all(isinstance(path, str) for path in (file.name, *file.dependency)):  # else bytes
            raise SchemaInvalid(f"a file's name in the schema of {name} is no text", where={"schema": name})
        if by_path.setdefault(file.name, file) != file:
            raise SchemaInvalid(f"the schema of {name} holds two files {file.name}", where={"schema": name})
    pool = _load_pool(name, by_path)
    try:
        return pool.FindMessageTypeByName(name)
    except KeyError:
        raise SchemaInvalid(f"the descriptor set does not hold {name}", where={"schema": name}) from None


def extensions(message: Descriptor) -> list[FieldDescriptor]:
    """The extensions of a message that its descriptor set holds, in the order of their numbers."""
    return sorted(message.file.pool.FindAllExtensions(message), key=lambda item: item.number)


def entry_of(message: Descriptor) -> tuple[FieldDescriptor, FieldDescriptor]:
    """The key and the value of a map's entries (descriptor.proto, `map_entry`).

    Raises:
        SchemaInvalid: one of them is missing.
    """
    key, value = (message.fields_by_name.get(name) for name in ("key", "value"))
    if key is None or value is None:  # the pool looks at all else
        raise SchemaInvalid(f"{message.full_name} is a map's entry without a key or a value")
    return key, value


def _load_pool(name: str, files: dict[str, FileDescriptorProto]) -> DescriptorPool:
    pool = DescriptorPool()
    waiting = list(reversed(files))
    entered: set[str] = set()
    loaded: set[str] = set()
    while waiting:
        file = files.get(waiting[-1]) or _well_known(waiting[-1], name)
        if file.name in loaded:
            waiting.pop()
        elif file.name not in entered:
            entered.add(file.name)
            waiting.extend(missing for missing in file.dependency if missing not in loaded)
        else:
            _add(pool, waiting.pop(), file, name)
            loaded.add(file.name)
    return pool


def _well_known(path: str, name: str) -> FileDescriptorProto:
    """One of the files that come with protobuf, which some recorders leave out."""
    own = path.removeprefix(_WELL_KNOWN).removesuffix(".proto")
    if path == f"{_WELL_KNOWN}{own}.proto" and own.isidentifier():
        module = f"google.protobuf.{own}_pb2"
        try:
            return FileDescriptorProto.FromString(import_module(module).DESCRIPTOR.serialized_pb)
        except ModuleNotFoundError:
            pass
    raise SchemaInvalid(f"the descriptor set of {name} misses {path}", where={"schema": name})


def _add(pool: DescriptorPool, path: str, file: FileDescriptorProto, name: str) -> None:
    try:
        pool.Add(file)
    except TypeError as error:
        raise SchemaInvalid(f"{path} in the schema of {name}: {error}", where={"schema": name}) from None


@dataclass(slots=True)
class _Builder:
    root: str
    known: dict[str, Struct] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def struct(self, message: Descriptor) -> Struct:
        name = message.full_name
        if name in self.known:
            return self.known[name]
        if name in self.open:
            raise SchemaUnsupported(f"{name} holds itself", where={"schema": self.root})
        if len(self.open) >= MAX_DEPTH:
            raise SchemaUnsupported(
                f"{self.root} is nested more than {MAX_DEPTH} levels deep", where={"schema": self.root}
            )
        if message.GetOptions().message_set_wire_format:
            raise SchemaUnsupported(f"{name} is a message set", where={"schema": self.root})
        self.open.append(name)
        fields = [Field(item.name, self.type(item), item.has_presence) for item in message.fields]
        fields += [Field(item.full_name, self.type(item), item.has_presence) for item in extensions(message)]
        self.open.pop()
        self.known[name] = Struct(name, tuple(fields))
        return self.known[name]

    def type(self, item: FieldDescriptor) -> Type:
        message = item.message_type
        if message is not None and message.GetOptions().map_entry:
            key, value = entry_of(message)
            return Mapping(Primitive(_kind(key)), self.element(value))
        element = self.element(item)
        return Sequence(element) if item.is_repeated else element

    def element(self, item: FieldDescriptor) -> Type:
        if item.message_type is not None:
            return self.struct(item.message_type)
        if item.enum_type is not None:
            # An open enum may hold numbers without a name, so the number is the value and names are metadata.
            names = tuple((value.name, value.number) for value in item.enum_type.values)
            return Primitive(Kind.INT32, enum=Enum(item.enum_type.full_name, names))
        return Primitive(_kind(item))


def _kind(item: FieldDescriptor) -> Kind:
    return Kind.BINARY if item.type == FieldDescriptor.TYPE_BYTES else _KINDS[item.cpp_type]

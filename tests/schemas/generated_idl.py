"""Random IDL together with the tree that it means."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

from bagmill.schemas.tree import (
    Case,
    Enum,
    Extensibility,
    Field,
    Kind,
    Mapping,
    Primitive,
    Sequence,
    Struct,
    Type,
    Union,
)

SCALARS = {
    "boolean": Kind.BOOL,
    "octet": Kind.UINT8,
    "char": Kind.UINT8,
    "int8": Kind.INT8,
    "uint8": Kind.UINT8,
    "short": Kind.INT16,
    "int16": Kind.INT16,
    "unsigned short": Kind.UINT16,
    "long": Kind.INT32,
    "unsigned   long": Kind.UINT32,
    "long long": Kind.INT64,
    "unsigned long long": Kind.UINT64,
    "float": Kind.FLOAT32,
    "double": Kind.FLOAT64,
    "string": Kind.STRING,
    "wstring": Kind.WSTRING,
}
MODULES = ((), ("m",), ("m", "n"), ("k",))
NOISE = ("", " ", "\n", "\t\r\n", " /* x; */ ", " // }\n", "\n#pragma x {\n")
PASSED_OVER = (
    "",
    "@key ",
    '@unit("m") ',
    "@range(min=-1, max=(2)) ",
    '@verbatim(language="c", text="};" "\\"") ',
)
INTEGERS = (Kind.UINT8, Kind.INT16, Kind.UINT16, Kind.INT32, Kind.UINT32, Kind.INT64, Kind.UINT64, Kind.BOOL)


@dataclass
class Writer:
    """Writes declarations. `plain`: only what ROS 2 and other people's parsers know."""

    draw: st.DrawFn
    plain: bool
    separator: str
    default: Extensibility
    scope: tuple[str, ...] = ()
    parts: list[str] = field(default_factory=list)
    named: list[tuple[tuple[str, ...], Type]] = field(default_factory=list)
    constants: list[tuple[tuple[str, ...], int]] = field(default_factory=list)

    def one_of(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def chance(self, least: int = 1) -> bool:
        return self.draw(st.integers(0, 5)) < least

    def gap(self) -> str:
        return " " if self.plain else self.draw(st.sampled_from(NOISE)) or " "

    def reference(self, path: tuple[str, ...]) -> str:
        """A name, absolute or as short as the scope allows, or anything between."""
        common = 0
        while common < min(len(self.scope), len(path) - 1) and self.scope[common] == path[common]:
            common += 1
        if not self.plain and self.chance():
            return "::" + "::".join(path)
        return "::".join(path[0 if self.plain else self.draw(st.integers(0, common)) :])

    def number(self, value: int) -> str:
        """An expression for a number, as some of the ways to write it."""
        if self.plain:
            return str(value)
        same = [self.reference(path) for path, known in self.constants if known == value]
        part = self.draw(st.integers(0, value))
        return self.one_of(
            str(value), hex(value), f"0{value:o}", f"({part}+{value - part})", f"~(-{value} - 1)", *same
        )

    def type(self, depth: int = 0) -> tuple[str, Type]:
        """A type as text and as tree."""
        choice = self.draw(st.integers(0, 9))
        if choice >= 7 and self.named:
            path, node = self.draw(st.sampled_from(self.named))
            return self.reference(path), node
        if choice == 6 and depth < 2 and not (self.plain and depth):
            return self.sequence(depth)
        if choice == 5 and not self.plain and depth < 2:
            return self.map(depth)
        if choice == 4:
            bound = self.draw(st.integers(1, 99))
            return f"string<{self.number(bound)}>", Primitive(Kind.STRING, bound=bound)
        text, kind = self.draw(st.sampled_from(list(SCALARS.items())))
        return text, Primitive(kind)

    def sequence(self, depth: int) -> tuple[str, Type]:
        text, element = self.type(depth + 1)
        if self.plain and isinstance(element, Sequence):
            text, element = "long", Primitive(Kind.INT32)
        if self.chance(3):
            return f"sequence<{text}{' ' if self.plain else ''}>", Sequence(element)
        bound = self.draw(st.integers(1, 99))
        return f"sequence<{text}, {self.number(bound)}>", Sequence(element, bound=bound)

    def map(self, depth: int) -> tuple[str, Type]:
        key, kind = self.draw(st.sampled_from([("string", Kind.STRING), ("int64", Kind.INT64)]))
        text, value = self.type(depth + 1)
        if self.chance(3):
            return f"map<{key},{self.gap()}{text}>", Mapping(Primitive(kind), value)
        bound = self.draw(st.integers(1, 99))
        return f"map<{key}, {text}, {self.number(bound)}>", Mapping(Primitive(kind), value, bound=bound)

    def declarator(self, name: str, node: Type) -> tuple[str, Type]:
        """A name with the sizes of an array, if it gets some."""
        most = 2 if not self.plain else 0 if isinstance(node, Sequence) else 1
        sizes = self.draw(st.lists(st.integers(1, 9), max_size=most))
        for size in reversed(sizes):
            node = Sequence(node, size=size)
        return name + "".join(f"[{self.number(size)}]" for size in sizes), node

    def declare(self, number: int) -> None:
        """Declare one more type in some module."""
        self.scope = ("m", "n") if self.plain else self.draw(st.sampled_from(MODULES))
        kinds = [self.struct, self.struct, self.typedef]
        if not self.plain:
            kinds += [self.enum, self.bitmask, self.union]
        text, node = self.draw(st.sampled_from(kinds))(f"T{number}")
        self.put(text)
        self.named.append(((*self.scope, f"T{number}"), node))

    def put(self, text: str) -> None:
        """Put a declaration into the text, in its module."""
        opening = "".join(f"module{self.gap()}{name} {{{self.gap()}" for name in self.scope)
        self.parts.append(f"{opening}{text};{' };' * len(self.scope)}\n")

    def constant(self, number: int) -> None:
        """Declare a constant that sizes may be written with."""
        value = self.draw(st.integers(1, 9))
        self.put(f"const {self.one_of('long', 'octet', 'uint64')} C{number} = {self.number(value)}")
        self.constants.append(((*self.scope, f"C{number}"), value))

    def full_name(self, name: str) -> str:
        return self.separator.join((*self.scope, name))

    def extensibility(self) -> tuple[str, Extensibility]:
        if self.plain or self.chance(2):
            return "", self.default
        kind = self.draw(st.sampled_from(Extensibility))
        return self.one_of(f"@{kind} ", f"@extensibility({kind.upper()}) "), kind

    def struct(self, name: str) -> tuple[str, Type]:
        annotation, extensibility = self.extensibility()
        members = [self.member(number, number) for number in range(self.draw(st.integers(1, 4)))]
        text = "".join(f"{self.gap()}{text};" for text, _ in members)
        node = Struct(self.full_name(name), tuple(item for _, item in members), extensibility=extensibility)
        return f"{annotation}struct {name}{self.gap()}{{{text}{self.gap()}}}", node

    def member(self, number: int, count: int) -> tuple[str, Field]:
        text, node = self.type()
        declarator, node = self.declarator(f"f{number}", node)
        optional = not self.plain and self.chance()
        annotation = "@optional " if optional else "" if self.plain else self.one_of(*PASSED_OVER)
        return f"{annotation}{text} {declarator}", Field(f"f{number}", node, optional, count)

    def typedef(self, name: str) -> tuple[str, Type]:
        text, node = self.type()
        declarator, node = self.declarator(name, node)
        return f"typedef {text}{self.gap()}{declarator}", node

    def labels(self, name: str) -> list[tuple[str, int]]:
        numbers = self.draw(st.lists(st.integers(0, 30), min_size=1, max_size=4, unique=True))
        return [(f"{name}_L{at}", number) for at, number in enumerate(numbers)]

    def enum(self, name: str) -> tuple[str, Type]:
        bits, kind = self.draw(st.sampled_from([("", Kind.INT32), ("@bit_bound(16) ", Kind.INT16)]))
        labels = self.labels(name)
        text = ", ".join(f"@value({self.number(value)}) {label}" for label, value in labels)
        node = Primitive(kind, enum=Enum(self.full_name(name), tuple(labels)))
        return f"{bits}enum {name} {{ {text} }}", node

    def bitmask(self, name: str) -> tuple[str, Type]:
        bits, kind = self.draw(st.sampled_from([("", Kind.UINT32), ("@bit_bound(33) ", Kind.UINT64)]))
        labels = self.labels(name)
        text = ", ".join(f"@position({value}) {label}" for label, value in labels)
        flags = tuple((label, 1 << value) for label, value in labels)
        return f"{bits}bitmask {name} {{ {text} }}", Primitive(kind, enum=Enum(self.full_name(name), flags))

    def union(self, name: str) -> tuple[str, Type]:
        annotation, extensibility = self.extensibility()
        enums = [item for item in self.named if isinstance(item[1], Primitive) and item[1].kind in INTEGERS]
        labels = {}
        if enums and self.chance(3):
            path, switch = self.draw(st.sampled_from(enums))
            text = self.reference(path)
            assert isinstance(switch, Primitive)
            if switch.enum and not switch.kind.startswith("u"):
                labels = {value: label for label, value in switch.enum.values}
        else:
            text, switch = "long", Primitive(Kind.INT32)
        values = list(labels) or ([0, 1] if switch.kind is Kind.BOOL else list(range(5)))
        written, cases = self.cases(self.draw(st.permutations(values)), labels)
        node = Union(self.full_name(name), switch, cases, extensibility)
        return f"{annotation}union {name} switch ({text}) {{ {written} }}", node

    def cases(self, values: list[int], labels: dict[int, str]) -> tuple[str, tuple[Case, ...]]:
        written, cases = "", []
        for number in range(self.draw(st.integers(1, len(values)))):
            text, node = self.type()
            declarator, node = self.declarator(f"f{number}", node)
            count = self.draw(st.integers(1, max(1, len(values) // 2))) if values else 0
            chosen, values = tuple(values[:count]), values[count:]
            written += "".join(f"case {labels.get(value, value)}: " for value in chosen) or "default: "
            written += f"{text} {declarator}; "
            cases.append(Case(chosen, Field(f"f{number}", node, id=number + 1)))
            if not chosen:
                break
        return written, tuple(cases)


@st.composite
def idl(draw: st.DrawFn, *, plain: bool = False) -> tuple[str, str, Struct]:
    """The name of a message, a text that declares it, and its tree."""
    default = Extensibility.FINAL if plain else Extensibility.APPENDABLE
    writer = Writer(draw, plain, "/" if plain else "::", default)
    for number in range(draw(st.integers(0, 5))):
        writer.declare(number)
        if not plain:
            writer.constant(number)
    writer.scope = ("m", "n")
    text, root = writer.struct("Root")
    writer.put(text)
    assert isinstance(root, Struct)
    return root.name, "".join(writer.parts), root

"""Random definitions of ROS messages together with the tree that they mean."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from bagmill.schemas.tree import Constant, Field, Kind, Primitive, Sequence, Struct, Type

LINE = "=" * 80
SCALARS = {
    "bool": Kind.BOOL,
    "char": Kind.UINT8,
    "int8": Kind.INT8,
    "uint8": Kind.UINT8,
    "int16": Kind.INT16,
    "uint16": Kind.UINT16,
    "int32": Kind.INT32,
    "uint32": Kind.UINT32,
    "int64": Kind.INT64,
    "uint64": Kind.UINT64,
    "float32": Kind.FLOAT32,
    "float64": Kind.FLOAT64,
    "string": Kind.STRING,
}
NAMES = ("x", "frame_id", "camelCase", "K", "sequence", "x__y_", "string", "stamp2", "topic", "end")
FLOATS = (Kind.FLOAT32, Kind.FLOAT64)


@dataclass
class Writer:
    """Writes messages. `plain`: only as other people's parsers take it."""

    draw: st.DrawFn
    ros: int
    plain: bool
    named: list[tuple[str, str, Struct]] = field(default_factory=list)

    def one_of(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def type(self, package: str) -> tuple[str, Type]:
        """A type as text and as tree."""
        if self.named and self.draw(st.integers(0, 2)) == 0:
            other, name, node = self.draw(st.sampled_from(self.named))
            written = [f"{other}/{name}"]
            if self.ros == 2 and not self.plain:
                written.append(f"{other}/msg/{name}")
            if other == package:
                written.append(name)
            return self.one_of(*written), node
        text, kind = self.draw(st.sampled_from(list(SCALARS.items())))
        if self.ros == 2 and kind is Kind.STRING:
            if not self.plain and self.draw(st.booleans()):  # not known to other people's parser
                text, kind = "wstring", Kind.WSTRING
            bound = self.draw(st.one_of(st.none(), st.integers(1, 99)))
            return text if bound is None else f"{text}<={bound}", Primitive(kind, bound=bound)
        return text, Primitive(kind)

    def field(self, package: str, name: str) -> tuple[str, Field]:
        text, node = self.type(package)
        element = node
        size = self.draw(st.integers(1, 40))
        match self.draw(st.integers(0, 5)):
            case 0:
                text, node = f"{text}[]", Sequence(node)
            case 1:
                text, node = f"{text}[{size}]", Sequence(node, size=size)
            case 2 if self.ros == 2:
                text, node = f"{text}[<={size}]", Sequence(node, bound=size)
        default = ""
        if self.ros == 2 and isinstance(element, Primitive) and self.draw(st.booleans()):
            default = self.default(element.kind, array=node is not element)
        return self.spaced(text, name, default), Field(name, node)

    def default(self, kind: Kind, *, array: bool) -> str:
        one = {
            Kind.BOOL: "true",
            Kind.FLOAT32: "-1.5",
            Kind.FLOAT64: "2.5",
            Kind.STRING: '"# no \\" comment"',
            Kind.WSTRING: "'it'",
        }.get(kind, "7")
        return f"[{one}, {one}]" if array else one

    def constant(self, name: str) -> tuple[str, Constant]:
        text, kind = self.draw(st.sampled_from(list(SCALARS.items())))
        value: Any
        if kind is Kind.STRING:
            value = ("a" + self.draw(st.text("bc#= '", max_size=8))).strip()
            written = value if self.ros == 1 else f'"{value}"'
        elif kind is Kind.BOOL:
            value = self.draw(st.booleans())
            written = self.one_of(str(value), str(value).lower(), str(int(value)))
        elif kind in FLOATS:
            value = self.draw(st.floats(-100, 100, width=32))
            written = repr(value)
        else:
            value = self.draw(st.integers(0, 127))
            written = self.one_of(str(value), hex(value))
        equals = self.one_of("=") if self.plain else self.one_of("=", " =", " = ", "\t=\t")
        return f"{self.spaced(text, name, '')}{equals}{written}", Constant(name, kind, value)

    def spaced(self, *words: str) -> str:
        gap = " " if self.plain else self.one_of(" ", "  ", "\t", " \t")
        return gap.join(word for word in words if word)

    def message(self, package: str, name: str) -> tuple[str, Struct]:
        names = self.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
        fields = [self.field(package, item) for item in names]
        constants = [self.constant(f"C{number}") for number in range(self.draw(st.integers(0, 2)))]
        lines = [*(text for text, _ in constants), *(text for text, _ in fields)]
        if not self.plain:
            is_text = [*(item.kind is Kind.STRING for _, item in constants), *(False for _ in fields)]
            lines = [self.commented(line, text=text) for line, text in zip(lines, is_text, strict=True)]
        full_name = f"{package}/msg/{name}" if self.ros == 2 else f"{package}/{name}"
        node = Struct(full_name, tuple(item for _, item in fields), tuple(item for _, item in constants))
        return "\n".join(lines), node

    def commented(self, line: str, *, text: bool) -> str:
        """A line with what may stand around it; text constants of ROS 1 take all that follows."""
        before = self.one_of("", " ", "\t", "# comment\n", "\n\n", "  # int8 no\n")
        after = (
            self.one_of("", " ", "\t ")
            if text and self.ros == 1
            else self.one_of("", " ", " # why", "\t#'\"")
        )
        return f"{before}{line}{after}"


@st.composite
def ros(draw: st.DrawFn, version: int, *, plain: bool = False) -> tuple[str, str, Struct]:
    """The name of a message, its definition, and its tree."""
    writer = Writer(draw, version, plain)
    sections = []
    for number in range(draw(st.integers(0, 4))):
        package = draw(st.sampled_from(["pkg", "other"]))
        text, node = writer.message(package, f"M{number}")
        header = f"{package}/M{number}" if version == 1 or draw(st.booleans()) else f"{package}/msg/M{number}"
        line = LINE if plain else writer.one_of(LINE, "===", LINE + "=  ")
        sections.append(f"{line}\nMSG: {header}\n{text}\n")
        writer.named.append((package, f"M{number}", node))
    text, root = writer.message("pkg", "Root")
    whole = "".join([text, "\n", *draw(st.permutations(sections))])
    end = "\n" if plain else writer.one_of("\n", "\r\n")
    return root.name, whole.replace("\n", end), root

"""Random JSON messages in all spellings, most of them alike, as those of a topic are."""

import json
from random import Random
from typing import Any

KEYS = [
    "a",
    "b",
    "c",
    "A",
    "",
    "log_time",
    "key",
    "x y",
    "\u00e9",
    "\U0001f600",
    "a\0",
    'q"\\/\n',
    "null",
    "-0",
]
NUMBERS = [
    "0", "-0", "-0.0", "0.0", "1.0", "-1.0", "100", "1e5", "1E+2", "1e-2", "-0e5", "0.1", "-2.5e-3", "2.0e0",
    "9007199254740993", "9007199254740992.0", "9007199254740991.0", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
    "18446744073709551616", "18446744073709551616.0", "1e19", "1e308", "1e309", "-1e400", "-1e-400", "1e-310",
    "5e-324", "2.2250738585072011e-308", "0e999999", "123456789.123456789123456789", "1" * 40, "1" * 400,
    "1" * 400 + ".5", "1" * 5000, "0." + "0" * 400 + "1", "NaN", "Infinity", "-Infinity",
]  # fmt: skip
NO_NUMBERS = [
    "01",
    "+1",
    "1.",
    ".5",
    "-",
    "1e",
    "- 1",
    "Inf",
    "-Inf",
    "-NaN",
    "nan",
    "0x1",
    "1_0",
    "--1",
    "1e1.5",
]
TEXTS = [
    '""', '"x"', '"2024-05-01"', '"2024-05-01T12:00:00Z"', '"12:00"', '"null"', '"} null"', '"}\\n null"',
    '"-0,"', '"Inf"', '"Info NaN"', '"\\u0041"', '"\\u0000"', '"\\ud83d\\ude00"',
    '"\U0001f600"', '"\u00e9\\/\\b"', '"\\\\ud800"',
    '"\x7f"', '"{"', '"a,b]"', '"AAA="', '"AAECAw=="', '"/+8="', '"=AAA"', '"AAA"', '"AA=="', '"1"',
]  # fmt: skip
NO_TEXTS = [
    '"\\ud800"', '"\\udc00"', '"\\ud800\\ud800"', '"\\udc00\\ud800"', '"\x01"', '"a\nb"',
    '"\t"', '"\0"', '"\\q"', '"\\u00g0"',
    '"\\U0041"', '"x', "'x'", '"\udcff"', '"\ud800"', '"\\\'"',
]  # fmt: skip
NOISE = ['"', "{", "}", "[", "]", ",", ":", "\0", "\n", "null", "//", "\ufeff", "1"]
ODD = {
    **{kind: [NUMBERS, NUMBERS, NO_NUMBERS] for kind in "iufF"},
    **{kind: [TEXTS, TEXTS, NO_TEXTS] for kind in "s6"},
    **{kind: [["true", "false", "null", "True", "nul"]] for kind in "bn"},
}
"""Other values of the same kind, and what is none."""

SPACES = ["", " ", "\n", "\r\n", "\t", "  \n    "]


class Shape:
    """What stands at one place of most messages."""

    def __init__(self, rnd: Random, depth: int, kinds: str) -> None:
        self.kind = rnd.choice(kinds if depth else kinds.replace("{", "").replace("[", "") or "i")
        self.members = (
            {key: Shape(rnd, depth - 1, kinds) for key in rnd.sample(KEYS, rnd.randint(0, 4))}
            if self.kind == "{"
            else {}
        )
        self.element = Shape(rnd, depth - 1, kinds) if self.kind == "[" else None
        self.values = [rnd.choice(NUMBERS[:12]) for _ in range(3)]
        self.several = [Shape(rnd, depth - 1, "ifsb{[n") for _ in range(3)] if self.kind == "v" else []


class Writer:
    """Writes messages; `wild`: how likely anything is that is not like the others."""

    def __init__(self, rnd: Random, *, wild: float, pretty: bool) -> None:
        self._rnd, self._wild, self._pretty = rnd, wild, pretty

    def message(self, shape: Shape) -> bytes:
        text = self.value(shape)
        if self._odd():
            text = self._rnd.choice(broken(self._rnd, text))
        if self._odd(3):
            text = self._rnd.choice(SPACES) + text + self._rnd.choice(SPACES)
        return as_bytes(text)

    def value(self, shape: Shape) -> str:
        rnd = self._rnd
        if self._odd():
            return self.anything(2)
        if rnd.random() < 0.05:
            return "null"
        if shape.kind == "v":
            return self.value(rnd.choice(shape.several))
        if shape.kind in "[{":
            return self.nested(shape)
        return self.scalar(shape)

    def scalar(self, shape: Shape) -> str:
        rnd = self._rnd
        if self._odd(2):
            return str(rnd.choice(rnd.choice(ODD[shape.kind])))
        match shape.kind:
            case "i":
                return str(rnd.choice([0, 1, -5, 7, rnd.randint(-(2**63), 2**63 - 1)]))
            case "u":
                return str(rnd.randint(0, 2**64 - 1))
            case "f":
                return repr(rnd.choice([rnd.random(), rnd.gauss(0, 1e3), 2.5, 1e300]))
            case "F":
                return rnd.choice([*shape.values, "1.5", "NaN", "Infinity"])
            case "s":
                return rnd.choice([*TEXTS[:6], '"\\u00e9"', '"\u00e9"'])
            case "6":
                return rnd.choice(['"AAA="', '"AAECAw=="', '""'])
            case "b":
                return rnd.choice(["true", "false"])
            case _:
                return "null"

    def nested(self, shape: Shape) -> str:
        if shape.element is not None:
            return self.array([self.value(shape.element) for _ in range(self._rnd.choice([0, 1, 2, 3]))])
        return self.object([(key, self.value(inner)) for key, inner in shape.members.items()])

    def object(self, members: list[tuple[str, str]]) -> str:
        rnd = self._rnd
        members = [item for item in members if rnd.random() > 0.03]
        if self._odd(2):
            rnd.shuffle(members)
        if self._odd():
            members.append((rnd.choice(KEYS), self.anything(1)))
        if members and self._odd():
            members.append((rnd.choice(members)[0], self.anything(1)))
        written = [f"{self.key(key)}{self.space()}:{self.space()}{value}" for key, value in members]
        return "{" + self.space() + f"{self.space()},{self.space()}".join(written) + self.space() + "}"

    def array(self, values: list[str]) -> str:
        return "[" + self.space() + f"{self.space()},{self.space()}".join(values) + self.space() + "]"

    def key(self, key: str) -> str:
        return json.dumps(key, ensure_ascii=self._rnd.random() < 0.5)

    def space(self) -> str:
        return self._rnd.choice(SPACES) if self._pretty else ""

    def anything(self, depth: int) -> str:
        rnd = self._rnd
        kinds = [NUMBERS, NO_NUMBERS, TEXTS, NO_TEXTS, ["null", "true", "false", "tru", "", "{}", "[]"]]
        choice = rnd.choices([*kinds, "[", "{", "deep"], [6, 1, 6, 1, 5, 3, 3, 1])[0]
        if isinstance(choice, list):
            return str(rnd.choice(choice))
        if choice == "deep":
            levels = rnd.choice([5, 31, 32, 33, 600])
            return "[" * levels + "]" * levels
        if not depth:
            return "[{}]"
        if choice == "[":
            return self.array([self.anything(depth - 1) for _ in range(rnd.randint(0, 3))])
        return self.object([(rnd.choice(KEYS), self.anything(depth - 1)) for _ in range(rnd.randint(0, 3))])

    def _odd(self, times: float = 1) -> bool:
        return self._rnd.random() < self._wild * times


def broken(rnd: Random, text: str) -> list[str]:
    """What may become of a message."""
    place = rnd.randint(0, len(text))
    return [
        text[:place],
        text[:place] + rnd.choice(NOISE) + text[place:],
        text[:place] + text[place + 1 :],
        text + text,
        text + "\n" + text,
        text + " null " + text,
        text + "}",
        text + "," + text,
        text + "x",
        text + "\0",
        "\ufeff" + text,
        "// " + text,
        *["null", "[]", "1", "", " ", '"x"', "{}", "{", "}", "}{"],
    ]


def as_bytes(text: str) -> bytes:
    """UTF-8; half a surrogate pair is written like a character, and one of them as a byte that is none."""
    return text.encode("utf-8", "surrogatepass").replace("\udcff".encode("utf-8", "surrogatepass"), b"\xff")


def topic(seed: int) -> tuple[dict[str, Any] | None, list[bytes]]:
    """A schema, or none, and the messages of a topic."""
    rnd = Random(seed)
    kinds = rnd.choice(["iufFs6bn{[", "if{[", "fs{", "ifs6b{[n", "ii{", "F{[", "s6{[", "vif{", "vs"])
    shape = Shape(rnd, rnd.randint(1, 3), kinds)
    shape.kind = "{"
    shape.members = shape.members or {
        key: Shape(rnd, 2, kinds) for key in rnd.sample(KEYS, rnd.randint(1, 4))
    }
    writer = Writer(rnd, wild=rnd.choice([0, 0.001, 0.01, 0.1]), pretty=rnd.random() < 0.3)
    messages = [writer.message(shape) for _ in range(rnd.choice([17, 40, 200]))]
    schema = declared(rnd, shape, rnd.choice([0.0, 0.5, 1.0])) if rnd.random() < 0.7 else None
    return schema, messages


def declared(rnd: Random, shape: Shape, told: float) -> dict[str, Any]:
    """A JSON Schema that says part of what stands in the messages, and sometimes something else."""
    if rnd.random() > told and shape.kind != "{":
        return rnd.choice([{}, {"type": "integer"}, {"type": "string"}]) if rnd.random() < 0.2 else {}
    names = {"i": "integer", "u": "integer", "f": "number", "F": "number", "s": "string", "b": "boolean"}
    match shape.kind:
        case "{":
            listed = {key: inner for key, inner in shape.members.items() if rnd.random() <= max(told, 0.2)}
            inner = {key: declared(rnd, inner, told) for key, inner in listed.items()}
            if inner and all(item.kind == "i" for item in shape.members.values()) and rnd.random() < 0.1:
                return {"type": "object", "additionalProperties": {"type": "integer"}}
            return {"type": "object", "properties": inner}
        case "[":
            assert shape.element is not None
            return {"type": "array", "items": declared(rnd, shape.element, told)}
        case "6":
            return {"type": "string", "contentEncoding": "base64"}
        case "F" if rnd.random() < 0.3:
            return {"type": "integer"}
        case "u" if rnd.random() < 0.5:
            return {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}
        case kind:
            return {"type": names[kind]} if kind in names else {}

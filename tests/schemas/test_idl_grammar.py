"""The text of IDL: words, expressions, annotations, and what is no IDL."""

import pytest

from bagmill.errors import SchemaInvalid, SchemaUnsupported
from bagmill.schemas.idl import MAX_TEXT, parse_omgidl
from bagmill.schemas.tree import MAX_LEAVES, Constant, ConstantValue, Kind, Sequence, Struct


def root(text: str, name: str = "A") -> Struct:
    return parse_omgidl(name, text)


def names(text: str, name: str = "A") -> list[str]:
    return [item.name for item in root(text, name).fields]


def constant(written: str, kind: str = "long long") -> ConstantValue:
    (item,) = root(f"const {kind} X = {written}; struct A {{ long a; }};").constants
    return item.value


def test_comments_and_directives_fall_away() -> None:
    text = """
    // #include "x" struct A { long no; };
    #ifndef GUARD
      #define LONG(x) \\
         struct { x }
    #include "other.idl"
    /* struct A { /* long no; */
    struct A { // long no;
        long a /* , b */; //@key
        # pragma keylist A a
        /**/ long b; /***/
    };
    #endif"""

    assert names(text) == ["a", "b"]


@pytest.mark.parametrize("end", ["\r\n", "\n\n\t", " \f\v "])
def test_white_space_is_white_space(end: str) -> None:
    assert names(f"struct{end}A{end}{{{end}long{end}a{end};{end}}}{end};{end}") == ["a"]


def test_a_leading_underscore_only_escapes_a_keyword() -> None:
    text = "module _module { struct _struct { long _long; _struct2 b; }; };"

    with pytest.raises(SchemaInvalid, match="struct2 is used but not defined"):
        root(text, "module::struct")
    assert names("struct _struct { long _long, __x; };", "struct") == ["long", "_x"]


def test_keywords_are_names_where_only_names_can_stand() -> None:
    """ROS has fields such as `sequence`, which it writes unescaped."""
    assert names("struct A { sequence<long> sequence; string string, default; long case[2]; };") == [
        "sequence",
        "string",
        "default",
        "case",
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12),
        ("014", 12),
        ("0xC", 12),
        ("0XfF", 255),
        ("-0x10", -16),
        ("+5", 5),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("-7 / 2", -3),
        ("7 / -2", -3),
        ("-7 % 3", -1),
        ("1 << 4 | 1", 17),
        ("0xF0 >> 2 & 0x3C", 60),
        ("6 ^ 3", 5),
        ("~0", -1),
        ("- - -1", -1),
        ("((((2))))", 2),
        ("'A'", 65),
        (r"'\n'", 10),
        (r"'\x41'", 65),
        (r"'\101'", 65),
        (r"'\''", 39),
        ("'\"'", 34),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_integers(written: str, value: int) -> None:
    assert constant(written) == value


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        ("double", "1", 1.0),
        ("double", "1.5e3", 1500.0),
        ("float", ".5", 0.5),
        ("double", "2.", 2.0),
        ("double", "1e-2", 0.01),
        ("double", "1.0 / 4", 0.25),
        ("double", "-(1.5 + 1)", -2.5),
        ("boolean", "TRUE", True),
        ("boolean", "FALSE", False),
        ("octet", "255", 255),
        ("octet", "~1", 254),
        ("unsigned long", "~0", 2**32 - 1),
        ("unsigned long long", "0xFFFFFFFFFFFFFFFF", 2**64 - 1),
        ("char", "'x'", 120),
        ("string", '"a" "b"\n"c"', "abc"),
        ("string", r'"\"\\\t\u00e9\x41"', '"\\\té' + "A"),
        ("string", '"/* no comment */ // none"', "/* no comment */ // none"),
        ("wstring", 'L"wide"', "wide"),
        ("string<3>", '"abc"', "abc"),
        ("int8", "-128", -128),
    ],
)
def test_constants(kind: str, written: str, value: ConstantValue) -> None:
    found = constant(written, kind)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("octet", "256"),
        ("short", "40000"),
        ("unsigned long", "-1"),
        ("long", "1.5"),
        ("long", '"text"'),
        ("string", "5"),
        ("boolean", "5"),
        ("double", "TRUE"),
        ("long", "1 / 0"),
        ("long", "1 % 0"),
        ("double", "1.0 / 0"),
        ("long", "1.5 | 1"),
        ("long", '"a" + "b"'),
        ("long", "1 << 64"),
        ("long", "1 >> -1"),
        ("long long", "9223372036854775807 * 9223372036854775807"),
        ("long", "X"),
        ("long", "MISSING + 1"),
        ("long", "TRUE + 1"),
    ],
)
def test_a_constant_without_a_value_stays_as_it_is_written(kind: str, written: str) -> None:
    """No message depends on it, so it does no harm."""
    assert constant(written, kind) == written


def test_a_size_can_be_any_expression() -> None:
    text = """
    enum E { ZERO, ONE, @value(7) SEVEN };
    module m { const short N = 2; module n { const long M = N * 3 + m::n::K; const octet K = ::SEVEN; }; };
    struct A { octet a[m::n::M][(1 << 2) - E::ONE]; string<m::N> s; sequence<string<4>> t; };
    """
    a, s, t = (item.type for item in root(text).fields)

    assert isinstance(a, Sequence)
    assert isinstance(a.element, Sequence)
    assert (a.size, a.element.size) == (13, 3)
    assert getattr(s, "bound", None) == 2
    assert isinstance(t, Sequence)


def test_in_angle_brackets_a_shift_to_the_right_needs_brackets() -> None:
    (a, b) = (item.type for item in root("struct A { sequence<long, (16>>1)> a; string<1<<3> b; };").fields)

    assert getattr(a, "bound", None) == 8
    assert getattr(b, "bound", None) == 8


def test_what_an_annotation_says_to_others_is_passed_over() -> None:
    text = """
    @annotation mine { long x default 3; enum y { P }; };
    typedef long T;
    @mine(1, {2, (3)}) @verbatim(language="c++", begin=")", text="}" "};")
    @topic @nested @data_representation(XCDR1) @::vendor::thing
    struct A {
        @key @must_understand @unit("m/s") @range(min=0.0, max = 5) @default(value=3) @external
        long a;
        @ min (-3) sequence<@external long> b;
        @key ::T d;
        @vendor::key T e;
        @default_literal string c;
    };
    @annotation last { };
    """

    assert names(text) == ["a", "b", "d", "e", "c"]


def test_what_is_no_data_is_passed_over() -> None:
    text = """
    import ::other;
    typeprefix A "example.org";
    native Thing;
    interface Forward;
    local interface I : J { long f(in long a) raises (E); struct Inner { long no; }; };
    exception E { string why; };
    abstract valuetype V { public long x; };
    struct A { long a; };
    ;
    """

    assert names(text) == ["a"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("struct A { long a }", "line 1, column 19 of A: expected ';' but found '}'"),
        ("struct A {\n  long a;\n  5 b;\n};", "line 3, column 3 of A: expected a type but found '5'"),
        ("struct A { long a;", "expected a type but found the end"),
        ("struct A { long a; }", "expected ';' but found the end"),
        ("struct { long a; };", "expected the name of a struct but found '{'"),
        ("struct A { long; };", "expected a name but found ';'"),
        ("struct A { unsigned float a; };", "expected 'long' but found 'float'"),
        ("struct A { sequence a; };", "expected '<' but found 'a'"),
        ("struct A { sequence<long a; };", "expected '>' but found 'a'"),
        ("struct A { map<long> a; };", "expected ',' but found '>'"),
        ("struct A { long a[; };", "expected a value but found ';'"),
        ("struct A { long a[2; };", r"expected '\]' but found ';'"),
        ("struct A { long a[(2]; };", r"expected '\)' but found '\]'"),
        ("struct A { long a[2)]; };", r"expected '\]' but found '\)'"),
        ("struct A { long a[2 3]; };", r"expected '\]' but found '3'"),
        ("strukt A { long a; };", "expected a module, a type or a constant but found 'strukt'"),
        ("module m { struct A { long a; }; }", "expected ';' but found the end"),
        ("const long X; struct A { long a; };", "expected '=' but found ';'"),
        ("enum E { A B };", "expected ',' but found 'B'"),
        ("union A switch (long) { long a; };", "expected 'case' or 'default' but found 'long'"),
        ("union A switch (long) { case 1: long a, b; };", "a case has one member"),
        ("union A { case 1: long a; };", "expected 'switch'"),
        ("struct A { long a; }; /* open", "no word of IDL, or does not end"),
        ('@verbatim(text="open) struct A { long a; };', "no word of IDL, or does not end"),
        ("struct A { long a; }; $", r"'\$' is no word of IDL"),
        ("struct A { long ä; };", "'ä; };' is no word of IDL"),
        ("@id(1 struct A { long a; };", "expected ','"),
        ("@verbatim(1 struct A { long a; };", r"expected '\)' but found the end"),
        ("@ struct", "expected a module, a type or a constant but found the end"),
        ("struct A { long a[089]; };", "089 is no octal number"),
        ("struct A { long a[" + "9" * 5000 + "]; };", "more than 64 bits"),
    ],
)
def test_errors_say_where_and_what(text: str, complaint: str) -> None:
    with pytest.raises(SchemaInvalid, match=complaint) as caught:
        root(text)
    assert caught.value.where == {"schema": "A"}


DEEP = 10_000


@pytest.mark.parametrize(
    "text",
    [
        "module m {" * DEEP,
        "struct A { " + "sequence<" * DEEP,
        "struct A { " + "struct B { " * DEEP,
        "struct A { long a[" + "(" * DEEP,
        "@x" + "(" * DEEP,
        "@id(" * DEEP,
        "struct A { long a" + "[1]" * DEEP + "; };",
        "struct A0 { long a; };"
        + "".join(f"struct A{n + 1} : A{n} {{ }};" for n in range(3000))
        + "typedef A3000 A;",
        "typedef long A0;"
        + "".join(f"typedef A{n} A{n + 1}{'[1]' * 30};" for n in range(30))
        + "struct A { A30 a; };",
        "typedef long A0;"
        + "".join(f"typedef A{n} A{n + 1};" for n in range(3000))
        + "struct A { A3000 a; };",
        "".join(f"const long C{n} = C{n + 1};" for n in range(3000))
        + "const long C3000 = 1; struct A { long a[C0]; };",
        "const long X = X; struct A { long a[X]; };",
        "enum E { @value(B) A, @value(A) B }; struct A { E e; };",
        "typedef A1 A2; typedef A2 A1; struct A { A1 a; };",
        "struct A : A { long a; };",
        "bitset B : B { bitfield<3> x; }; struct A { B b; };",
        "struct A { sequence<A> a; };",
        "struct B; struct A { B b; }; struct B { sequence<A, 1> a; };",
        "union U switch (long) { case 1: sequence<U> u; }; struct A { U u; };",
        "".join(f"struct L{n} {{ {' '.join(f'L{n + 1} f{i};' for i in range(10))} }};" for n in range(10))
        + "struct L10 { long a; }; struct A { L0 a; };",
        "".join(f"struct L{n} {{ L{n + 1} f; }};" for n in range(60))
        + "struct L60 { "
        + "sequence<" * 30
        + "long"
        + ">" * 30
        + " f; }; struct A { L0 a; };",
    ],
)
def test_hostile_text_is_refused_soon(text: str) -> None:
    with pytest.raises((SchemaInvalid, SchemaUnsupported)):
        root(text)


@pytest.mark.parametrize(
    "size",
    [
        "1" + "+1" * 10_000,
        "~" * 10_000 + "1",
        "(" * 10_000 + "1" + ")" * 10_000,
        "-" * 10_000 + "(1" + "*1" * 10_000 + ")",
    ],
)
def test_long_expressions_need_no_recursion(size: str) -> None:
    (item,) = root(f"struct A {{ octet a[{size}]; }};").fields

    assert isinstance(item.type, Sequence)


def test_long_chains_of_constants_are_fine() -> None:
    text = "const long C0 = 1;" + "".join(f"const long C{n + 1} = C{n} + 1;" for n in range(2000))

    (item,) = root(text + "struct A { octet a[C2000]; };").fields

    assert isinstance(item.type, Sequence)
    assert item.type.size == 2001


def test_many_columns_are_refused() -> None:
    with pytest.raises(SchemaUnsupported, match=f"more than the {MAX_LEAVES}"):
        root("struct A { " + "".join(f"long f{n};" for n in range(MAX_LEAVES + 1)) + "};")


def test_constants_have_the_kind_that_they_are_declared_with() -> None:
    text = """
    enum Color { RED, GREEN };
    typedef short Small; typedef Small Smaller;
    const Smaller S = 5; const Color C = GREEN; const wchar W = 'w'; const Missing M = 1; const char K = 'k';
    struct A { long a; };
    """

    assert root(text).constants == (
        Constant("S", Kind.INT16, 5),
        Constant("C", Kind.INT32, 1),
        Constant("K", Kind.UINT8, 107),
    )


def test_a_text_beyond_all_measure_is_refused() -> None:
    with pytest.raises(SchemaUnsupported, match="more than 2097152 characters"):
        root("struct A { long a; };" + " " * MAX_TEXT)


def test_a_long_name_makes_no_long_message() -> None:
    with pytest.raises(SchemaInvalid) as caught:
        root(f"struct A {{ {'a::' * 10_000}a x; }};")
    assert len(caught.value.message) < 400

"""Reading specs: values, places, and a diagnostic for everything unreadable."""

from __future__ import annotations

import json
import os
import time
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archc.diagnostics.model import Diagnostic, Sink, Span
from archc.source.document import Document, KeyPath, parse_document, read
from archc.source.positions import FilePlace, Part
from archc.source.values import MAX_DEPTH


def parsed(text: str, format: str = "toml") -> Document:
    sink = Sink()
    document = parse_document(text, f"spec.{format}", format, sink)
    assert document is not None, list(sink)
    assert not sink
    return document


def rejected(text: str, format: str = "toml") -> Diagnostic:
    """The first diagnostic of a text that must not parse."""
    sink = Sink()
    assert parse_document(text, f"spec.{format}", format, sink) is None
    return next(iter(sink))


def cut(text: str, span: Span) -> str:
    """The text that a span covers."""
    lines = text.split("\n")
    if span.line == span.end_line:
        return lines[span.line - 1][span.column - 1 : span.end_column - 1]
    first = lines[span.line - 1][span.column - 1 :]
    last = lines[span.end_line - 1][: span.end_column - 1]
    return "\n".join([first, *lines[span.line : span.end_line - 1], last])


SPEC = """\
# é: two bytes, one character
name = "net" # the name
"q é".x-y = 'lit'
a.b.c = 1

[network]
layers = [ # first
\t{ op = "conv2d", pad.size = [1, [2, 3]] },
  { name = "\u65e5\u672c", layers = [ { op = "relu" } ] }, # last
]

[blocks.basic . "wide"]
doc = \"\"\"
two lines\"\"\"

[[heads]]
name = "aux1"

[[heads]]
name = "aux2"
[heads.extra]
z = 1
[[heads.deep]]
y = 2
[blocks]
other = {}
"""

PLACES: list[tuple[KeyPath, Part, str]] = [
    (("name",), "value", '"net"'),
    (("name",), "key", "name"),
    (("name",), "item", 'name = "net"'),
    (("q é", "x-y"), "value", "'lit'"),
    (("q é", "x-y"), "key", "x-y"),
    (("q é",), "key", '"q é"'),
    (("q é",), "item", "\"q é\".x-y = 'lit'"),
    (("a", "b", "c"), "value", "1"),
    (("a", "b"), "key", "b"),
    (("network",), "key", "network"),
    (("network",), "value", "[network]"),
    (("network", "layers", 0, "op"), "value", '"conv2d"'),
    (("network", "layers", 0, "op"), "item", 'op = "conv2d"'),
    (("network", "layers", 0, "pad", "size", 1, 0), "value", "2"),
    (("network", "layers", 0, "pad", "size", 1), "value", "[2, 3]"),
    (
        ("network", "layers", 0),
        "value",
        '{ op = "conv2d", pad.size = [1, [2, 3]] }',
    ),
    (("network", "layers", 1, "layers", 0), "key", '{ op = "relu" }'),
    (("network", "layers", 1, "name"), "value", '"\u65e5\u672c"'),
    (("network", "layers", 1, "layers"), "key", "layers"),
    (("blocks",), "key", "blocks"),
    (("blocks",), "value", "[blocks]"),
    (("blocks", "basic", "wide"), "key", '"wide"'),
    (("blocks", "basic", "wide"), "value", '[blocks.basic . "wide"]'),
    (("blocks", "basic", "wide", "doc"), "value", '"""\ntwo lines"""'),
    (("blocks", "other"), "value", "{}"),
    (("heads",), "key", "heads"),
    (("heads", 0), "value", "[[heads]]"),
    (("heads", 1, "name"), "value", '"aux2"'),
    (("heads", 1, "extra"), "value", "[heads.extra]"),
    (("heads", 1, "extra", "z"), "item", "z = 1"),
    (("heads", 1, "deep", 0, "y"), "value", "2"),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("path", "part", "expected"), PLACES)
def test_places_in_toml(path: KeyPath, part: Part, expected: str, newline: str):
    document = parsed(SPEC.replace("\n", newline))
    span = document.locate(path, part)
    assert cut(document.text, span).replace("\r\n", "\n") == expected


def test_lists_of_tables_are_told_apart():
    document = parsed(SPEC)
    assert document.locate(("heads",)).line == SPEC.split("\n").index("[[heads]]") + 1
    second = document.locate(("heads", 1)).line
    assert second == document.locate(("heads", 0)).line + 3
    assert document.locate(("heads", 1, "name")).line == second + 1


@pytest.mark.parametrize(
    ("path", "part", "expected"),
    [
        (("layers", 1, "op"), "value", '"r\\u00e9lu"'),
        (("layers", 1, "op"), "key", '"op"'),
        (("layers", 1), "value", '{"op": "r\\u00e9lu", "n": 2}'),
        (("é\n",), "item", '"é\\n": {}'),
        (("layers", 1, "missing", 3), "key", '{"op": "r\\u00e9lu", "n": 2}'),
    ],
)
def test_places_in_json(path: KeyPath, part: Part, expected: str):
    text = '{"é\\n": {},\n "layers": [3,\n\t{"op": "r\\u00e9lu", "n": 2}]}\n'
    document = parsed(text, "json")
    assert cut(text, document.locate(path, part)) == expected


def test_a_missing_path_is_its_nearest_ancestor():
    document = parsed(SPEC)
    for path, expected in [
        (("network", "layers", 1, "repeat"), ("network", "layers", 1)),
        (("network", "input", 2), ("network",)),
        (("network", "layers", 9), ("network", "layers")),
        (("name", "x"), ("name",)),
    ]:
        assert document.locate(path, "key") == document.locate(expected)
    assert document.locate(("nothing", "here")) == Span(1, 1, 1, 1)
    assert document.locate(()) == Span(1, 1, 1, 1)


def test_columns_are_characters():
    document = parsed('a = ["日本", "\U0001f600é", "x"]\n')
    assert document.locate(("a", 2)) == Span(1, 18, 1, 21)


@pytest.mark.parametrize(
    ("source", "within", "expected"),
    [
        ('"planes * 4"', (0, 6), "planes"),
        ("'planes * 4'", (9, 10), "4"),
        (r'"a\tb\u00e9\U0001F600c"', (4, 6), r"\U0001F600c"),
        (r'"a\tb"', (1, 2), r"\t"),
        ('"""planes"""', (0, 2), "pl"),
        ('"""\nplanes"""', (0, 2), '"""\nplanes"""'),
        ('"ab"', (1, 9), '"ab"'),
        ("12", (0, 1), "12"),
        ('"日本語"', (1, 2), "本"),
        ('"ab"', (2, 2), ""),
    ],
)
def test_a_slice_of_a_string(source: str, within: tuple[int, int], expected: str):
    text = f"[b]\nx = [ {source} ]\n"
    document = parsed(text)
    assert cut(text, document.locate(("b", "x", 0), within=within)) == expected


def test_a_slice_of_a_json_string():
    text = r'{"x": "a\ud83d\ude00\n\"b\""}'
    span = parsed(text, "json").locate(("x",), within=(1, 4))
    assert cut(text, span) == r"\ud83d\ude00\n\""


def test_places_are_equal_by_document_path_and_part():
    one, two = parsed("a = 1"), parsed("a = 1")
    assert one.place(("a",)) == one.place(("a",))
    assert len({one.place(("a",)), one.place(("a",)), two.place(("a",))}) == 2
    assert one.place(("a",)) != one.place(("a",), "key")
    place = one.place(("a",))
    assert (place.file, place.text, place.span()) == (
        "spec.toml",
        "a = 1",
        Span(1, 5, 1, 6),
    )


# --- any data, written down in any of the ways it may be written

KEYS = st.text(st.sampled_from('abz_-0. é"日\t\\'), min_size=1, max_size=4)
LEAVES = (
    st.integers(-(10**6), 10**6)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.sampled_from('ab{}[],=#: é日\U0001f600\n\t\\"'), max_size=8)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=12,
)
TABLES = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


def quoted(value: Any) -> str:
    """A key, or a value that is neither table nor list, in TOML."""
    return json.dumps(value, ensure_ascii=False)


def toml_text(value: Any) -> str:
    """A value on one line of TOML."""
    if isinstance(value, dict):
        entries = cast(dict[str, Any], value).items()
        pairs = [f"{quoted(k)} = {toml_text(v)}" for k, v in entries]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        elements = [toml_text(v) + ",\n" for v in cast(list[Any], value)]
        return "[\n " + "\t".join(elements) + "]"
    return quoted(value)


def paths(value: Any, path: KeyPath = ()) -> list[tuple[KeyPath, Any]]:
    found: list[tuple[KeyPath, Any]] = [(path, value)] if path else []
    items: Any = ()
    if isinstance(value, dict):
        items = cast(dict[str, Any], value).items()
    elif isinstance(value, list):
        items = enumerate(cast(list[Any], value))
    for key, inner in items:
        found += paths(inner, (*path, key))
    return found


@given(TABLES)
def test_every_value_is_found_in_toml(data: dict[str, Any]):
    text = "".join(f"{quoted(k)}={toml_text(v)} # ]\n" for k, v in data.items())
    document = parsed(text)
    assert document.data == data
    for path, value in paths(data):
        written = cut(text, document.locate(path))
        assert tomllib.loads(f"x = {written}") == {"x": value}
        if isinstance(path[-1], str):
            key = cut(text, document.locate(path, "key"))
            assert tomllib.loads(f"{key} = 1") == {path[-1]: 1}


@given(st.dictionaries(KEYS, TABLES, min_size=1, max_size=3))
def test_every_value_is_found_below_headers(data: dict[str, Any]):
    text = ""
    for table, entries in data.items():
        name = quoted(table)
        text += f"[[{name}]]\n[ t.{name} ]\r\n"
        text += "".join(f"{name}.{quoted(k)}=1\n" for k in entries)
        text += f"[[{name}]]\n"
        text += "".join(f"{quoted(k)}={toml_text(v)}\n" for k, v in entries.items())
    document = parsed(text)
    checked = 0
    for table, entries in data.items():
        for key in entries:
            assert cut(text, document.locate(("t", table, table, key))) == "1"
        for path, value in paths(entries):
            written = cut(text, document.locate((table, 1, *path)))
            assert tomllib.loads(f"x = {written}") == {"x": value}
            checked += 1
    assert checked >= len(data)


@given(TABLES, st.sampled_from([None, 0, 2]), st.booleans())
def test_every_value_is_found_in_json(
    data: dict[str, Any], indent: int | None, ascii: bool
):
    text = json.dumps(data, indent=indent, ensure_ascii=ascii)
    document = parsed(text, "json")
    assert document.data == data
    for path, value in paths(data):
        assert json.loads(cut(text, document.locate(path))) == value
        if isinstance(path[-1], str):
            assert json.loads(cut(text, document.locate(path, "key"))) == path[-1]


@given(st.text(st.sampled_from('ab\\é日\U0001f600\n\t"'), min_size=1), st.data())
def test_any_slice_of_any_string_is_found(value: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(value)))
    end = data.draw(st.integers(start, len(value)))
    text = json.dumps({"x": value}, ensure_ascii=data.draw(st.booleans()))
    part = cut(text, parsed(text, "json").locate(("x",), within=(start, end)))
    assert json.loads(f'"{part}"') == value[start:end]


# --- texts that are not TOML or JSON

TOML_FAULTS = [
    # text, place of the fault, a word of the message, a word of the help
    ("a = [1, 2\nb = 3\n", (1, 10), "`[` is not closed", "`]`"),
    ("a = [\n {b = 1},\n\n[[heads]]\n", (3, 1), "`[` is not closed", "`]`"),
    ("a = [\n {b = 1},\n[ # c\n", (3, 1), "one more list", "`]`"),
    ("a = [\n {b = 1},\n [\n", (3, 3), "`[` is not closed", "`]`"),
    ("a = [\n {b = 1}\n {b = 2}\n]", (2, 9), "comma is missing", "`,`"),
    ("a = [{b = [1, 2 }]", (1, 17), "`[` is closed by `}`", "`]`"),
    ("a = [\n  b = 1, c = 2 },\n]", (2, 3), "`{` is missing", "{ }"),
    ("a = {b = 1\n}", (1, 11), "several lines", "one line"),
    ("a = [{b = 1,\n c = 2}]", (1, 13), "several lines", "one line"),
    ("a = [{b = 1,\n {c = 2}]", (1, 12), "`{` is not closed", "`}`"),
    ("a = {b = 1, }", (1, 11), "no comma behind its last", "remove"),
    ("a = {b = 1 c = 2}", (1, 11), "comma is missing", "`,`"),
    ("a = [{op = conv2d}]", (1, 12), "`conv2d` must stand in quotes", '"conv2d"'),
    ("a = 3 * n # c", (1, 5), "`3 * n` must stand in quotes", '"3 * n"'),
    ('a = relu"', (1, 5), "opening quote", '"relu"'),
    ("a = True", (1, 5), "no boolean", "`true`"),
    ("a = {b = None}", (1, 10), "no value", "leave the key out"),
    ("a: 1", (1, 2), "not `:`", "a ="),
    ("a =\nb = 1", (1, 3), "value is missing", "write"),
    ("a", (1, 1), "no value", "a ="),
    ("a 1", (1, 2), "`=` is missing", "a ="),
    ("a = (3, 3)", (1, 5), "square brackets", "[3, 3]"),
    ("a = 07", (1, 5), "`07`", "0"),
    ("é = 1", (1, 1), "`é` must stand in quotes", "A-Z"),
    ("café = 1", (1, 1), "`café` must stand in quotes", "A-Z"),
    ('a = "b\nc = 1', (1, 5), "no closing quote", '"'),
    ("a = 'b\nc = 1", (1, 5), "no closing quote", "'"),
    ("a = 'b\n'", (1, 5), "no closing quote", "one line"),
    ("a = 'b\n c'  # d", (1, 5), "no closing quote", "one line"),
    ("a = 'b\n c = 'd'", (1, 5), "no closing quote", "end it"),
    ("a = 'b\n'c = 'd'", (1, 5), "no closing quote", "one line"),
    ("a = 'b\n'c' = 'd'", (1, 5), "no closing quote", "end it"),
    ('a = """b\n', (1, 5), "no closing quote", '"""'),
    ('a = "\\d"', (1, 6), "escape", "\\\\"),
    ('a = [{n = "b, op = "relu"}]', (1, 21), "closing quote", "quotes"),
    ("a = 1,", (1, 6), "comma", "remove"),
    ("a = 1 // c", (1, 7), "comment", "#"),
    ('{"a": 1}', (1, 1), "JSON", ".json"),
    ("a = 1 ]", (1, 7), "closes nothing", "remove"),
    ("[a\nb = 1", (1, 1), "not closed by `]`", "[a]"),
    ("a = \u201cb\u201d", (1, 5), "typographic", "straight"),
    ("a = 1\r\n\r\nb = \r\n", (3, 3), "value is missing", "write"),
    ("a = " + "9" * 5000, (1, 5), "digits", "4300"),
    ("a = 1 b = 2", (1, 7), "one line", "new line"),
    ("a = 1979-02-31", (1, 5), "date", "quotes"),
]

JSON_FAULTS = [
    ("", (1, 1), "empty", "archc"),
    ('{"a": 1,}', (1, 8), "comma behind the last", "remove"),
    ('{"a": [1, 2,\n]}', (1, 12), "comma behind the last", "remove"),
    ("{a: 1}", (1, 2), "double quotes", '"a"'),
    ("{'a': 1}", (1, 2), "double quotes", '"a"'),
    ('{"a": True}', (1, 7), "no boolean", "`true`"),
    ('{"a": NaN}', (1, 7), "`NaN`", "finite"),
    ('{"a": "NaN", "b":\n-Infinity}', (2, 1), "`-Infinity`", "finite"),
    ('{"a": 1, // c\n "b": 2}', (1, 10), "no comment", "TOML"),
    ('{"a": 1 # c\n}', (1, 9), "no comment", "TOML"),
    ('{"a" = 1}', (1, 6), "not `=`", '"a":'),
    ('{"a" 1}', (1, 5), "`:` is missing", '"a":'),
    ('{"a": 1\n "b": 2}', (1, 8), "comma is missing", "`,`"),
    ('{"a": [1}', (1, 9), "`[` is closed by `}`", "`]`"),
    ('{"a": {"b": 1', (1, 14), "`{` is not closed", "`}`"),
    ('{"a": "b\n"}', (1, 7), "no closing quote", '"'),
    ('{"a": 1}}', (1, 9), "closes nothing", "remove"),
    ('{"a": n * 2}', (1, 7), "`n * 2` must stand in quotes", '"n * 2"'),
    ('{"a": "\\q"}', (1, 8), "escape", "\\\\"),
    ("[network]\na = 1", (1, 1), "TOML", ".toml"),
    ("archc = 1", (1, 1), "TOML", ".toml"),
]


@pytest.mark.parametrize(("text", "at", "message", "mend"), TOML_FAULTS)
def test_toml_syntax(text: str, at: tuple[int, int], message: str, mend: str):
    check_fault(rejected(text), at, message, mend)


@pytest.mark.parametrize(("text", "at", "message", "mend"), JSON_FAULTS)
def test_json_syntax(text: str, at: tuple[int, int], message: str, mend: str):
    check_fault(rejected(text, "json"), at, message, mend)


def check_fault(
    diagnostic: Diagnostic, at: tuple[int, int], message: str, mend: str
) -> None:
    span = diagnostic.place.span()
    assert (diagnostic.code, (span.line, span.column)) == ("syntax-error", at)
    assert message in diagnostic.message
    assert mend in (diagnostic.help or "")


def test_an_unclosed_bracket_is_shown():
    (label,) = rejected("x = 1\na = [\n 1,\nb = 2\n").labels
    assert label.place.span() == Span(2, 5, 2, 6)


@pytest.mark.parametrize(
    ("text", "second", "first"),
    [
        ("a = 1\nb = 2\na = 3", (3, 1, 2), (1, 1, 2)),
        ("[a]\nb = 1\n[c]\n[a]\n", (4, 2, 3), (1, 2, 3)),
        ("x = {k = 1, b = 2, k = [3]}", (1, 20, 21), (1, 6, 7)),
        ("[a]\nb.c = 1\nb.c = 2", (3, 1, 4), (2, 3, 4)),
        ("[[h]]\nn = 1\n[[h]]\nn = 2\nn = 3", (5, 1, 2), (4, 1, 2)),
        ("é = 1".replace("é", '"é"') + '\n"é".b = 2', (2, 1, 4), (1, 1, 4)),
        ("[a]\nb = 1\n[[a]]", (3, 3, 4), (1, 2, 3)),
        ("[[a]]\nb = 1\n[a]", (3, 2, 3), (1, 3, 4)),
    ],
)
def test_a_key_given_twice_in_toml(
    text: str, second: tuple[int, int, int], first: tuple[int, int, int]
):
    diagnostic = rejected(text)
    assert diagnostic.code == "duplicate-key"
    (label,) = diagnostic.labels
    for place, (line, column, end) in [
        (diagnostic.place, second),
        (label.place, first),
    ]:
        assert place.span() == Span(line, column, line, end)


def test_every_key_given_twice_in_json():
    sink = Sink()
    text = '{"a": 1, "b": [{"c": 1, "\\u0063": 2}],\n "a": 2}'
    assert parse_document(text, "s.json", "json", sink) is None
    found = sorted((d.place.span(), d.labels[0].place.span()) for d in sink)
    assert found == [
        (Span(1, 25, 1, 33), Span(1, 17, 1, 20)),
        (Span(2, 2, 2, 5), Span(1, 2, 1, 5)),
    ]
    assert {d.code for d in sink} == {"duplicate-key"}


NETWORK = """\
archc = 1
[network]
input = [3, 224, 224]
layers = [ # the stem
  { name = "conv1", op = "conv2d", kernel_size = [7, 7] },

  { merge = "concat", branches = [
    { name = "one", op = "relu" },
    { name = "two", layers = [
      { op = "relu" },
    ] },
  ] },
]

# a remark
[expect]
output = [1]
"""


def test_a_lost_character_is_missed_on_its_own_line():
    checked = 0
    for at, character in enumerate(NETWORK):
        if character not in '[]{},="':
            continue
        sink = Sink()
        text = NETWORK[:at] + NETWORK[at + 1 :]
        if parse_document(text, "f", "toml", sink) is not None:
            continue
        (diagnostic,) = sink
        line = NETWORK.count("\n", 0, at) + 1
        assert diagnostic.place.span().line == line, text
        assert diagnostic.help
        checked += 1
    assert checked > 60


def test_positions_as_newer_parsers_give_them(monkeypatch: pytest.MonkeyPatch):
    class Newer(tomllib.TOMLDecodeError):
        msg, lineno, colno = "Invalid value", 2, 5

    def loads(text: str) -> dict[str, Any]:
        raise Newer("Invalid value (in words of its own)")

    monkeypatch.setattr(tomllib, "loads", loads)
    check_fault(rejected("a = 1\nb = x\n"), (2, 5), "`x`", '"x"')


@pytest.mark.parametrize("data", ["[1]", '"x"', "null", " 3", "true"])
def test_json_that_is_no_object(data: str):
    assert rejected(data, "json").code == "not-a-table"


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("a = " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "toml"),
        ("a = " + "[" * 100_000, "toml"),
        ("a" + ".a" * 100_000 + " = 1", "toml"),
        ("[a" + ".a" * MAX_DEPTH + "]", "toml"),
        ('{"a":' * 100_000, "json"),
        ('{"a":' * (MAX_DEPTH + 2) + "1" + "}" * (MAX_DEPTH + 2), "json"),
    ],
)
def test_nesting_is_bounded(text: str, format: str):
    diagnostic = rejected(text, format)
    assert diagnostic.code == "nested-too-deeply"
    assert diagnostic.place.span().line == 1


def test_nesting_up_to_the_bound_is_read():
    parsed("a = " + "[" * MAX_DEPTH + "]" * MAX_DEPTH)
    parsed("a = '" + "a." * 500 + "'")


@given(st.text(st.sampled_from("ab=[]{}\"'\\\n,.#:1 -é"), max_size=30))
def test_no_text_raises(text: str):
    for format in ("toml", "json"):
        sink = Sink()
        document = parse_document(text, "f", format, sink)
        assert (document is None) == sink.failed
        lines = text.split("\n")
        for diagnostic in sink:
            for place in (diagnostic.place, *(x.place for x in diagnostic.labels)):
                span = place.span()
                assert span.column <= len(lines[span.line - 1]) + 1
                assert (span.line, span.column) <= (span.end_line, span.end_column)


# --- files


def failure(path: Path, at: FilePlace | None = None) -> Diagnostic:
    sink = Sink()
    assert read(path, sink, name="shown", at=at) is None
    (diagnostic,) = sink
    return diagnostic


def test_reading_a_file(tmp_path: Path):
    path = tmp_path / "net.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 'x'\r\nb = 2\r\n")
    sink = Sink()
    document = read(path, sink)
    assert document is not None
    assert document.data == {"a": "x", "b": 2}
    assert (document.path, document.name, document.format) == (path, str(path), "toml")
    assert document.locate(("a",)) == Span(1, 5, 1, 8)
    upper = tmp_path / "net.JSON"
    upper.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    other = read(upper, sink, name="n")
    assert other is not None and (other.data, other.name) == ({"a": 1}, "n")


def test_a_missing_file(tmp_path: Path):
    (tmp_path / "resnet34.toml").touch()
    diagnostic = failure(tmp_path / "resnet43.toml")
    assert diagnostic.code == "file-not-found"
    assert diagnostic.help == "did you mean `resnet34.toml`?"
    assert diagnostic.place.file == "shown"
    at = FilePlace("other.toml", "extends = 'x'", Span(1, 11, 1, 14))
    assert failure(tmp_path / "no" / "x.toml", at).place == at
    assert failure(tmp_path / "resnet34.toml" / "x.toml").code == "file-not-found"


def test_what_cannot_be_read(tmp_path: Path):
    (tmp_path / "dir.toml").mkdir()
    os.mkfifo(tmp_path / "pipe.toml")
    for name in ["dir.toml", "pipe.toml", "nul\0.toml", "long" * 100 + ".toml"]:
        assert failure(tmp_path / name).code == "file-unreadable", name


def test_permission_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.toml"
    path.touch()

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    diagnostic = failure(path)
    assert diagnostic.code == "file-unreadable"
    assert "permission" in diagnostic.message


@pytest.mark.parametrize("name", ["net.yaml", "net"])
def test_only_toml_and_json(tmp_path: Path, name: str):
    (tmp_path / name).touch()
    assert failure(tmp_path / name).code == "unknown-format"


def test_a_file_too_large(tmp_path: Path):
    path = tmp_path / "net.toml"
    with path.open("wb") as file:
        file.truncate(4 * 1024 * 1024 + 1)
    assert failure(path).code == "file-too-large"


@pytest.mark.parametrize(
    ("data", "at", "word"),
    [
        ("a = 1\nb = 'ü é'".encode("latin-1"), (2, 6), "0xFC"),
        ("é = '€'".encode() + b"\xff", (1, 8), "0xFF"),
        ("a = 1".encode("utf-16"), (1, 1), "UTF-16"),
        ("a = 1".encode("utf-32"), (1, 1), "UTF-32"),
        ("a = 1".encode("utf-16-le"), (1, 2), "UTF-16"),
    ],
)
def test_only_utf_8(tmp_path: Path, data: bytes, at: tuple[int, int], word: str):
    path = tmp_path / "net.toml"
    path.write_bytes(data)
    diagnostic = failure(path)
    span = diagnostic.place.span()
    assert diagnostic.code == "bad-encoding"
    assert (span.line, span.column) == at
    assert word in diagnostic.message
    assert "UTF-8" in (diagnostic.help or "")


def test_locating_is_linear():
    def seconds(nodes: int) -> float:
        line = '  { name = "layer-é", op = "conv2d", kernel_size = [3, 3] },\n'
        document = parsed("[network]\nlayers = [\n" + line * nodes + "]\n")
        start = time.process_time()
        for index in range(nodes):
            span = document.locate(("network", "layers", index, "op"))
            assert span.line == index + 3
        return time.process_time() - start

    seconds(10)
    # eight times the nodes; the least of several, as other processes disturb
    small, large = (min(seconds(n) for _ in range(4)) for n in (500, 4000))
    assert large < 40 * small

"""Showing diagnostics: carets under the right characters, in every form."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archc.diagnostics.model import Diagnostic, Label, Span
from archc.diagnostics.render import (
    render_github,
    render_json,
    render_text,
    summary_line,
    to_dict,
)
from archc.source.positions import FilePlace

TEXT = """\
layers = [
  { name = "a", op = "conv2d" },
  { name = "b", op = "relu" },
  { name = "c" },


  { merge = "concat", branches = [
    {},
  ] },
]
"""


def place(
    line: int,
    column: int,
    end: int,
    text: str = TEXT,
    file: str = "net.toml",
    end_line: int | None = None,
) -> FilePlace:
    return FilePlace(file, text, Span(line, column, end_line or line, end))


def test_one_place():
    shown = render_text(
        [Diagnostic("some-code", "it is wrong", place(2, 12, 15), (), "mend it")]
    )
    assert shown == (
        "error[some-code]: it is wrong\n"
        " --> net.toml:2:12\n"
        "  |\n"
        '2 |   { name = "a", op = "conv2d" },\n'
        "  |            ^^^\n"
        "  = help: mend it\n"
    )


def test_several_places_share_one_excerpt():
    labels = (
        Label(place(7, 5, 10), "merged here"),
        Label(place(2, 12, 15), "first"),
        Label(place(2, 22, 30), "its op"),
        Label(place(4, 5, 9), "this says so"),
        Label(place(1, 1, 2, "x = 1\n", "other.toml"), "elsewhere"),
    )
    shown = render_text(
        [Diagnostic("c", "m", place(4, 5, 9), labels, None, "warning", 3)]
    )
    assert shown == (
        "warning[c]: m\n"
        " --> net.toml:4:5\n"
        "  |\n"
        '2 |   { name = "a", op = "conv2d" },\n'
        "  |            ---       -------- its op\n"
        "  |            |\n"
        "  |            first\n"
        '3 |   { name = "b", op = "relu" },\n'
        '4 |   { name = "c" },\n'
        "  |     ^^^^ this says so\n"
        "...\n"
        '7 |   { merge = "concat", branches = [\n'
        "  |     ----- merged here\n"
        " ::: other.toml:1:1\n"
        "  |\n"
        "1 | x = 1\n"
        "  | - elsewhere\n"
        "  = note: the same mistake was met 3 times, reported once\n"
    )


def test_a_span_of_several_lines_shows_the_first():
    shown = render_text([Diagnostic("c", "m", place(7, 34, 4, end_line=9))])
    assert shown.endswith(
        '7 |   { merge = "concat", branches = [\n  |' + " " * 34 + "^\n"
    )


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def marked(shown: str) -> str:
    """What stands above the carets, by display columns."""
    lines = shown.split("\n")
    (at,) = [i for i, line in enumerate(lines) if "^" in line]
    start, end = lines[at].index("^"), lines[at].rindex("^") + 1
    out, column = "", 0
    for character in lines[at - 1]:
        if start <= column < end:
            out += character
        column += columns(character)
    return out


@given(
    st.text(st.sampled_from("abc \t日本é語.="), max_size=150),
    st.text(st.sampled_from("xyz日"), min_size=1, max_size=8),
    st.text(st.sampled_from("abc \t日本é語.="), max_size=150),
    st.integers(50, 120),
)
@example("=" * 28 + "\t" * 4, "xx", "", 50)  # to the last column
def test_carets_stand_under_what_is_meant(
    before: str, target: str, after: str, width: int
):
    line = before + target + after
    where = place(1, len(before) + 1, len(before) + len(target) + 1, line)
    shown = render_text([Diagnostic("c", "m", where)], width=width)
    assert marked(shown) == target
    assert all(columns(row) <= width for row in shown.split("\n"))


def test_a_long_line_is_cut_around_each_mark():
    line = "a" * 200 + "TARGET" + "b" * 200 + "LABEL" + "c" * 200
    label = Label(place(1, 407, 412, line), "and this")
    shown = render_text([Diagnostic("c", "m", place(1, 201, 207, line), (label,))])
    assert marked(shown) == "TARGET"
    rows = shown.split("\n")
    (at,) = [i for i, row in enumerate(rows) if "and this" in row]
    start = rows[at].index("-----")
    assert rows[at - 1][start : start + 5] == "LABEL"
    assert all(len(row) <= 100 for row in rows)
    assert shown.count("…") == 4


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("", Span(1, 1, 1, 1)),
        ("", Span(9, 9, 9, 9)),
        ("a\n", Span(2, 1, 2, 1)),
        ("a", Span(5, 5, 6, 1)),
        ("a", Span(1, 50, 1, 60)),
        ("a\r\nb", Span(1, 2, 1, 3)),
        ("a", Span(0, 0, 0, 0)),
    ],
)
def test_no_span_is_too_odd(text: str, span: Span):
    odd = FilePlace("f.toml", text, span)
    labels = (Label(odd, "here"), Label(FilePlace("g.toml", text, span), "there"))
    shown = render_text([Diagnostic("c", "m", odd, labels)])
    assert "error[c]: m" in shown and "f.toml" in shown and "there" in shown
    assert ("^" in shown) == bool(text)


def test_nothing_steers_the_terminal():
    evil = 'a = "\x1b[31m\u202e\x07"\r'
    bad = Diagnostic("c", evil, place(1, 1, 2, evil, evil), (), evil)
    shown = render_text([replace(bad, labels=(Label(place(1, 3, 4, evil), evil),))])
    assert shown and not set(shown) & {"\x1b", "\u202e", "\x07", "\r"}


def test_colour_changes_no_text():
    labels = (Label(place(2, 3, 5), "label"), Label(place(2, 8, 9), "other"))
    found = [Diagnostic("c", "m", place(2, 12, 15), labels, "help")]
    plain, coloured = render_text(found), render_text(found, color=True)
    assert "\x1b[1;31m^^^" in coloured
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_diagnostics_are_sorted():
    found = [
        Diagnostic("c3", "m", place(1, 1, 2, file="other.toml")),
        Diagnostic("c2", "m", place(7, 1, 2)),
        Diagnostic("c1", "m", place(2, 9, 10)),
        Diagnostic("c0", "m", place(2, 3, 4)),
    ]
    order = re.findall(r"\[(c\d)\]", render_text(found))
    assert order == ["c0", "c1", "c2", "c3"]
    assert [d["code"] for d in json.loads(render_json(found))] == order
    assert re.findall(r"title=(c\d)", render_github(found)) == order


def test_json():
    label = Label(place(1, 1, 2, "x", "other.toml"), "there")
    diagnostic = Diagnostic("c", "é", place(7, 34, 4, end_line=9), (label,), "h")
    expected: dict[str, Any] = {
        "code": "c",
        "severity": "error",
        "message": "é",
        "file": "net.toml",
        "line": 7,
        "column": 34,
        "end_line": 9,
        "end_column": 4,
        "labels": [
            {
                "message": "there",
                "file": "other.toml",
                "line": 1,
                "column": 1,
                "end_line": 1,
                "end_column": 2,
            }
        ],
        "help": "h",
        "fix": None,
    }
    assert to_dict(diagnostic) == expected
    assert json.loads(render_json([diagnostic])) == [expected]
    assert json.loads(render_json([])) == []
    assert to_dict(replace(diagnostic, help=None))["help"] is None


def test_github():
    diagnostic = Diagnostic(
        "c", "50% a:b,\r\nx", place(2, 3, 5, file="a,b:c%.toml"), (), "mend"
    )
    assert render_github([diagnostic]) == (
        "::error file=a%2Cb%3Ac%25.toml,line=2,col=3,endLine=2,endColumn=5,"
        "title=c::50%25 a:b,%0D%0Ax%0Ahelp: mend\n"
    )


@pytest.mark.parametrize(
    ("errors", "warnings", "expected"),
    [
        (0, 0, "no errors"),
        (1, 0, "1 error"),
        (2, 1, "2 errors, 1 warning"),
        (0, 2, "2 warnings"),
    ],
)
def test_summary(errors: int, warnings: int, expected: str):
    error = Diagnostic("c", "m", place(1, 1, 2))
    warning = replace(error, severity="warning")
    assert summary_line([error] * errors + [warning] * warnings) == expected

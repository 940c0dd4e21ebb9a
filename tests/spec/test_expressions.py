"""Expressions mean what they mean in Python, whatever of them is known when."""

from __future__ import annotations

import ast
import contextlib
import math
import re
import warnings
from collections.abc import Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archc.spec.expressions import (
    FUNCTIONS,
    Binary,
    Const,
    Expr,
    ExpressionError,
    Field,
    IfExp,
    Index,
    ListOf,
    Name,
    Row,
    RowOf,
    Value,
    as_expr,
    choose,
    evaluate,
    parse,
    to_source,
)
from tests.spec.trees import environments, expressions

# each run draws anew; what is needed to repeat a failure is printed with it
_random = settings(max_examples=600, deadline=None, print_blob=True, database=None)
_ENVIRONMENT = {
    "whole": 3,
    "width": 64,
    "float": -7.7,
    "flag": True,
    "text": "same",
    "list": (4, 0.5, True),
    "pairs": ((1, 2), (3,)),
}


def _python(source: str, names: Mapping[str, Value]) -> object:
    """Python's own value of what was printed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(source, {"math": math, **names})


def _same(left: object, right: object) -> bool:
    """Equal in value and type; 1, 1.0 and True are three values here."""
    return repr(left) == repr(right)


def _parsed(source: str) -> Expr:
    """What was printed, read again; the language has `ceil` where Python imports it."""
    return parse(source.replace("math.", ""))


@_random
@given(expressions())
def test_what_is_printed_is_read_again(expr: Expr) -> None:
    assert _parsed(to_source(expr)) == expr


@_random
@given(expressions(), environments())
def test_numbers_are_pythons(expr: Expr, names: dict[str, Value]) -> None:
    try:
        value = evaluate(expr, names)
    except ExpressionError:
        return  # bounds and lists are stricter than Python's
    assert _same(value, _python(to_source(expr), names))


@settings(_random, max_examples=1500)
@given(expressions(), environments(), st.sets(st.sampled_from(sorted(_ENVIRONMENT))))
@example(parse("flag and 1"), _ENVIRONMENT, {"flag"})
@example(parse("text == 'same' and whole"), _ENVIRONMENT, {"text"})
@example(parse("text in ['same', 'valid']"), _ENVIRONMENT, {"text"})
@example(parse("'same' in ['valid', text]"), _ENVIRONMENT, {"text"})
@example(parse("not text not in list"), _ENVIRONMENT, {"list"})
@example(parse("log2(width) * 1"), _ENVIRONMENT, {"width"})
@example(parse("int(log2(width)) // 1"), _ENVIRONMENT, {"width"})
@example(parse("list or 3"), _ENVIRONMENT, {"list"})
@example(parse("0 or whole"), _ENVIRONMENT, {"whole"})
@example(parse("whole and 1 and flag"), _ENVIRONMENT, {"whole", "flag"})
@example(parse("whole and 0 and flag"), _ENVIRONMENT, {"whole", "flag"})
@example(parse("flag * 1"), _ENVIRONMENT, {"flag"})
@example(parse("flag + 0"), _ENVIRONMENT, {"flag"})
@example(parse("float // 1"), _ENVIRONMENT, {"float"})
@example(parse("whole / 1"), _ENVIRONMENT, {"whole"})
@example(parse("whole * 1.0"), _ENVIRONMENT, {"whole"})
@example(parse("whole + 0.0"), _ENVIRONMENT, {"whole"})
@example(parse("float - float"), _ENVIRONMENT, {"float"})
@example(parse("float * 4 // 2"), _ENVIRONMENT, {"float"})
@example(parse("float * 3 * 5"), _ENVIRONMENT | {"float": 0.1}, {"float"})
@example(parse("float + 1 + 1"), _ENVIRONMENT | {"float": 0.1}, {"float"})
@example(parse("3.3 + (float - 3.3)"), _ENVIRONMENT | {"float": 0.1}, {"float"})
@example(parse("whole * 2.0 + whole * 2"), _ENVIRONMENT, {"whole"})
@example(parse("flag if flag != 1 else 1"), _ENVIRONMENT, {"flag"})
@example(parse("1 if flag else True"), _ENVIRONMENT, {"flag"})
@example(parse("whole // 0 if flag else 1"), _ENVIRONMENT | {"flag": False}, {"flag"})
@example(parse("width < whole < 1 // 0"), _ENVIRONMENT, {"width"})
@example(parse("width and whole // 0"), _ENVIRONMENT | {"width": 0}, {"width"})
def test_symbols_are_filled_in(
    expr: Expr, names: dict[str, Value], symbols: set[str]
) -> None:
    """An expression with symbols is worth what it would have been worth at once."""
    mixed = dict(names)
    for name in symbols:
        mixed[name] = Name(name, whole=name.startswith("w"))
    try:
        value = evaluate(expr, names)
    except ExpressionError:
        with contextlib.suppress(ExpressionError):
            evaluate(expr, mixed)
        return
    partly = evaluate(expr, mixed)
    assert _same(evaluate(as_expr(partly), names), value), to_source(partly)
    assert _same(_python(to_source(partly), names), value), to_source(partly)


_SIGNS = "+-*/%<>=()[],:.1x'!&|@~#{}\n\t\0\ud800ﬁ\\"
_WORDS = st.sampled_from(
    [
        *_SIGNS,
        "//",
        "**",
        "==",
        "!=",
        ":=",
        " and ",
        " or ",
        " not ",
        " if ",
        " else ",
        " in ",
        " is ",
        " for x in ",
        "lambda ",
        "await ",
        "yield ",
        "max",
        "len",
        "print",
        "f'{x}'",
        "...",
        "1.5",
        "1e999",
        "0x1",
        "1j",
        "None",
        "True",
        "9" * 30,
    ]
)
_ALLOWED = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp,
    ast.Subscript, ast.Slice, ast.Call, ast.Name, ast.Constant, ast.Load,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow,
    ast.USub, ast.UAdd, ast.Not, ast.And, ast.Or,
    ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
    ast.In, ast.NotIn, ast.List, ast.Tuple, ast.Attribute,
)  # fmt: skip


@settings(_random, max_examples=1500)
@given(st.lists(_WORDS, max_size=12).map("".join) | st.text(max_size=30))
@example("1 # one")
@example("max(*x)")
@example("max(x for x in y)")
@example("x.real")
@example("x[0].y.z")
@example("(1).real")
@example("x.__class__")
@example("x[1, 2]")
@example("[1, 2][0]")
def test_nothing_but_the_language_parses(text: str) -> None:
    try:
        expr = parse(text)
    except ExpressionError as error:
        assert error.message
        assert error.at is None or 0 <= error.at[0] <= error.at[1] <= len(text) + 1
        return
    assert "#" not in text
    source = text.replace("\n", " ").replace("\r", " ").strip()
    for node in ast.walk(ast.parse(source, mode="eval")):
        assert isinstance(node, _ALLOWED), text
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_"), text
            assert isinstance(node.value, ast.Name | ast.Subscript | ast.Attribute)
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, bool | int | float | str), text
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS
            assert not node.keywords
    assert _parsed(to_source(expr)) == expr


@pytest.mark.parametrize(
    ("text", "names", "printed"),
    [
        ("x * 2 * 2", ("x",), "x * 4"),
        ("2 * x", ("x",), "x * 2"),
        ("x + 1 + 1", ("x",), "x + 2"),
        ("x + 1 - 3", ("x",), "x - 2"),
        ("x * 4 // 2", ("x",), "x * 2"),
        ("x * 1 + 0", ("x",), "x"),
        ("x // 1", ("x",), "x"),
        ("x - x", ("x",), "0"),
        ("x * 4 + y - x * 4", ("x", "y"), "y"),
        ("x * 4 - (y + x * 4)", ("x", "y"), "-y"),
        ("x + y - (y - x)", ("x", "y"), "x * 2"),
        ("(x * 8 + 4) // 4", ("x",), "x * 2 + 1"),
        ("x * y // y", ("x", "y"), "x"),
        ("x[len(x) - 1]", ("x",), "x[-1]"),
        ("x[len(x) - 2]", ("x",), "x[len(x) - 2]"),
        ("x + x", ("x",), "x * 2"),
        ("x * 2 - x", ("x",), "x"),
        ("x + y + x * 2", ("x", "y"), "x * 3 + y"),
        ("x * 2 - y - x * 2 + y", ("x", "y"), "0"),
        ("x + 3 - (y + 5)", ("x", "y"), "x - y - 2"),
        ("x * 6 // 4", ("x",), "x * 3 // 2"),
        ("x // 2 // 2", ("x",), "x // 4"),
        ("max(x, x + 0)", ("x",), "x"),
        ("min(x, y)", ("x", "y"), "min(x, y)"),
        ("x + (y - x)", ("x", "y"), "y"),
        ("x * y if y != 1 else x", ("x", "y"), "x * y"),
        ("x if x != y else y", ("x", "y"), "x"),
        ("x[0] * 1", ("x",), "x[0]"),
        ("len(x) * 1", (), "len(x)"),
        ("int(x) // 1", (), "int(x)"),
    ],
)
def test_whole_numbers_are_simplified(
    text: str, names: tuple[str, ...], printed: str
) -> None:
    mixed = {n: Name(n, whole=n in names) for n in ("x", "y")}
    assert to_source(evaluate(parse(text), mixed)) == printed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a' == 'a'", True),
        ("'a' != \"a\"", False),
        ("'a' == 1", False),
        ("'a' in ['a', 'b']", True),
        ("'c' not in ('a', 'b')", True),
        ("2 in x", True),
        ("'a' if 2 in x else 'b'", "a"),
        ("log2(8)", 3.0),
    ],
)
def test_words(text: str, value: object) -> None:
    assert _same(evaluate(parse(text), {"x": (1, 2)}), value)


@pytest.mark.parametrize(
    "text",
    ["'a' + 'b'", "'a' * 2", "'a' < 'b'", "'a' in 'abc'", "len('a')", "'abc'[0]",
     "'a\\n'", "b'a'", "f'{x}'", "'a' in [*x]", "log2(0)", "1 in 2"],
)  # fmt: skip
def test_what_words_are_not_for(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(parse(text), {"x": (1, 2)})
    with pytest.raises(ExpressionError):
        evaluate(parse(text), {"x": Name("x")})


def test_equal_numbers_of_another_type_are_not_the_same() -> None:
    assert len({Const(1), Const(1.0), Const(True)}) == 3
    assert ListOf((1, Name("x"))) != ListOf((True, Name("x")))
    assert choose(Name("x"), 1, True) == IfExp(Name("x"), Const(1), Const(True))
    assert Binary("+", Name("x"), Const(0.0)) != Binary("+", Name("x"), Const(-0.0))


@pytest.mark.parametrize("text", ["x + 1", "1 + x", "-x", "x < 1", "abs(x)", "x ** x"])
def test_a_list_is_no_number(text: str) -> None:
    """Beside a symbol too, where nothing is computed yet."""
    with pytest.raises(ExpressionError):
        evaluate(parse(text.replace("1", "y")), {"x": (1, 2), "y": 1})
    if "1" in text and "<" not in text:
        with pytest.raises(ExpressionError):
            evaluate(parse(text.replace("1", "y")), {"x": (1, 2), "y": Name("y")})


def test_fields_of_rows() -> None:
    rows = (Row(("depth", "width"), (3, 64)), Row(("depth", "width"), (4, 128)))
    names = {"stages": rows, "s": 1}
    assert evaluate(parse("stages[s].depth * stages[0].width"), names) == 256
    assert evaluate(parse("len(stages[1:])"), names) == 1
    assert evaluate(parse("stages[-1]"), names) == rows[1]
    for text, message in (
        ("stages[0].dpth", "has no field `dpth`"),
        ("stages.depth", "only each of its rows"),
        ("s.depth", "a number has no field"),
        ("stages[0] + 1", "needs numbers, not a row"),
        ("stages[2].depth", "out of range"),
    ):
        with pytest.raises(ExpressionError, match=re.escape(message)):
            evaluate(parse(text), names)


def test_fields_of_rows_that_are_symbols() -> None:
    stages = Name("stages", fields=frozenset({"depth"}))
    depth = evaluate(
        parse("stages[s].depth * 2 * 2"), {"stages": stages, "s": Name("s")}
    )
    assert to_source(depth) == "stages[s].depth * 4"
    share = evaluate(parse("stages[0].share * 2 * 2"), {"stages": stages})
    assert to_source(share) == "stages[0].share * 2 * 2"  # floats round twice
    row = RowOf(("depth", "width"), (Name("n"), 64))
    assert evaluate(row, {"n": 3}) == Row(("depth", "width"), (3, 64))
    assert (
        evaluate(Field(Index(ListOf((row,)), Const(0)), "width"), {"n": Name("n")})
        == 64
    )

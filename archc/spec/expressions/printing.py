"""From an expression to Python's source."""

from __future__ import annotations

import re

from archc.spec.expressions.tree import (
    Binary,
    BoolOp,
    Call,
    Compare,
    Const,
    Expr,
    Field,
    IfExp,
    Index,
    ListOf,
    Name,
    RowOf,
    Slice,
    Unary,
    Value,
    as_expr,
)

_PRECEDENCE = {
    "or": 1,
    "and": 2,
    "not": 3,
    "compare": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "//": 6,
    "%": 6,
    "unary": 7,
    "**": 8,
    "atom": 9,
}


def to_source(value: Value) -> str:
    """A value or expression as Python source, spaced as Black and Ruff space it."""
    return _print(as_expr(value))[0]


def number_source(value: float | str) -> str:
    """A number as people write it: 1e-6, where `repr` has 1e-06. A word is quoted."""
    if isinstance(value, str):
        return f'"{value}"'
    return re.sub(
        r"e([+-])0+(?=\d)", lambda m: "e-" if m[1] == "-" else "e", repr(value)
    )


def _print(expr: Expr) -> tuple[str, int]:
    match expr:
        case Const():
            text = number_source(expr.value)
            return text, _PRECEDENCE["unary" if text[0] == "-" else "atom"]
        case Name():
            return expr.id, _PRECEDENCE["atom"]
        case Unary():
            level = _PRECEDENCE["not" if expr.op == "not" else "unary"]
            gap = " " if expr.op == "not" else ""
            return f"{expr.op}{gap}{_wrapped(expr.operand, level)}", level
        case Binary():
            return _print_binary(expr)
        case Compare():
            level = _PRECEDENCE["compare"]
            parts = [_wrapped(o, level + 1) for o in expr.operands]
            text = parts[0]
            for op, part in zip(expr.ops, parts[1:], strict=True):
                text += f" {op} {part}"
            return text, level
        case BoolOp():
            level = _PRECEDENCE[expr.op]
            # Ruff wants brackets around an `and` inside an `or`
            parts = [_wrapped(o, _PRECEDENCE["not"]) for o in expr.operands]
            return f" {expr.op} ".join(parts), level
        case IfExp():
            test, body = _wrapped(expr.test, 1), _wrapped(expr.body, 1)
            return f"{body} if {test} else {_wrapped(expr.orelse, 0)}", 0
        case Index():
            return f"{_wrapped(expr.value, 9)}[{to_source(expr.index)}]", 9
        case Slice():
            return _print_slice(expr), 9
        case Field():
            return f"{_wrapped(expr.value, 9)}.{expr.name}", 9
        case Call():
            name = f"math.{expr.function}" if expr.function in _MATH else expr.function
            return f"{name}({', '.join(to_source(a) for a in expr.args)})", 9
        case ListOf():
            items = ", ".join(to_source(i) for i in expr.items)
            return f"({items}{',' if len(expr.items) == 1 else ''})", 9
        case RowOf():
            pairs = zip(expr.fields, expr.items, strict=True)
            return f"({', '.join(f'{name}={to_source(v)}' for name, v in pairs)})", 9
        case _:
            raise TypeError(expr)


_MATH = frozenset({"ceil", "floor", "log2"})


def _wrapped(expr: Expr, level: int) -> str:
    text, own = _print(expr)
    return text if own >= level else f"({text})"


def _print_binary(expr: Binary) -> tuple[str, int]:
    level = _PRECEDENCE[expr.op]
    if expr.op == "**":
        left, right = _wrapped(expr.left, level + 1), _wrapped(expr.right, level - 1)
        simple = isinstance(expr.left, Name | Const) and isinstance(
            expr.right, Name | Const
        )
        return f"{left}{'**' if simple else ' ** '}{right}", level
    left, right = _wrapped(expr.left, level), _wrapped(expr.right, level + 1)
    return f"{left} {expr.op} {right}", level


def _print_slice(expr: Slice) -> str:
    bounds = [b for b in (expr.lower, expr.upper) if b is not None]
    simple = all(isinstance(b, Name | Const) for b in bounds)
    lower = "" if expr.lower is None else to_source(expr.lower)
    upper = "" if expr.upper is None else to_source(expr.upper)
    left = f"{lower} " if lower and not simple else lower
    right = f" {upper}" if upper and not simple else upper
    step = "" if expr.step is None else f":{to_source(expr.step)}"
    return f"{_wrapped(expr.value, 9)}[{left}:{right}{step}]"

"""The operations of the language on values.

Numbers are checked and computed with; where a value is an expression over symbols, the
result is one again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from archc.diagnostics.suggest import did_you_mean
from archc.spec.expressions.errors import ExpressionError, too_large, wrong_value
from archc.spec.expressions.rows import Row, rows_in
from archc.spec.expressions.tree import (
    Binary,
    Call,
    Const,
    Expr,
    Field,
    Index,
    ListOf,
    Number,
    RowOf,
    Slice,
    Unary,
    Value,
    as_expr,
    combined,
    is_whole,
)

MAX_MAGNITUDE = 2**62

_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language, and how many arguments it takes."""

    compute: Callable[..., Any]
    least: int = 1
    most: int = 1


SIGNATURES = {
    "len": Function(len),
    "min": Function(min, most=20),
    "max": Function(max, most=20),
    "sum": Function(sum),
    "abs": Function(abs),
    "round": Function(round, most=2),
    "int": Function(int),
    "ceil": Function(math.ceil),
    "floor": Function(math.floor),
    "log2": Function(math.log2),
}
FUNCTIONS = frozenset(SIGNATURES)
_TO_WHOLE = frozenset({"int", "round", "ceil", "floor"})
"""What changes nothing about a whole number."""


def bounded(value: object) -> Number:
    """A number that a network may need.

    Raises:
        ExpressionError: if it is complex or out of bounds.
    """
    if not isinstance(value, int | float):
        raise wrong_value("the value is not a real number")
    if not abs(value) <= MAX_MAGNITUDE:
        raise too_large()
    return value


def binary(op: str, left: Value, right: Value) -> Value:
    """`left op right`."""
    left, right = _number(f"`{op}`", left), _number(f"`{op}`", right)
    if isinstance(left, Expr) or isinstance(right, Expr):
        return combined(op, left, right)
    try:
        if op == "**":
            _check_power(left, right)
        return bounded(_BINARY[op](left, right))
    except ZeroDivisionError:
        raise wrong_value(f"division by zero: {left} {op} {right}") from None
    except OverflowError:
        raise too_large() from None


def _check_power(base: Number, exponent: Number) -> None:
    if not isinstance(base, int) or not isinstance(exponent, int):
        return
    if exponent > 0 and (abs(base).bit_length() - 1) * exponent > 64:
        raise too_large()


def unary(op: str, value: Value) -> Value:
    """`-value`, `+value` or `not value`."""
    if isinstance(value, Expr):
        return Unary(op, value)
    if op == "not":
        return not value
    number = _number(f"`{op}`", value)
    assert not isinstance(number, Expr)
    return -number if op == "-" else +number


def compare(op: str, left: Value, right: Value) -> bool:
    """`left op right` of two values without symbols."""
    if op in ("in", "not in"):
        if not isinstance(right, tuple):
            raise wrong_value(f"`{op}` needs a list, not {_describe(right)}")
    elif op not in ("==", "!="):
        for value in (left, right):
            _number(f"`{op}`", value)
    return _COMPARE[op](left, right)


def index(value: Value, at: Value) -> Value:
    """`value[at]`."""
    if isinstance(value, ListOf) and isinstance(at, int):
        value = value.items
    if isinstance(value, Expr) or isinstance(at, Expr):
        match at:
            case Binary(op="-", left=Call(function="len", args=(of,))) if of == value:
                if at.right == Const(1):
                    return Index(as_expr(value), Const(-1))
            case _:
                pass
        return Index(as_expr(value), as_expr(at))
    items = _items(value, "indexed")
    if not isinstance(at, int) or isinstance(at, bool):
        raise wrong_value(f"{at} is no list index")
    if not -len(items) <= at < len(items):
        there = f"{len(items)} items, numbered 0 to {len(items) - 1}"
        raise wrong_value(
            f"index {at} is out of range: the list"
            f" {f'has {there}' if items else 'is empty'}",
        )
    return items[at]


def field_of(value: Value, name: str) -> Value:
    """`value.name`."""
    if isinstance(value, Row | RowOf):
        if name not in value.fields:
            raise ExpressionError(
                "expression-value",
                f"the row has no field `{name}`",
                help=did_you_mean(name, value.fields),
            )
        return value.items[value.fields.index(name)]
    if isinstance(value, Expr):
        return Field(value, name)
    only = "each of its rows" if rows_in(value) else "a row"
    raise wrong_value(f"{_describe(value)} has no field `{name}`, only {only} has")


def cut(value: Value, bounds: Sequence[Value | None]) -> Value:
    """`value[lower:upper:step]`."""
    if isinstance(value, Expr) or any(isinstance(b, Expr) for b in bounds):
        lower, upper, step = (None if b is None else as_expr(b) for b in bounds)
        return Slice(as_expr(value), lower, upper, step)
    items = _items(value, "sliced")
    whole = [b for b in bounds if b is None or isinstance(b, int)]
    if len(whole) < len(bounds) or whole[2] == 0:
        raise wrong_value("slice bounds must be integers")
    return items[slice(*whole)]


def _items(value: Value, what: str) -> tuple[Value, ...]:
    if isinstance(value, tuple):
        return value
    raise wrong_value(f"{_describe(value)} cannot be {what}, only a list can")


def call(name: str, args: Sequence[Value]) -> Value:
    """`name(*args)`."""
    if name == "len" and isinstance(args[0], ListOf):
        return len(args[0].items)
    if any(isinstance(a, Expr) for a in args):
        if name in _TO_WHOLE and len(args) == 1 and is_whole(args[0]):
            return args[0]
        given = tuple(map(as_expr, args))
        equal = set(given[1:]) == set(given[:1]) and all(map(is_whole, args))
        if equal and name in ("min", "max"):
            return given[0]
        return Call(name, given)
    only = args[0] if len(args) == 1 else None
    if name in ("len", "sum") and not isinstance(only, tuple):
        raise wrong_value(f"`{name}` needs a list, not {_describe(args[0])}")
    items = only if isinstance(only, tuple) else args
    if name in ("min", "max") and not items:
        raise wrong_value(f"`{name}` of an empty list")
    if name != "len":
        for item in items:
            _number(f"`{name}`", item)
    if name == "round" and len(args) > 1 and args[1] not in range(-20, 21):
        raise wrong_value(f"`round` to {args[1]} digits; -20 to 20 are possible")
    try:
        return bounded(SIGNATURES[name].compute(*args))
    except (TypeError, ValueError):
        raise wrong_value(f"`{name}` does not take such arguments") from None
    except OverflowError:
        raise too_large() from None


def _number(what: str, value: Value) -> Number | Expr:
    if isinstance(value, int | float | Expr):
        return value
    raise wrong_value(f"{what} needs numbers, not {_describe(value)}")


def _describe(value: object) -> str:
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case tuple() | ListOf():
            return "a list"
        case str():
            return "text"
        case Row() | RowOf():
            return "a row"
        case _:
            return "no number"

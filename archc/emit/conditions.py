"""Conditions as a person would write them, once numbers stand in for some names."""

from __future__ import annotations

from typing import Any

from archc.spec.expressions import (
    Binary,
    BoolOp,
    Call,
    Compare,
    Const,
    Expr,
    IfExp,
    Unary,
    is_tuple,
    is_whole,
)
from archc.spec.model import Arg

_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPPOSITE = {
    "==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<",
    "in": "not in", "not in": "in", "is": "is not", "is not": "is",
}  # fmt: skip


def tidy(value: Any) -> Any:
    """An expression with the number on the right of each comparison."""
    if is_tuple(value):
        return tuple(tidy(v) for v in value)
    if not isinstance(value, Expr):
        return value
    made = type(value)(*(tidy(getattr(value, slot)) for slot in value.__slots__))
    match made:
        case Compare(ops=(op,), operands=(Const() as number, other)) if (
            op in _MIRRORED and not isinstance(other, Const)
        ):
            return Compare((_MIRRORED[op],), (other, number))
        case Unary(op="not", operand=Compare(ops=(op,), operands=pair)):
            return Compare((_OPPOSITE[op],), pair)
        case IfExp(test=test, body=body, orelse=orelse):
            known = as_condition(test)
            if not isinstance(known, Expr):
                return body if known else orelse
            first, second = _where(known, body, True), _where(known, orelse, False)
            if isinstance(second, IfExp) and first == second.body:
                known, second = either(known, second.test), second.orelse
            return first if first == second else IfExp(known, first, second)
        case _:
            return made


def either(test: Expr, other: Expr) -> Expr:
    """Whether one of two tests holds: `n > 0` is that for `n > 1` and `n > 0`."""
    match test, other:
        case (
            Compare(ops=(">",), operands=(x, Const(value=int(first)))),
            Compare(ops=(">",), operands=(same, Const(value=int(second)))),
        ) if x == same:
            return test if first <= second else other
        case BoolOp(op="or", operands=operands), _:
            return BoolOp("or", (*operands, other))
        case _:
            return BoolOp("or", (test, other))


def _where(test: Expr, value: Expr, outcome: bool) -> Expr:
    """What a value is where a test comes out so: the test is not asked again; what is
    even then, and rounded to an even number, is itself."""
    while isinstance(value, IfExp) and value.test == test:
        value = value.body if outcome else value.orelse
    match test:
        case Compare(
            ops=("==" | "!=" as op,),
            operands=(Binary(op="%", left=x, right=Const(value=2)), Const(value=rest)),
        ) if rest in (0, 1) and is_whole(x):
            is_even = (op == "==") == outcome if rest == 0 else (op == "!=") == outcome
            return _unrounded(value, x) if is_even else value
        case _:
            return value


def _unrounded(value: Expr, even: Expr) -> Expr:
    """A value in which a number that is even is nowhere rounded to an even one."""
    two = Const(2)
    rounded = (
        Binary("*", Call("ceil", (Binary("/", even, two),)), two),
        Binary("*", Binary("//", even, two), two),
    )
    if value in rounded:
        return even
    parts = (getattr(value, slot) for slot in value.__slots__)
    return type(value)(
        *(_unrounded(p, even) if isinstance(p, Expr) else p for p in parts)
    )


def as_condition(value: Arg) -> Expr | bool:
    """An expression of which only the truth matters; True or False where it is
    known."""
    match value:
        case Expr():
            pass
        case _:
            return bool(value)
    match value:
        case Const(value=number):
            return bool(number)
        case Unary(op="not", operand=operand):
            inner = as_condition(operand)
            return Unary("not", inner) if isinstance(inner, Expr) else not inner
        case BoolOp(op=op, operands=operands):
            decides = op == "or"
            parts = [as_condition(o) for o in operands]
            if any(p is decides for p in parts):
                return decides
            kept = tuple(p for p in parts if isinstance(p, Expr))
            if len(kept) < 2:
                return kept[0] if kept else not decides
            return BoolOp(op, kept)
        case _:
            return value


def decided(made: Expr) -> Expr:
    """An expression without choices that are made: `1 or n` is 1."""
    match made:
        case IfExp(body=body, orelse=orelse) if body == orelse:
            return body
        case IfExp(test=Const(value=value), body=body, orelse=orelse):
            return body if value else orelse
        case BoolOp(op=op, operands=(Const(value=value) as first, *rest)) if rest:
            if bool(value) == (op == "or"):
                return first
            return rest[0] if len(rest) == 1 else decided(BoolOp(op, tuple(rest)))
        case _:
            return made


def opposite(test: Expr) -> Expr:
    """The test that is true where this one is false."""
    match test:
        case Unary(op="not", operand=operand):
            return operand
        case Compare(ops=(op,), operands=operands) if op in _OPPOSITE:
            return Compare((_OPPOSITE[op],), operands)
        case _:
            return Unary("not", test)


def are_opposite(one: Expr, two: Expr) -> bool:
    """Whether one test is plainly the other one denied."""
    return one == opposite(two) or two == opposite(one)

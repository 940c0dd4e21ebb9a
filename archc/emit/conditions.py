"""Conditions as a person would write them, once numbers stand in for some names."""

from __future__ import annotations

from typing import Any

from archc.spec.expressions import BoolOp, Compare, Const, Expr, IfExp, Unary, is_tuple
from archc.spec.model import Arg

_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def tidy(value: Any) -> Any:
    """An expression with the number on the right of each comparison."""
    if is_tuple(value):
        return tuple(tidy(v) for v in value)
    if not isinstance(value, Expr):
        return value
    made = type(value)(*(tidy(getattr(value, slot)) for slot in value.__slots__))
    match made:
        case Compare(ops=(op,), operands=(Const() as number, other)):
            return Compare((_MIRRORED[op],), (other, number))
        case Unary(op="not", operand=Compare(ops=("==" | "!=" as op,), operands=pair)):
            return Compare(("!=" if op == "==" else "==",), pair)
        case IfExp(test=test, body=body, orelse=orelse):
            known = as_condition(test)
            if isinstance(known, Expr):
                return IfExp(known, body, orelse)
            return body if known else orelse
        case _:
            return made


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

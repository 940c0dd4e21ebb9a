"""What a loop's body says in the first iteration, and in all others."""

from __future__ import annotations

from archc.emit import rewrite
from archc.ops.code import Apply, Argument, Local
from archc.spec.expressions import Compare, Const, Expr, IfExp, Unary


def iteration(
    call: Apply,
    counter: Local,
    carried: Local | None,
    value: Expr | None,
    *,
    first: bool,
) -> Apply:
    """The call in the first iteration, or in all others."""

    def change(part: Expr | Argument) -> Expr | None:
        match part:
            case IfExp(test=test, body=body, orelse=orelse):
                known = _known(test, counter, first=first)
                if known is None:
                    return None
                return rewrite.expression(body if known else orelse, change)
            case Compare() | Unary(op="not"):
                known = _known(part, counter, first=first)
                return None if known is None else Const(known)
            case Local() if part == carried:
                return value
            case _:
                return None

    return rewrite.expression(call, change)


def _known(test: Expr, counter: Local, *, first: bool) -> bool | None:
    """What a test of the counter says."""
    match test:
        case Local() if test == counter:
            return not first
        case Unary(op="not", operand=operand):
            inner = _known(operand, counter, first=first)
            return None if inner is None else not inner
        case Compare(ops=(op,), operands=(left, Const(value=0))) if left == counter:
            return {"==": first, "!=": not first, ">": not first}.get(op)
        case _:
            return None

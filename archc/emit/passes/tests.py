"""What a constructor asks once need not be asked again.

`v = p if a else q` behind `if a:` is set in its cases, and `v = p if a else v` is
`if a: v = p`. Conditions beside each other are then those of `joined`.
"""

from __future__ import annotations

from archc.emit import rewrite
from archc.emit.conditions import either
from archc.emit.symbols import Symbols
from archc.emit.tree import Assign, Body, For, If, Method, Module, Statement
from archc.emit.usage import every, locals_in, parts, written
from archc.ops.code import Attribute, Local
from archc.spec.expressions import (
    Binary,
    BoolOp,
    Call,
    Compare,
    Const,
    Expr,
    IfExp,
    Unary,
)


def tests(module: Module, symbols: Symbols) -> Module:
    """A module whose constructors ask so."""
    del symbols  # no name is new

    def change(method: Method) -> Body:
        return _body(method.body) if method.name == "__init__" else method.body

    return rewrite.bodies(module, change)


def _body(statements: Body) -> Body:
    found: list[Statement] = []
    for made in statements:
        for part in _parted(made):
            joined = _joined(found, part)
            if joined is None:
                found.append(part)
            else:
                found[-1] = joined
    return tuple(map(_inside, found))


def _inside(made: Statement) -> Statement:
    match made:
        case For(targets=targets, over=over, body=body):
            return For(targets, over, _body(body))
        case If(test=test, body=body, orelse=orelse):
            return _once(If(test, _body(body), _body(orelse)))
        case _:
            return made


def _once(made: If) -> If:
    """`if a: x` and `elif b: x` as one."""
    match made.orelse:
        case (If(test=test, body=body, orelse=orelse),) if body == made.body:
            return If(either(made.test, test), body, orelse)
        case _:
            return made


def _parted(made: Statement) -> Body:
    """`v = (p if a else v) + b` as an `if` and `v = v + b`."""
    match made:
        case Assign(
            targets=(Local() as target,),
            value=IfExp(test=test, body=body, orelse=orelse),
            operator="",
        ) if orelse == target:
            return (If(test, (Assign((target,), body),)),)
        case Assign(
            targets=(Local() as target,),
            value=Binary(
                op=op, left=IfExp(test=test, body=body, orelse=orelse), right=right
            ),
            operator="",
        ) if orelse == target and target.id not in locals_in(right):
            first = If(test, (Assign((target,), body),))
            return first, Assign((target,), Binary(op, target, right))
        case _:
            return (made,)


def _joined(before: list[Statement], second: Statement) -> If | None:
    """The last statement with one more in its cases; None where that does not ask the
    same."""
    first = before[-1] if before else None
    if not isinstance(first, If):
        return None
    asked = _asked(before[:-1], first)
    if not _stays(first, asked):
        return None
    match second:
        case Assign(
            targets=(Local(),),
            value=IfExp(test=test, body=body, orelse=orelse),
            operator="",
        ) if test == asked:
            then = Assign(second.targets, body)
            other = Assign(second.targets, orelse)
            return If(first.test, (*first.body, then), (*first.orelse, other))
        case _:
            return None


def _asked(before: list[Statement], made: If) -> Expr:
    """What an `if` asks, by arguments where the statement before sets its attribute."""
    match before:
        case [*_, Assign(targets=(Attribute() as kept,), value=Expr() as value)]:
            return value if kept == made.test else made.test
        case _:
            return made.test


def _stays(made: If, asked: Expr) -> bool:
    """Whether a test comes out as before once what depends on it was run."""
    plain = all(
        isinstance(p, Binary | BoolOp | Call | Compare | Const | Local | Unary)
        for p in parts(asked)
    )
    changed = {n for s in every((*made.body, *made.orelse)) for n in written(s)}
    return plain and changed.isdisjoint(locals_in(asked))

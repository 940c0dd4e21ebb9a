"""Conditions that stand one behind the other are one, where they ask the same.

if act and hs:                        if act:
    self.append(nn.Hardswish())           if hs:
if act and not hs:            becomes         self.append(nn.Hardswish())
    self.append(nn.ReLU())                else:
                                              self.append(nn.ReLU())
"""

from __future__ import annotations

from dataclasses import replace

from archc.emit import rewrite
from archc.emit.conditions import are_opposite
from archc.emit.lines import STEP, WIDTH
from archc.emit.symbols import Symbols, wish
from archc.emit.tree import Assign, Body, Evaluate, For, If, Method, Module, Statement
from archc.emit.usage import every, locals_in, parts, written
from archc.ops.code import Apply, Argument, Attribute, Local
from archc.ops.source import flat
from archc.spec.expressions import BoolOp, Expr, IfExp

_ROOM = 60
"""How long a choice between two children may be."""


def joined(module: Module, _: Symbols) -> Module:
    """A module in which neighbours do not ask the same."""

    def change(method: Method) -> Body:
        return _body(method.body)

    return rewrite.bodies(module, change)


def _body(body: Body) -> Body:
    found: list[Statement] = []
    for made in body:
        match made:
            case If() if found and (one := _one(found[-1], made)) is not None:
                found[-1] = one
            case _:
                found.append(made)
    return tuple(map(_inside, found))


def _inside(made: Statement) -> Statement:
    match made:
        case If(test=test, body=body, orelse=orelse):
            made = If(test, _body(body), _body(orelse))
            return _alternative(made) or made
        case For(targets=targets, over=over, body=body):
            return For(targets, over, _body(body))
        case _:
            return made


def _alternative(made: If) -> Statement | None:
    """A choice between two short values as one expression."""
    match made.body, made.orelse:
        case (Assign(targets=targets) as one,), (Assign() as two,) if (
            targets == two.targets and isinstance(targets[0], Local)
        ):
            first, second, room = one.value, two.value, WIDTH - 2 * STEP
        case (Evaluate() as one,), (Evaluate() as two,):
            first, second, room = _appended(one, two), _appended(two, one), _ROOM
        case _:
            return None
    if first is None or second is None:
        return None
    if first == second:
        return one
    value = IfExp(made.test, first, second)
    if length(value) > room:
        return None
    if isinstance(one, Assign):
        return replace(one, value=value)
    assert isinstance(one.value, Apply)
    return Evaluate(replace(one.value, arguments=(Argument(value),)))


def _appended(made: Evaluate, other: Evaluate) -> Expr | None:
    """The child that a statement appends to what another one appends to as well."""
    match made.value, other.value:
        case (
            Apply(
                function=Attribute(name="append") as function,
                arguments=(Argument(value=child),),
            ),
            Apply(function=same),
        ) if function == same:
            return child
        case _:
            return None


def length(value: Expr) -> int:
    """How long it is on one line, with variables that are called as they wish."""

    def change(part: Expr | Argument) -> Expr | None:
        return Local(wish(part.id)) if isinstance(part, Local) else None

    return len(flat(rewrite.expression(value, change)))


def _one(first: Statement, second: If) -> If | None:
    """Two conditions as one; None where they are not about the same, or where the
    first changes what the second asks."""
    if not isinstance(first, If) or not _is_steady(second.test, first):
        return None
    if first.test == second.test:
        return If(first.test, first.body + second.body, first.orelse + second.orelse)
    if are_opposite(first.test, second.test):
        return If(first.test, first.body + second.orelse, first.orelse + second.body)
    if first.orelse or second.orelse:
        return None
    match first.test, second.test:
        case (
            BoolOp(op="and", operands=(*outer, one)),
            BoolOp(op="and", operands=(*other, two)),
        ) if outer == other and are_opposite(one, two):
            test = outer[0] if len(outer) == 1 else BoolOp("and", tuple(outer))
            return If(test, (If(one, first.body, second.body),))
        case _:
            return None


def _is_steady(test: Expr, made: Statement) -> bool:
    """Whether a statement leaves what a test asks as it is."""
    read = set(locals_in(test))
    attributes = {p.name for p in parts(test) if isinstance(p, Attribute)}
    if any(isinstance(p, Apply) for p in parts(test)):
        return False
    for inner in every((made,)):
        if not read.isdisjoint(written(inner)):
            return False
        if isinstance(inner, Assign):
            set_here = {t.name for t in inner.targets if isinstance(t, Attribute)}
            if not attributes.isdisjoint(set_here):
                return False
    return True

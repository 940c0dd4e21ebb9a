"""Parts of a value that are taken one after the other are taken in one call.

left = x.chunk(2, dim=1)[0]         becomes    left, right = x.chunk(2, dim=1)
right = x.chunk(2, dim=1)[1]
"""

from __future__ import annotations

from archc.emit import rewrite
from archc.emit.passes.dead import UNREAD
from archc.emit.symbols import Symbols
from archc.emit.tree import Assign, Body, For, If, Method, Module, Statement
from archc.emit.usage import locals_in, reads_of, written
from archc.ops.code import Apply, Attribute, Local
from archc.spec.expressions import Const, Expr, Index


def parts(module: Module, symbols: Symbols) -> Module:
    """A module whose `forward` methods take them so."""
    del symbols

    def change(method: Method) -> Body:
        if method.name != "forward":
            return method.body
        return _body(method.body, frozenset(reads_of(method.body)))

    return rewrite.bodies(module, change)


def _body(body: Body, read: frozenset[str]) -> Body:
    found: list[Statement] = []
    rest = list(body)
    while rest:
        count = _count(rest[0])
        near, between = _near(rest, count)
        taken = _taken(near, read) if len(near) == count else None
        if taken is not None and _may_come_first(taken, between):
            rest = [*between, *rest[len(near) + len(between) :]]
            found.append(taken)
        else:
            found.append(_inside(rest.pop(0), read))
    return tuple(found)


def _inside(made: Statement, read: frozenset[str]) -> Statement:
    match made:
        case For(targets=targets, over=over, body=body):
            return For(targets, over, _body(body, read))
        case If(test=test, body=body, orelse=orelse):
            return If(test, _body(body, read), _body(orelse, read))
        case _:
            return made


def _part(made: Statement) -> tuple[Local, Expr, int] | None:
    """A variable, the call that it is a part of, and which."""
    match made:
        case Assign(
            targets=(Local() as target,),
            value=Index(
                value=Apply(function=Attribute(name="chunk")) as whole,
                index=Const(value=int() as number),
            ),
        ):
            return target, whole, number
        case _:
            return None


def _count(made: Statement) -> int:
    """How many parts there are, if a statement takes one."""
    part = _part(made)
    match part:
        case (_, Apply(arguments=(first, *_)), _):
            if isinstance(first.value, Const) and isinstance(first.value.value, int):
                return first.value.value
            return 0
        case _:
            return 0


def _near(rest: list[Statement], count: int) -> tuple[list[Statement], list[Statement]]:
    """The next statements that take parts, so many, and what stands between them, such
    as the call of a head."""
    near: list[Statement] = []
    between: list[Statement] = []
    for made in rest:
        if len(near) == count:
            break
        (between if _part(made) is None else near).append(made)
    return near, between


def _may_come_first(taken: Assign, between: list[Statement]) -> bool:
    """Whether parts may be taken before statements that stood between them."""
    assert taken.value is not None
    names = {*locals_in(taken.value)}
    for target in taken.targets:
        names.update(locals_in(target))
    return all(
        isinstance(made, Assign) and names.isdisjoint(written(made)) for made in between
    )


def _taken(near: list[Statement], read: frozenset[str]) -> Assign | None:
    """Statements that take all parts of one value, as one."""
    found = [part for made in near if (part := _part(made)) is not None]
    if not found or len(found) < len(near):
        return None
    _, whole, _ = found[0]
    alike = all(other == whole for _, other, _ in found)
    if not alike or [number for *_, number in found] != list(range(len(near))):
        return None
    targets = tuple(t if t.id in read else UNREAD for t, *_ in found)
    if not {t.id for t in targets}.isdisjoint(locals_in(whole)):
        return None
    return Assign(targets, whole)

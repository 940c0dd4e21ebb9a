"""Half of a value's channels, taken twice, has a name.

first = x[:, : x.shape[1] // 2]                half = x.shape[1] // 2
second = self.conv(x[:, x.shape[1] // 2 :])    first = x[:, : x.shape[1] // 2]
    second = self.conv(x[:, x.shape[1] // 2 :])

becomes

    half = x.shape[1] // 2
    first = x[:, :half]
    second = self.conv(x[:, half:])
"""

from __future__ import annotations

from collections.abc import Iterator

from archc.emit import rewrite
from archc.emit.symbols import Symbols
from archc.emit.tree import Assign, Body, For, If, Method, Module, Statement
from archc.emit.usage import every, expressions, locals_in, parts, written
from archc.ops.code import Argument, Attribute, Local
from archc.spec.expressions import Binary, Const, Expr, Index

_NEAR = 8
"""In how many statements the second is looked for."""


def halves(module: Module, symbols: Symbols) -> Module:
    """A module whose `forward` methods name them."""

    def change(method: Method) -> Body:
        if method.name != "forward":
            return method.body
        return _body(method.body, symbols)

    return rewrite.bodies(module, change)


def _body(body: Body, symbols: Symbols) -> Body:
    found: list[Statement] = []
    rest = list(body)
    while rest:
        half = next(_halves(rest[0]), None)
        if half is not None:
            end = _end(rest[:_NEAR], half)
            taken = [h for made in rest[:end] for h in _halves(made) if h == half]
            if len(taken) > 1:
                name = Local(symbols.fresh("half").id)
                found.append(Assign((name,), half))
                rest[:end] = rewrite.body(tuple(rest[:end]), _named(half, name))
        found.append(_inside(rest.pop(0), symbols))
    return tuple(found)


def _inside(made: Statement, symbols: Symbols) -> Statement:
    match made:
        case For(targets=targets, over=over, body=body):
            return For(targets, over, _body(body, symbols))
        case If(test=test, body=body, orelse=orelse):
            return If(test, _body(body, symbols), _body(orelse, symbols))
        case _:
            return made


def _halves(made: Statement) -> Iterator[Binary]:
    """Every `x.shape[1] // 2` in a statement."""
    for inner in every((made,)):
        for expr in expressions(inner):
            for part in parts(expr):
                match part:
                    case Binary(
                        op="//",
                        left=Index(value=Attribute(value=Local(), name="shape")),
                        right=Const(value=2),
                    ):
                        yield part
                    case _:
                        pass


def _end(near: list[Statement], half: Binary) -> int:
    """How many statements read the same value, whose half it is."""
    names = set(locals_in(half))
    for number, made in enumerate(near):
        if not names.isdisjoint(n for s in every((made,)) for n in written(s)):
            # what it reads itself it reads before
            return number + isinstance(made, Assign)
    return len(near)


def _named(half: Binary, name: Local) -> rewrite.Change:
    def change(part: Expr | Argument) -> Expr | None:
        return name if part == half else None

    return change

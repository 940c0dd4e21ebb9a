"""A loop counts as its names do.

    for i in range(depth):                     for i in range(1, depth + 1):
        x = getattr(self, f"layer{i + 1}")(x)      x = getattr(self, f"layer{i}")(x)

`enumerate(depths)` begins in the same way with `enumerate(depths, start=1)`. Where all
names count down, so does the loop: `for i in reversed(range(depth))`.
"""

from __future__ import annotations

from archc.emit import rewrite
from archc.emit.symbols import Symbols
from archc.emit.tree import Body, For, If, Method, Module, Statement
from archc.emit.usage import every, expressions, locals_in, parts, written
from archc.ops import code
from archc.ops.code import Apply, Argument, Global, Local
from archc.spec.expressions import Binary, Const, Expr

_RANGE = Global("range")


def counting(module: Module, _: Symbols) -> Module:
    """A module whose loops count so."""

    def change(method: Method) -> Body:
        return _body(method.body)

    return rewrite.bodies(module, change)


def _body(body: Body) -> Body:
    return tuple(map(_statement, body))


def _statement(made: Statement) -> Statement:
    match made:
        case If(test=test, body=body, orelse=orelse):
            return If(test, _body(body), _body(orelse))
        case For(targets=targets, over=over, body=body):
            return _loop(For(targets, over, _body(body)))
        case _:
            return made


def _loop(made: For) -> For:
    counter = made.targets[0]
    met = _parts(made.body)
    for term in met:
        match term:
            case Binary(op="+", left=left, right=Const(value=int() as first)) if (
                left == counter and first > 0
            ):
                over = _from(first, made.over)
            case Binary(op="-"):
                over = _down(term, made)
            case _:
                continue
        if over is not None and met.count(term) == met.count(counter):
            return For(made.targets, over, _instead(made.body, term, counter))
    return made


def _parts(body: Body) -> list[Expr]:
    """Every part of the expressions in a body."""
    return [
        part
        for statement in every(body)
        for expr in expressions(statement)
        for part in parts(expr)
        if isinstance(part, Expr)
    ]


def _from(first: int, over: Expr) -> Expr | None:
    """What to run over so that the counter begins with `first`."""
    match over:
        case Apply(function=function, arguments=(Argument(value=count),)) if (
            function == _RANGE
        ):
            return code.call(_RANGE, Const(first), _sum(count, first))
        case Apply(function=Global(name="enumerate"), arguments=(Argument() as items,)):
            return Apply(over.function, (items, Argument(Const(first), "start")))
        case _:
            return None


def _sum(count: Expr, first: int) -> Expr:
    """`count + first`."""
    match count:
        case Const(value=int() as number):
            return Const(number + first)
        case Binary(op="-", left=left, right=Const(value=int() as less)):
            rest = first - less
            if not rest:
                return left
            return Binary("+" if rest > 0 else "-", left, Const(abs(rest)))
        case _:
            return Binary("+", count, Const(first))


def _down(term: Expr, made: For) -> Expr | None:
    """What to run over so that the counter is `term`, if that is the same backwards."""
    match made.over:
        case Apply(function=function, arguments=(Argument(value=count),)) if (
            function == _RANGE and _is_kept(count, made)
        ):
            pass
        case _:
            return None
    counter, one = made.targets[0], Const(1)
    if isinstance(count, Const) and isinstance(count.value, int):
        backwards = (Binary("-", Const(count.value - 1), counter),)
    else:
        backwards = (
            Binary("-", Binary("-", count, one), counter),
            Binary("-", Binary("-", count, counter), one),
        )
    return code.call(Global("reversed"), made.over) if term in backwards else None


def _is_kept(count: Expr, made: For) -> bool:
    """Whether a loop leaves alone what says how often it runs."""
    read = set(locals_in(count))
    return all(read.isdisjoint(written(s)) for s in every(made.body))


def _instead(body: Body, term: Expr, counter: Local) -> Body:
    def change(part: Expr | Argument) -> Expr | None:
        return counter if part == term else None

    return rewrite.body(body, change)

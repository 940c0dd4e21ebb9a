"""The counters of loops: `_` where nothing reads one, and in constructors from 1
where all reads are `i + 1`.

`for i in range(n)` becomes `for i in range(1, n + 1)`, `enumerate(depths)` becomes
`enumerate(depths, start=1)`.
"""

from __future__ import annotations

from archc.emit import rewrite
from archc.emit.symbols import Symbols, wish
from archc.emit.tree import Body, For, If, Method, Module, Statement
from archc.emit.usage import every, expressions, locals_in, parts, reads_of
from archc.ops.code import Apply, Argument, Global, Local
from archc.spec.expressions import Binary, Const, Expr


def counters(module: Module, symbols: Symbols) -> Module:
    """A module with its loops written so."""

    def change(method: Method) -> Body:
        taken = {wish(p.local.id) for p in method.parameters}
        counted = method.name == "__init__"
        return _Loops(symbols, taken, counted=counted).body(method.body)

    return rewrite.bodies(module, change)


class _Loops:
    def __init__(self, symbols: Symbols, taken: set[str], *, counted: bool) -> None:
        self._symbols = symbols
        self._taken = taken
        self._counted = counted
        """Whether counters may begin with 1."""

    def body(self, statements: Body) -> Body:
        return tuple(map(self._statement, statements))

    def _statement(self, made: Statement) -> Statement:
        match made:
            case For():
                return self._loop(made)
            case If(test=test, body=body, orelse=orelse):
                return If(test, self.body(body), self.body(orelse))
            case _:
                return made

    def _loop(self, made: For) -> For:
        made = _from_one(made) if self._counted else made
        body = self.body(made.body)
        read = reads_of(body)
        targets = tuple(t if t.id in read else self._unread(t) for t in made.targets)
        return For(targets, made.over, body)

    def _unread(self, counter: Local) -> Local:
        """`_`, or where an argument is called so, the counter with one before it."""
        if "_" not in self._taken:
            return Local("_")
        return Local(self._symbols.fresh(f"_{wish(counter.id)}").id)


def _from_one(made: For) -> For:
    """A loop that counts from 1, where its counter is only read with 1 added."""
    counter = made.targets[0]
    over = _over_from_one(made.over)
    if over is None:
        return made
    following = Binary("+", counter, Const(1))
    read = [e for s in every(made.body) for e in expressions(s)]
    times = sum(name == counter.id for e in read for name in locals_in(e))
    if times == 0 or times != sum(part == following for e in read for part in parts(e)):
        return made

    def change(part: Expr | Argument) -> Expr | None:
        return counter if part == following else None

    return For(made.targets, over, rewrite.body(made.body, change))


def _over_from_one(over: Expr) -> Expr | None:
    """What to run over so that the counter is one more."""
    match over:
        case Apply(function=Global(name="range"), arguments=(Argument(value=count),)):
            bounds = (Argument(Const(1)), Argument(_one_more(count)))
            return Apply(over.function, bounds)
        case Apply(function=Global(name="enumerate"), arguments=(Argument() as items,)):
            return Apply(over.function, (items, Argument(Const(1), "start")))
        case _:
            return None


def _one_more(count: Expr) -> Expr:
    match count:
        case Const(value=int(number)):
            return Const(number + 1)
        case Binary(op="-", left=left, right=Const(value=1)):
            return left
        case _:
            return Binary("+", count, Const(1))

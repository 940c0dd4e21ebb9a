"""Loops as a person writes them: over the items of a list, with `_` for a counter that
nothing reads.

`for i in range(len(depths))` that reads `depths[i]` becomes `for i, depth in
enumerate(depths)`, or `for depth in depths` where nothing else reads `i`.
"""

from __future__ import annotations

from archc.emit import rewrite
from archc.emit.names import singular
from archc.emit.symbols import Symbols, wish
from archc.emit.tree import Body, For, If, Method, Module, Statement
from archc.emit.usage import reads_of
from archc.ops import code
from archc.ops.code import Apply, Argument, Global, Local
from archc.spec.expressions import Call, Expr, Index


def counters(module: Module, symbols: Symbols) -> Module:
    """A module with its loops written so."""

    def change(method: Method) -> Body:
        taken = {wish(p.local.id) for p in method.parameters}
        return _Loops(symbols, taken).body(method.body)

    return rewrite.bodies(module, change)


class _Loops:
    def __init__(self, symbols: Symbols, taken: set[str]) -> None:
        self._symbols = symbols
        self._taken = taken

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
        items = _items(made.over)
        body = made.body
        first = made.targets[0]
        if items is not None and len(made.targets) == 1:
            made = self._over_items(made, items, first)
            body = made.body
        body = self.body(body)
        read = reads_of(body)
        targets = tuple(t if t.id in read else self._unread(t) for t in made.targets)
        return For(targets, made.over, body)

    def _unread(self, counter: Local) -> Local:
        """`_`, or where an argument is called so, the counter with one before it."""
        if "_" not in self._taken:
            return Local("_")
        return Local(self._symbols.fresh(f"_{wish(counter.id)}").id)

    def _over_items(self, made: For, items: Local, counter: Local) -> For:
        word = singular(wish(items.id))
        if word is None or word in self._taken:
            return made
        item = Local(self._symbols.fresh(word).id)
        taken = Index(items, counter)

        def change(part: Expr | Argument) -> Expr | None:
            return item if part == taken else None

        body = rewrite.body(made.body, change)
        read = reads_of(body)
        if item.id not in read:
            return made
        if counter.id not in read:
            return For((item,), items, body)
        return For((counter, item), code.call(Global("enumerate"), items), body)


def _items(over: Expr) -> Local | None:
    """The list whose length a loop counts to."""
    match over:
        case Apply(
            function=Global(name="range"),
            arguments=(Argument(value=Call(function="len", args=(Local() as items,))),),
        ):
            return items
        case _:
            return None

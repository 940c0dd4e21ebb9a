"""`_` for a counter that nothing reads."""

from __future__ import annotations

from archc.emit import rewrite
from archc.emit.symbols import Symbols, wish
from archc.emit.tree import Body, For, If, Method, Module, Statement
from archc.emit.usage import reads_of
from archc.ops.code import Local


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
        body = self.body(made.body)
        read = reads_of(body)
        targets = tuple(t if t.id in read else self._unread(t) for t in made.targets)
        return For(targets, made.over, body)

    def _unread(self, counter: Local) -> Local:
        """`_`, or where an argument is called so, the counter with one before it."""
        if "_" not in self._taken:
            return Local("_")
        # linters take no name that ends with one for what nobody reads
        word = wish(counter.id).rstrip("_") or "i"
        return Local(self._symbols.fresh(f"_{word}").id)

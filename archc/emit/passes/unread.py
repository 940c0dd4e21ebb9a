"""`_` for a counter that nothing reads, and for one of several values of a block."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from archc.emit import rewrite
from archc.emit.symbols import Symbols, wish
from archc.emit.tree import Assign, Body, For, If, Method, Module, Statement
from archc.emit.usage import reads_of
from archc.ops.code import Local
from archc.spec.expressions import Expr


def unread(module: Module, symbols: Symbols) -> Module:
    """A module with its loops, and what it unpacks, written so."""

    def change(method: Method) -> Body:
        taken = {wish(p.local.id) for p in method.parameters}
        return _Unread(symbols, taken, reads_of(method.body)).body(method.body)

    return rewrite.bodies(module, change)


class _Unread:
    def __init__(self, symbols: Symbols, taken: set[str], read: Set[str]) -> None:
        self._symbols = symbols
        self._taken = taken
        self._read = read
        """What anything in the method reads."""

    def body(self, statements: Body) -> Body:
        return tuple(map(self._statement, statements))

    def _statement(self, made: Statement) -> Statement:
        match made:
            case For():
                body = self.body(made.body)
                read = reads_of(body)
                targets = tuple(self._named(t, read) for t in made.targets)
                return For(targets, made.over, body)
            case If(test=test, body=body, orelse=orelse):
                return If(test, self.body(body), self.body(orelse))
            case Assign(targets=(_, _, *_)):
                return replace(made, targets=tuple(map(self._unpacked, made.targets)))
            case _:
                return made

    def _unpacked(self, target: Expr) -> Expr:
        return self._named(target, self._read) if isinstance(target, Local) else target

    def _named(self, target: Local, read: Set[str]) -> Local:
        """`_`, or where an argument is called so, the name with one before it."""
        if target.id in read:
            return target
        if "_" not in self._taken:
            return Local("_")
        # linters take no name that ends with one for what nobody reads
        word = wish(target.id).rstrip("_") or "i"
        return Local(self._symbols.fresh(f"_{word}").id)

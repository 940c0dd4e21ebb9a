"""Another name for a value goes, where the first still stands for it.

inputs = x
shortcut = self.shortcut(x)     becomes   shortcut = self.shortcut(x)
body = self.body(inputs)                  body = self.body(x)

early = low
early = self.fit(early)       becomes     early = self.fit(low)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from archc.emit import rewrite
from archc.emit.symbols import Symbols
from archc.emit.tree import Assign, Body, For, If, Method, Module, Statement
from archc.emit.usage import every, times_read, written
from archc.ops.code import Local


def copies(module: Module, _: Symbols) -> Module:
    """A module whose methods have none of these."""

    def change(method: Method) -> Body:
        return _Copies(method.body).body

    return rewrite.bodies(module, change)


class _Copies:
    def __init__(self, body: Body) -> None:
        self._writes = Counter(n for s in every(body) for n in written(s))
        self._reads = times_read(body)
        self.body = self._block(body)

    def _block(self, body: Body) -> Body:
        rest = list(body)
        number = 0
        while number < len(rest):
            match rest[number]:
                case Assign(targets=(Local() as copy,), value=Local() as first) if (
                    self._is_needless(copy, first, tuple(rest[number + 1 :]))
                ):
                    renamed = rewrite.renamed({copy.id: first.id})
                    rest[number:] = rewrite.body(tuple(rest[number + 1 :]), renamed)
                    continue
                case Assign(targets=(Local() as copy,), value=Local() as first) if (
                    number + 1 < len(rest)
                    and (made := _made_of(rest[number + 1], copy, first)) is not None
                ):
                    rest[number : number + 2] = [made]
                    continue
                case For(targets=targets, over=over, body=inner):
                    rest[number] = For(targets, over, self._block(inner))
                case If(test=test, body=inner, orelse=orelse):
                    rest[number] = If(test, self._block(inner), self._block(orelse))
                case _:
                    pass
            number += 1
        return tuple(rest)

    def _is_needless(self, copy: Local, first: Local, behind: Body) -> bool:
        """Whether all who read the copy could read the first."""
        if "#" not in copy.id or self._writes[copy.id] != 1:
            return False
        left = self._reads[copy.id]
        for made in behind:
            own = (made,) if isinstance(made, For | If) else ()
            if any(first.id in written(s) for s in every(own)):
                return left == 0
            left -= times_read((made,))[copy.id]
            if left == 0:
                return True
            if first.id in written(made):
                return False
        return False


def _made_of(made: Statement, copy: Local, first: Local) -> Statement | None:
    """A statement that gives the copy its next value, with the first in its place."""
    if not isinstance(made, Assign) or made.targets != (copy,) or made.operator:
        return None
    value = rewrite.expression(made.value, rewrite.renamed({copy.id: first.id}))
    return replace(made, value=value)

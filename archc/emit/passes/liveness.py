"""Which variables of a method may not have one name, as both are needed at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from archc.emit.symbols import wish
from archc.emit.tree import Assign, Body, For, If, Statement
from archc.emit.usage import bound, expressions, locals_in, written
from archc.ops.code import Local


class Conflicts:
    """The variables of one method in the order in which they are first written, and
    which of those that would like one name are alive together."""

    def __init__(self, body: Body) -> None:
        self._exposed: dict[int, frozenset[str]] = {}
        self._with: dict[str, set[str]] = defaultdict(set)
        self._written: dict[int, frozenset[str]] = {}
        self._flow(body, frozenset(), noting=True)

    def of(self, symbol: str) -> set[str]:
        return self._with.get(symbol, set())

    def _flow(
        self, body: Body, live: frozenset[str], *, noting: bool
    ) -> frozenset[str]:
        """What is alive before a body, given what is alive behind it."""
        alive = set(live)
        for statement in reversed(body):
            self._before(statement, alive, noting=noting)
        return frozenset(alive)

    def _before(self, made: Statement, alive: set[str], *, noting: bool) -> None:
        match made:
            case For(targets=targets, body=body):
                self._around(made, alive)
                inside = self._flow(body, frozenset(alive), noting=noting)
                alive |= inside
                own = {t.id for t in targets}
                if noting:
                    self._note(own, alive | self._writes(body))
                alive -= own
            case If(body=body, orelse=orelse):
                behind = frozenset(alive)
                first = self._flow(body, behind, noting=noting)
                second = self._flow(orelse, behind, noting=noting)
                alive.clear()
                alive |= first | second
            case _:
                names = set(written(made))
                if noting:
                    # a copy holds the same value as what it is made of
                    copied = _copied(made)
                    self._note(names, alive - copied)
                alive -= names
        for expr in expressions(made):
            alive.update(n for n in locals_in(expr) if "#" in n)
        if noting:
            self._note((t.id for t in bound(made)), alive)

    def _around(self, made: For, alive: set[str]) -> None:
        """What the next iteration reads is alive at the end of each."""
        if id(made) not in self._exposed:
            self._exposed[id(made)] = self._flow(made.body, frozenset(), noting=False)
        alive |= self._exposed[id(made)]

    def _writes(self, body: Body) -> frozenset[str]:
        key = id(body)
        if key not in self._written:
            found: set[str] = set()
            for statement in body:
                found.update(written(statement))
                found.update(t.id for t in bound(statement))
                match statement:
                    case For(body=inner):
                        found |= self._writes(inner)
                    case If(body=inner, orelse=orelse):
                        found |= self._writes(inner) | self._writes(orelse)
                    case _:
                        pass
            self._written[key] = frozenset(found)
        return self._written[key]

    def _note(self, names: Iterable[str], others: Iterable[str]) -> None:
        for name in names:
            if "#" not in name:
                continue
            own = wish(name)
            for other in others:
                if other != name and wish(other) == own:
                    self._with[name].add(other)
                    self._with[other].add(name)


def _copied(made: Statement) -> set[str]:
    match made:
        case Assign(value=Local(id=name), operator=""):
            return {name}
        case _:
            return set()

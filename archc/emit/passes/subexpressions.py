"""A width that a constructor computes three times has a name there.

`planes * 4` six times becomes `out_channels = planes * 4` before the first reader,
where it is what the class or an iteration gives; else it is called `inter_channels`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from archc.emit import rewrite
from archc.emit.symbols import Symbols, wish
from archc.emit.tree import Assign, Body, Class, For, If, Module, Statement
from archc.emit.usage import (
    blocks,
    computed,
    every,
    expressions,
    locals_in,
    parts,
    surely,
    written,
)
from archc.ops.code import (
    Argument,
    Local,
)
from archc.spec.expressions import (
    Binary,
    Call,
    Const,
    Expr,
    Index,
)

TIMES = 3
"""How often a width is computed before it gets a name."""
LONGEST = 12
"""How many parts it may have."""


def subexpressions(module: Module, symbols: Symbols) -> Module:
    """A module whose constructors compute no width three times."""

    def of(made: Class) -> Class:
        method = made.method("__init__")
        if method is None:
            return made
        arguments = {p.local.id for p in method.parameters}
        taken = {n for s in every(method.body) for n in written(s)} | arguments
        naming = _Naming(symbols, made.gives, made.name != module.network)
        body = naming.body(method.body, frozenset(map(wish, taken)), arguments)
        methods = (replace(m, body=body) if m is method else m for m in made.methods)
        return replace(made, methods=tuple(methods))

    return replace(module, classes=tuple(map(of, module.classes)))


@dataclass(frozen=True, slots=True)
class _Naming:
    symbols: Symbols
    gives: Expr | None
    in_block: bool
    """A network has many widths, none of which is the one between its ends."""

    def body(self, statements: Body, taken: frozenset[str], bound: set[str]) -> Body:
        """Statements that compute no width three times; `bound` has a value before."""
        while True:
            found = self._choice(statements, taken, bound)
            if found is None:
                break
            word, value = found
            statements = self._named(statements, word, value)
            taken |= {word}
        done: list[Statement] = []
        bound = set(bound)
        for made in statements:
            match made:
                case For(targets=targets, over=over, body=body):
                    inside = bound | {t.id for t in targets}
                    made = For(targets, over, self.body(body, taken, inside))
                case If(test=test, body=body, orelse=orelse):
                    then = self.body(body, taken, bound)
                    made = If(test, then, self.body(orelse, taken, bound))
                case _:
                    bound.update(written(made))
            done.append(made)
        return tuple(done)

    def _choice(
        self, statements: Body, taken: frozenset[str], bound: set[str]
    ) -> tuple[str, Expr] | None:
        """What to name in these statements, and how; None where nothing is left."""
        counts = Counter(e for s in every(statements) for e in self._widths(s))
        often = [
            value
            for value, times in counts.items()
            if times >= TIMES and _may_stand_before(statements, value, bound)
        ]
        given = {self.gives, *_handed_on(statements)}
        for value in often:
            if value in given and "out_channels" not in taken:
                return "out_channels", value
        if not (often and self.in_block) or "inter_channels" in taken:
            return None
        best = max(often, key=lambda value: counts[value] * len(list(parts(value))))
        alike = [e for e in often if _without_number(e) == _without_number(best)]
        return ("inter_channels", best) if len(alike) == 1 else None

    def _named(self, statements: Body, word: str, value: Expr) -> Body:
        """Statements with a local for a value, set before the first that reads it."""
        local = Local(self.symbols.fresh(word).id)

        def change(part: Expr | Argument) -> Expr | None:
            return local if part == value else None

        first = next(n for n, s in enumerate(statements) if _reads(s, value))
        rest = rewrite.body(statements[first:], change)
        return (*statements[:first], Assign((local,), value), *rest)

    def _widths(self, made: Statement) -> Iterator[Expr]:
        """The widths that a statement itself computes."""
        for expr in expressions(made):
            for part in computed(expr):
                if isinstance(part, Binary | Call) and self._is_width(part):
                    yield part

    def _is_width(self, value: Binary | Call) -> bool:
        """Whether it is a whole number made of variables, and more than `i + 1`."""
        found = list(islice(parts(value), LONGEST + 1))
        return (
            len(found) <= LONGEST
            and not is_offset(value)
            and any(isinstance(p, Local) for p in found)
            and self._is_whole(value)
        )

    def _is_whole(self, value: Expr) -> bool:
        match value:
            case Local(id=symbol):
                return symbol in self.symbols.whole
            case Const(value=number):
                return type(number) is int
            case Binary(op=op, left=left, right=right):
                return op != "/" and self._is_whole(left) and self._is_whole(right)
            case Index(value=Local(id=symbol), index=Const() | Local()):
                return symbol in self.symbols.whole
            case Call(function="max" | "min", args=args):
                return all(map(self._is_whole, args))
            case _:
                return False


def is_offset(value: Expr) -> bool:
    """Whether it is only `i + 1`."""
    match value:
        case Binary(op="+" | "-", left=left, right=right):
            return isinstance(left, Const) or isinstance(right, Const)
        case _:
            return False


def _handed_on(statements: Body) -> Iterator[Expr | None]:
    """The channels that the next iteration reads."""
    for made in statements:
        match made:
            case Assign(targets=(Local(id=symbol),), value=value):
                if wish(symbol) == "in_channels":
                    yield value
            case _:
                pass


def _may_stand_before(statements: Body, value: Expr, bound: set[str]) -> bool:
    """Whether a value is the same in all statements that read it, those need it here
    and not in one block, and it can be computed whenever they are run."""
    readers = [n for n, s in enumerate(statements) if _reads(s, value)]
    first, last = statements[readers[0]], readers[-1]
    inner = [any(_reads(s, value) for s in block) for block in blocks(first)]
    own = [part for expr in expressions(first) for part in surely(expr)]
    if len(readers) == 1 and value not in own and sum(inner) < 2:
        return False
    before = {n for s in statements[: readers[0]] for n in written(s)}
    within = {n for s in every(statements[readers[0] : last + 1]) for n in written(s)}
    operands = set(locals_in(value))
    if not operands <= bound | before or operands & within:
        return False
    return value in own or _is_total(value)


def _reads(made: Statement, value: Expr) -> bool:
    return any(value in parts(expr) for s in every((made,)) for expr in expressions(s))


def _is_total(value: Expr) -> bool:
    """Whether it has a value whatever its variables are."""
    for part in parts(value):
        match part:
            case Binary(op="+" | "-" | "*"):
                pass
            case Binary(op="//" | "%", right=Const(value=number)) if number:
                pass
            case Const() | Local() | Call():
                pass
            case _:
                return False
    return True


def _without_number(value: Expr) -> object:
    """What it has in common with a multiple or a fraction of the same."""
    match value:
        case Binary(left=left, right=Const()):
            return left
        case _:
            return value

"""What is read by the way is the running value all the same.

    conv = self.conv(x)                 x = self.conv(x)
    aux = self.aux(conv)      becomes   aux = self.aux(x)
    x = self.norm(conv)                 x = self.norm(x)

A value keeps its name where `x` means something else while it is read, and where it is
one of several that are made of the same `x`, as branches are.
"""

from __future__ import annotations

from collections import Counter

from archc.emit import rewrite
from archc.emit.rewrite import without_empty
from archc.emit.symbols import Symbols
from archc.emit.tree import Assign, Body, For, If, Method, Module, Statement
from archc.emit.usage import blocks, every, times_read, written
from archc.ops.code import Apply, Axes, Global, Local
from archc.spec.expressions import Binary

_X = Local("x")
_MANY = 2


def running(module: Module, _: Symbols) -> Module:
    """A module whose `forward` methods call their running value `x`."""

    def change(method: Method) -> Body:
        if method.name != "forward":
            return method.body
        names = _Running(method).names
        if not names:
            return method.body
        renamed = rewrite.renamed(dict.fromkeys(names, _X.id))
        return _without_copies(rewrite.body(method.body, renamed))

    return rewrite.bodies(module, change)


class _Running:
    """The variables of a method that can be `x`."""

    def __init__(self, method: Method) -> None:
        self.names: set[str] = set()
        self._writes = Counter(n for s in every(method.body) for n in written(s))
        self._reads = times_read(method.body)
        self._block(method.body, outermost=True)

    def _block(self, body: Body, *, outermost: bool) -> None:
        reads = [times_read((made,)) for made in body]
        total: Counter[str] = Counter()
        last: dict[str, int] = {}
        for number, found in enumerate(reads):
            total.update(found)
            last |= dict.fromkeys(found, number)
        ends = _ends(body, reads, outermost=outermost)
        # who reads what `x` is, and where the last does if `x` had another name
        readers = 0 if outermost else _MANY
        until = -1
        for number, made in enumerate(body):
            if _X.id in reads[number] or not self.names.isdisjoint(reads[number]):
                readers += 1
            end = ends[number]
            own = _value(made)
            if (
                own is not None
                and readers == 1
                and until <= number
                and end is not None
                and self._writes[own] == 1
                and total[own] == self._reads[own]
                and last.get(own, number) <= end
            ):
                self.names.add(own)
                until = last.get(own, number)
                readers = 0
            elif _X.id in {n for s in every((made,)) for n in written(s)}:
                readers = 0
            for inner in blocks(made):
                self._block(inner, outermost=False)


def _ends(
    body: Body, reads: list[Counter[str]], *, outermost: bool
) -> list[int | None]:
    """For each statement the one at which `x` becomes another value; None where `x` is
    read before."""
    found: list[int | None] = []
    end: int | None = len(body) if outermost else None
    for number in range(len(body) - 1, -1, -1):
        found.append(end)
        made = body[number]
        if _X.id in reads[number]:
            end = None
        elif _X.id in {n for s in every((made,)) for n in written(s)}:
            end = number if isinstance(made, Assign) else None
    return found[::-1]


def _value(made: Statement) -> str | None:
    """The variable to which a statement gives a tensor that it computes."""
    match made:
        case Assign(value=Apply(function=Global(name="iter")) | Binary(op="//")):
            return None
        case Assign(targets=(Local(id=name),), value=Apply() | Binary() | Axes()) if (
            "#" in name
        ):
            return name
        case _:
            return None


def _without_copies(body: Body) -> Body:
    """Statements without `x = x`, which gave a named value to `x`."""
    found: list[Statement] = []
    for made in body:
        match made:
            case Assign(targets=(Local() as target,), value=value) if value == target:
                continue
            case For(targets=targets, over=over, body=inner):
                found.append(For(targets, over, _without_copies(inner)))
            case If(test=test, body=inner, orelse=orelse):
                rest = _without_copies(inner), _without_copies(orelse)
                found.append(If(test, *rest))
            case _:
                found.append(made)
    return without_empty(tuple(found))

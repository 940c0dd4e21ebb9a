"""A value that is read once stands beside its reader.

    branch1 = self.branch1(x)
    branch2 = self.branch2(x)
    x = torch.cat([branch1, branch2], dim=1)

becomes `x = torch.cat([self.branch1(x), self.branch2(x)], dim=1)`. What is computed,
and in which order, stays. Where some branches are longer than one call, all have names.
It is the same with summands, of which more than two may have a row each.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from archc.emit import rewrite
from archc.emit.lines import STEP
from archc.emit.symbols import Symbols, wish
from archc.emit.tree import (
    SELF,
    Assign,
    Body,
    For,
    If,
    Method,
    Module,
    Return,
    Statement,
)
from archc.emit.usage import every, parts, times_read, written
from archc.ops.code import Apply, Argument, Attribute, Axes, Global, Local, Sequence
from archc.ops.source import flat
from archc.spec.expressions import Binary, Const, Expr

_ROOM = 68
"""How long what is returned or assigned may be, where it stands outermost."""


def beside(module: Module, _: Symbols) -> Module:
    """A module whose `forward` methods are written so."""

    def change(method: Method) -> Body:
        if method.name != "forward":
            return method.body
        return _Beside(_sliced(method.body)).body

    return rewrite.bodies(module, change)


class _Beside:
    def __init__(self, body: Body) -> None:
        self._writes = Counter(n for s in every(body) for n in written(s))
        self._reads = times_read(body)
        self.body = self._block(body, _ROOM)

    def _block(self, body: Body, room: int) -> Body:
        found: list[Statement] = []
        less = room - STEP
        for made in body:
            match made:
                case For(targets=targets, over=over, body=inner):
                    found.append(For(targets, over, self._block(inner, less)))
                case If(test=test, body=inner, orelse=orelse):
                    rest = (
                        self._block(inner, room - STEP),
                        self._block(orelse, room - STEP),
                    )
                    found.append(If(test, *rest))
                case Assign(value=Expr() as value) | Return(value=value):
                    self._take(found, made, value, room)
                case _:
                    found.append(made)
        return tuple(found)

    def _take(
        self, found: list[Statement], made: Assign | Return, value: Expr, room: int
    ) -> None:
        """Adds a statement, and takes into it what right before it is made for it."""
        names = [o.id for o in _operands(value)]
        values: dict[str, Expr] = {}
        taken = values.values()
        start = len(found)
        own = made.targets if isinstance(made, Assign) else ()
        while start and (one := self._one(found[start - 1], own)) is not None:
            name, call = one
            # they are computed in the order in which they are read, and none of them
            # reads what another is to be
            if names.count(name) != 1 or any(Local(name) in parts(v) for v in taken):
                break
            names = names[: names.index(name)]
            values[name] = call
            start -= 1

        def change(part: Expr | Argument) -> Expr | None:
            return values.get(part.id) if isinstance(part, Local) else None

        merged = rewrite.expression(value, change)
        if values and not self._is_mixed(value, values) and _fits(merged, room):
            del found[start:]
            made = replace(made, value=merged)
        found.append(made)

    def _one(self, made: Statement, own: tuple[Expr, ...]) -> tuple[str, Expr] | None:
        """The variable and the call of a statement that is one call, read once: by
        nobody else, or by what overwrites it, which its targets are."""
        match made:
            case Assign(
                targets=(Local(id=name) as target,) as targets,
                value=Apply() | Axes() | Binary() as value,
                operator="",
            ) if made.comment is None and _is_short(value):
                once = "#" in name and self._writes[name] == self._reads[name] == 1
                begins = targets == own and target not in parts(value)
                return (name, value) if once or begins else None
            case _:
                return None

    def _is_mixed(self, value: Expr, values: dict[str, Expr]) -> bool:
        """Whether some of a list's branches would keep their names."""
        return isinstance(value, Apply) and any(
            self._writes[o.id] and self._reads[o.id] <= self._writes[o.id]
            for o in _operands(value)
            if o.id not in values and "#" in o.id
        )


def _operands(value: Expr) -> tuple[Local, ...]:
    """The variables that a merge reads; none where it reads anything else."""
    match value:
        case Apply(
            function=Global(),
            arguments=(Argument(value=Sequence(items=items)), *rest),
        ) if all(isinstance(a.value, Const) for a in rest):
            read = items
        case Binary():
            read = _summands(value)
        case _:
            return ()
    found = tuple(o for o in read if isinstance(o, Local))
    return found if len(found) == len(read) else ()


def _summands(value: Expr) -> tuple[Expr, ...]:
    """What a sum, or another row of one operator, is made of."""
    match value:
        case Binary(op=op, left=Binary(op=inner) as left, right=right) if op == inner:
            return (*_summands(left), right)
        case Binary(left=left, right=right):
            return (left, right)
        case _:
            return (value,)


def _is_short(value: Expr) -> bool:
    """Whether it is a slice, a sum of such, or a call of a module or of a function on
    one value."""
    if isinstance(value, Binary):
        sides = (value.left, value.right)
        return all(isinstance(side, Axes) and _is_short(side) for side in sides)
    if not isinstance(value, Apply):
        return isinstance(value, Axes) and isinstance(value.value, Local)
    simple = all(isinstance(a.value, Local | Axes) for a in value.arguments)
    few = len(value.arguments) == 1 or not isinstance(value.function, Global)
    return simple and few


def _fits(value: Expr, room: int) -> bool:
    """Whether a merge can be read at a glance: in a row, or slices in a row each."""
    if _length(value) <= room:
        return True
    match value:
        case Apply(arguments=(Argument(value=Sequence(items=items)), *_)):
            called = any(isinstance(p, Apply) for item in items for p in parts(item))
            return not called and all(_length(item) <= room for item in items)
        case Binary():
            summands = _summands(value)
            return len(summands) > 2 and all(_length(s) <= room for s in summands)
        case _:
            return False


def _length(value: Expr) -> int:
    """About how long a merge is, where a list stands in a row of its own."""

    def change(part: Expr | Argument) -> Expr | None:
        return Local(wish(part.id)) if isinstance(part, Local) else None

    shown = rewrite.expression(value, change)
    if isinstance(shown, Apply):
        shown = shown.arguments[0].value
    return len(flat(shown))


def _sliced(body: Body) -> Body:
    """Statements in which a slice stands in the call that alone reads it."""
    found: list[Statement] = []
    for made in body:
        match made:
            case For(targets=targets, over=over, body=inner):
                found.append(For(targets, over, _sliced(inner)))
            case If(test=test, body=inner, orelse=orelse):
                found.append(If(test, _sliced(inner), _sliced(orelse)))
            case Assign() if found and (joined := _joined(found[-1], made)):
                found[-1] = joined
            case _:
                found.append(made)
    return tuple(found)


def _joined(first: Statement, second: Assign) -> Assign | None:
    """A slice and the call that overwrites it, as one statement."""
    match first, second:
        case (
            Assign(targets=(Local() as own,), value=Axes() as part, comment=None),
            Assign(
                targets=target,
                value=Apply(
                    function=Attribute(value=owner) as function,
                    arguments=(Argument(value=read, name=None),),
                ),
            ),
        ) if own == read and target == (own,) and owner == SELF and "#" in own.id:
            return replace(second, value=Apply(function, (Argument(part),)))
        case _:
            return None

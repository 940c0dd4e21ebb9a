"""Stages that are equal but for some arguments are made by one method.

    self.layer2 = nn.Sequential()
    channels = 64                           self.layer2 = self._make_layer(
    for i in range(depths[1]):                  64, 128, depths[1], stride=2
        self.layer2.append(                 )
            Block(channels, 128, stride=2 if i == 0 else 1)
        )
        channels = 128

with `_make_layer(self, in_channels, planes, depth, stride)`, which makes the first
block and then the others. So it is for stages that have a first block: their depths are
one at least by the defaults of the network's arguments, which it may hand on to the one
module that has the stages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from archc.emit import rewrite
from archc.emit.passes.helper import Helper, Stage, helper
from archc.emit.passes.iterations import iteration
from archc.emit.passes.members import may_have
from archc.emit.symbols import Symbols
from archc.emit.tree import SELF, Assign, Body, Class, For, Method, Module, Statement
from archc.emit.usage import every, expressions, locals_in, parts, written
from archc.ops.code import (
    Apply,
    Argument,
    Attribute,
    ClassName,
    Global,
    Local,
    Sequence,
)
from archc.spec.expressions import Binary, Const, Expr, Index

_NAMES = ("_make_layer", "_make_stage")


def stages(module: Module, symbols: Symbols) -> Module:
    """A module whose classes make equal stages so."""
    classes = {c.name: c for c in module.classes}
    told = _Told(module)
    return replace(
        module, classes=tuple(_class(c, classes, told, symbols) for c in module.classes)
    )


def _class(
    made: Class, classes: dict[ClassName, Class], told: _Told, symbols: Symbols
) -> Class:
    init = made.method("__init__")
    if init is None or sum(isinstance(s, For) for s in init.body) < 2:
        return made
    found = list(_Loops(init, told.values(made)).found())
    kinds = Counter(loop.block for loop in found if loop.block in classes)
    if not kinds or max(kinds.values()) < 2:
        return made
    block = max(kinds, key=lambda kind: kinds[kind])
    loops = _resolved([loop for loop in found if loop.block == block])
    declared = classes[block].method("__init__")
    name = next((n for n in _NAMES if not may_have(made, n)), None)
    if declared is None or name is None:
        return made
    shared = helper(block, declared, [loop.stage for loop in loops], name, symbols)
    if shared is None:
        return made
    body = _with_calls(init.body, loops, shared)
    methods: list[Method] = []
    for method in made.methods:
        methods += (
            [replace(init, body=body), shared.method] if method is init else [method]
        )
    return replace(made, methods=tuple(methods))


class _Told:
    """What the arguments of a class are, by the defaults of the network's."""

    def __init__(self, module: Module) -> None:
        self._network = next(c for c in module.classes if c.name == module.network)
        self._calls = [
            part
            for made in module.classes
            for method in made.methods
            for statement in every(method.body)
            for expr in expressions(statement)
            for part in parts(expr)
            if isinstance(part, Apply) and isinstance(part.function, ClassName)
        ]

    def values(self, made: Class) -> dict[str, Expr]:
        """The values of those that have a default, or that the one call of the class
        in the network's constructor gives them."""
        init, outer = made.method("__init__"), self._network.method("__init__")
        assert init is not None
        found = _defaults(init)
        calls = [call for call in self._calls if call.function == made.name]
        if len(calls) != 1 or outer is None or made is self._network:
            return found
        known = _defaults(outer)
        changed = {name for s in every(outer.body) for name in written(s)}
        for number, given in enumerate(calls[0].arguments):
            slot = given.name or init.parameters[number].local.id
            match given.value:
                case Local(id=name) if name in known and name not in changed:
                    found[slot] = known[name]
                case _:
                    found.pop(slot, None)
        return found


def _defaults(init: Method) -> dict[str, Expr]:
    return {p.local.id: p.default for p in init.parameters if p.default is not None}


@dataclass(slots=True)
class _Loop:
    """A loop that fills an nn.Sequential, with what stands before it."""

    start: int
    end: int
    container: Expr
    block: ClassName
    stage: Stage
    carried: Local | None
    after: Expr | None
    """What the loop leaves in `carried`."""
    lasting: bool
    """Whether this can be said wherever `carried` is read."""


class _Loops:
    """The loops of one constructor that surely run, and fill a container."""

    def __init__(self, init: Method, values: dict[str, Expr]) -> None:
        self._body = init.body
        self._values = values
        self._writes = Counter(n for s in every(init.body) for n in written(s))

    def found(self) -> Iterator[_Loop]:
        for number, statement in enumerate(self._body):
            match statement:
                case Assign(
                    targets=(Local() | Attribute() as container,),
                    value=Apply(function=Global(name="nn.Sequential"), arguments=()),
                ):
                    found = self._loop(number, container)
                    if found is not None:
                        yield found
                case _:
                    pass

    def _loop(self, start: int, container: Expr) -> _Loop | None:
        match self._body[start + 1 : start + 3]:
            case (For() as loop, *_):
                carried, before, end = None, None, start + 1
            case (
                Assign(targets=(Local() as carried,), value=Expr() as before),
                For() as loop,
            ):
                end = start + 2
            case _:
                return None
        match loop:
            case For(
                targets=(counter,),
                over=Apply(function=Global(name="range"), arguments=(Argument() as n,)),
                body=(filling, *rest),
            ) if self._is_positive(n.value):
                count = n.value
            case _:
                return None
        call = _appended(filling, container)
        if call is None or not isinstance(call.function, ClassName):
            return None
        match carried, rest:
            case None, []:
                after = None
            case Local(), [Assign(targets=(target,), value=Expr() as after)] if (
                target == carried and self._writes[carried.id] == 2
            ):
                pass
            case _:
                return None
        own = {counter.id} if carried is None else {counter.id, carried.id}
        if after is not None and own & set(locals_in(after)):
            return None
        first = iteration(call, counter, carried, before, first=True)
        others = iteration(call, counter, carried, after, first=False)
        if own & {*locals_in(first), *locals_in(others)} - {*locals_in(before)}:
            return None
        stage = Stage(count, first, others)
        lasting = _is_simple(after) and not any(
            self._writes[name] for name in locals_in(after)
        )
        return _Loop(
            start, end, container, call.function, stage, carried, after, lasting
        )

    def _is_positive(self, count: Expr) -> bool:
        """Whether it is one at least, for arguments that a sensible network has: a
        depth that is two may become one, those in a list are not lessened."""
        match count:
            case Const(value=value):
                return _is_at_least(value, 1)
            case Local(id=name) if not self._writes[name]:
                default = self._values.get(name)
                return isinstance(default, Const) and _is_at_least(default.value, 2)
            case Index(value=Local(id=name), index=Const(value=int() as index)):
                default = self._values.get(name)
                if self._writes[name] or not isinstance(default, Sequence):
                    return False
                item = default.items[index] if index < len(default.items) else None
                return isinstance(item, Const) and _is_at_least(item.value, 1)
            case _:
                return False


def _is_at_least(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_simple(value: Expr | None) -> bool:
    match value:
        case Const() | Local():
            return True
        case Binary(left=left, right=right):
            return all(isinstance(side, Const | Local) for side in (left, right))
        case _:
            return False


def _appended(statement: Statement, container: Expr) -> Apply | None:
    """The call whose value `container.append(...)` appends; it reads no `self`."""
    match getattr(statement, "value", None):
        case Apply(
            function=Attribute(value=owner, name="append"),
            arguments=(Argument(value=Apply() as call, name=None),),
        ) if owner == container and SELF.id not in locals_in(call):
            return call
        case _:
            return None


# ------------------------------------------------------------------------------ calls


def _resolved(loops: list[_Loop]) -> list[_Loop]:
    """Loops that say what those before them leave, instead of reading it."""
    known: dict[str, Expr] = {}
    found: list[_Loop] = []
    for loop in loops:
        change = _filled(known)
        after = rewrite.expression(loop.after, change)
        stage = Stage(
            rewrite.expression(loop.stage.count, change),
            rewrite.expression(loop.stage.first, change),
            rewrite.expression(loop.stage.others, change),
        )
        found.append(replace(loop, stage=stage, after=after))
        if loop.carried is not None and loop.lasting and after is not None:
            known[loop.carried.id] = after
    return found


def _filled(known: dict[str, Expr]) -> rewrite.Change:
    def change(part: Expr | Argument) -> Expr | None:
        match part:
            case Local(id=name):
                return known.get(name)
            case Binary(op=op, left=left, right=right):
                return _computed(
                    op, *(rewrite.expression(s, change) for s in (left, right))
                )
            case _:
                return None

    return change


def _computed(op: str, left: Expr, right: Expr) -> Expr:
    match op, left, right:
        case "+", Const(value=int() as one), Const(value=int() as other):
            return Const(one + other)
        case "*", Const(value=int() as one), Const(value=int() as other):
            return Const(one * other)
        case _:
            return Binary(op, left, right)


def _with_calls(body: Body, loops: list[_Loop], shared: Helper) -> Body:
    """A constructor that calls the method in the place of these loops."""
    known: dict[str, Expr] = {}
    starts = {
        loop.start: (loop, call) for loop, call in zip(loops, shared.calls, strict=True)
    }
    found: list[Statement] = []
    done = -1
    for number, statement in enumerate(body):
        if number <= done:
            continue
        if number not in starts:
            made = rewrite.statement(statement, _filled(known)) if known else statement
            found.append(made)
            continue
        loop, call = starts[number]
        done = loop.end
        found.append(Assign((loop.container,), call))
        if loop.carried is None or loop.after is None:
            continue
        if loop.lasting:
            known[loop.carried.id] = loop.after
        else:
            found.append(Assign((loop.carried,), loop.after))
    return tuple(found)

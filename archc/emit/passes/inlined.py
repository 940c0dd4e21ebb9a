"""A class around one child is that child in an nn.Sequential, where it is built once.

    class LastStage(nn.Sequential):
        def __init__(self, in_channels: int, width: int) -> None:
            super().__init__(ConvBnAct(in_channels, width))

    layers.append(LastStage(160, 960))

becomes `layers.append(nn.Sequential(ConvBnAct(160, 960)))`. One with a docstring has
something to say, and stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from archc.emit import rewrite
from archc.emit.symbols import Symbols
from archc.emit.tree import Class, Evaluate, Method, Module
from archc.emit.usage import every, expressions, locals_in, parts
from archc.ops import code
from archc.ops.code import Apply, Argument, Attribute, ClassName, Global, Local
from archc.spec.expressions import Const, Expr

_SEQUENTIAL = Global("nn.Sequential")


def inlined(module: Module, _: Symbols) -> Module:
    """A module without such classes."""
    used = Counter(name for made in module.classes for name in _classes(made))
    around = {
        made.name: (init, child)
        for made in module.classes
        if used[made.name] == 1 and made.name != module.network
        for init, child in _children(made)
    }
    if not around:
        return module
    gone: set[ClassName] = set()

    def change(part: Expr | Argument) -> Expr | None:
        match part:
            case Apply(function=ClassName() as name) if name in around:
                child = _given(part, *around[name])
                if child is None:
                    return None
                gone.add(name)
                return code.call(_SEQUENTIAL, rewrite.expression(child, change))
            case _:
                return None

    classes = tuple(
        replace(made, methods=tuple(rewrite.method(m, change) for m in made.methods))
        for made in module.classes
    )
    rest = tuple(made for made in classes if made.name not in gone)
    return replace(module, classes=rest)


def _classes(made: Class) -> Iterator[ClassName]:
    """The classes that a class speaks of."""
    for method in made.methods:
        types = [method.returns, *(p.annotation for p in method.parameters)]
        said = [e for s in every(method.body) for e in expressions(s)]
        for expr in (*types, *said):
            yield from (p for p in parts(expr) if isinstance(p, ClassName))


def _children(made: Class) -> Iterator[tuple[Method, Expr]]:
    """The constructor of a class that is one child in an nn.Sequential, and the child;
    nothing for other classes."""
    if made.base != _SEQUENTIAL or made.doc or made.fields:
        return
    match made.methods:
        case (
            Method(
                name="__init__",
                body=(
                    Evaluate(
                        value=Apply(
                            function=Attribute(
                                value=Apply(function=Global(name="super"))
                            ),
                            arguments=(Argument(name=None, value=child),),
                        )
                    ),
                ),
            ) as init,
        ) if isinstance(child, Apply) and not _calls_given(child):
            yield init, child
        case _:
            pass


def _calls_given(child: Expr) -> bool:
    """Whether it calls what the class is given, which would be written where it is."""
    return any(
        isinstance(part, Apply) and isinstance(part.function, Local)
        for part in parts(child)
    )


def _given(call: Apply, init: Method, child: Expr) -> Expr | None:
    """The child with what a call gives for the arguments; None where that would be
    computed more often."""
    values = {p.local.id: p.default for p in init.parameters if p.default is not None}
    for number, argument in enumerate(call.arguments):
        values[argument.name or init.parameters[number].local.id] = argument.value
    times = Counter(locals_in(child))
    for name, value in values.items():
        if times[name] > 1 and not isinstance(value, Const | Local):
            return None

    def change(part: Expr | Argument) -> Expr | None:
        return values.get(part.id) if isinstance(part, Local) else None

    return rewrite.expression(child, change)

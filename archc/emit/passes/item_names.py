"""What an item of a list is called: as what it is given to is."""

from __future__ import annotations

from collections.abc import Iterator

from archc.emit.names import singular
from archc.emit.symbols import wish
from archc.emit.tree import Assign, Body, For, Module
from archc.emit.usage import every, expressions, parts
from archc.ops.code import Apply, Argument, ClassName, Global, Local
from archc.spec.expressions import Expr, IfExp

_BY_POSITION = {
    "nn.Conv2d": ("in_channels", "out_channels"),
    "nn.ConvTranspose2d": ("in_channels", "out_channels"),
    "nn.Linear": ("in_features", "out_features"),
}
_TELLING = frozenset({"dilation", "groups", "kernel_size", "padding", "stride"})
"""Keywords of torch's modules that say what is given."""
_COUNTS = frozenset({"count", "depth", "length", "repeat", "size"})


class Names:
    """What the constructors of a module's classes call their arguments."""

    def __init__(self, module: Module) -> None:
        self._parameters = {
            made.name.key: [
                wish(p.local.id) for m in made.methods[:1] for p in m.parameters
            ]
            for made in module.classes
        }

    def of(self, called: Apply, number: int) -> str | None:
        """What an argument of a call is called."""
        given = called.arguments[number].name
        match called.function:
            case ClassName(key=key):
                own = self._parameters[key]
                if given is not None:
                    return wish(given)
                return own[number] if number < len(own) else None
            case Global(name=name) if given is None:
                known = _BY_POSITION.get(name, ())
                return known[number] if number < len(known) else None
            case _:
                return given if given in _TELLING else None


def choices(names: Names, body: Body, item: Expr, plural: str | None) -> Iterator[str]:
    """What an item may be called, the best first; `plural` is what its list is."""
    found = [w for w in _given_to(names, body, item) if w != "in_channels"]
    yield from found
    one = None if plural is None else singular(plural)
    if any(isinstance(s, For) and _is_count(s.over, item) for s in every(body)):
        if plural is None:
            yield "depth"
        elif one is not None and one not in _COUNTS:
            yield f"num_{plural}"
    elif plural is None and _is_handed_on(body, item):
        yield "out_channels"
    if one is not None:
        yield one


def _given_to(names: Names, body: Body, item: Expr) -> Iterator[str]:
    for statement in every(body):
        for expr in expressions(statement):
            for part in parts(expr):
                if not isinstance(part, Apply):
                    continue
                for number, argument in enumerate(part.arguments):
                    word = _is_it(argument.value, item) and names.of(part, number)
                    if word:
                        yield word


def _is_it(value: Expr, item: Expr) -> bool:
    """Whether a value is the item, or that in one of two cases."""
    match value:
        case IfExp(body=body, orelse=orelse):
            return item in (body, orelse)
        case _:
            return value == item


def _is_count(over: Expr, item: Expr) -> bool:
    match over:
        case Apply(function=Global(name="range"), arguments=(Argument(value=count),)):
            return count == item
        case _:
            return False


def _is_handed_on(body: Body, item: Expr) -> bool:
    return any(
        isinstance(made, Assign)
        and made.value == item
        and isinstance(made.targets[0], Local)
        and wish(made.targets[0].id) == "in_channels"
        for made in every(body)
    )

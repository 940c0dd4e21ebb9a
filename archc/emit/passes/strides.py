"""A question has one form in a file: `stride > 1` is `stride != 1` where the latter
stands too, of arguments that cannot be less than 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archc.emit import rewrite
from archc.emit.symbols import Symbols
from archc.emit.tree import SELF, Assign, Class, Method, Module
from archc.emit.usage import every, expressions, parts
from archc.ops.code import Apply, Argument, Attribute, ClassName, Global, Local
from archc.spec.expressions import Compare, Const, Expr

_FROM_ONE = frozenset({"dilation", "groups", "kernel_size", "stride"})
"""What torch's modules take from 1 on."""
_FORMS = {">": "!=", "<=": "=="}


def strides(module: Module, symbols: Symbols) -> Module:
    """A module that asks so."""
    del symbols  # no name is new
    known: set[str] = set()
    positive = [_positive(made, known) for made in module.classes]
    pairs = tuple(zip(module.classes, positive, strict=True))
    asked = {op for made, held in pairs for op in _asked(made, held)}
    if not asked & set(_FORMS) or not asked & set(_FORMS.values()):
        return module
    return replace(module, classes=tuple(_class(made, held) for made, held in pairs))


def _class(made: Class, positive: set[Expr]) -> Class:
    def change(part: Expr | Argument) -> Expr | None:
        match part:
            case Compare(ops=(op,), operands=(asked, Const(value=1))) if op in _FORMS:
                return _as_equal(part) if asked in positive else None
            case _:
                return None

    methods = tuple(rewrite.method(method, change) for method in made.methods)
    return replace(made, methods=methods)


def _as_equal(test: Compare) -> Compare:
    return Compare((_FORMS[test.ops[0]],), test.operands)


def _asked(made: Class, positive: set[Expr]) -> Iterator[str]:
    """How a class compares what is not below 1 with 1."""
    for method in made.methods:
        for expr in _expressions(method):
            for part in parts(expr):
                match part:
                    case Compare(ops=(op,), operands=(asked, Const(value=1))):
                        if asked in positive:
                            yield op
                    case _:
                        pass


def _positive(made: Class, known: set[str]) -> set[Expr]:
    """The arguments of a class that are not below 1, and its attributes that hold
    one. `known` has those of the classes before, and gets them."""
    init = made.method("__init__")
    if init is None:
        return set()
    own = {p.local for p in init.parameters if p.annotation == Global("int")}
    found: set[Expr] = set()
    for expr in _expressions(init):
        for part in parts(expr):
            match part:
                case Apply(function=Global() | ClassName(), arguments=arguments):
                    told = _FROM_ONE if isinstance(part.function, Global) else known
                    found |= {a.value for a in arguments if a.name in told}
                case _:
                    pass
    found &= own
    known.update(p.local.id for p in init.parameters if p.local in found)
    for statement in init.body:
        match statement:
            case Assign(targets=(Attribute(value=owner) as kept,), value=Local() as v):
                if owner == SELF and v in found:
                    found.add(kept)
            case _:
                pass
    return found


def _expressions(method: Method) -> Iterator[Expr]:
    for statement in every(method.body):
        yield from expressions(statement)

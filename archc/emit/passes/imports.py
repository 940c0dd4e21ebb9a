"""What a module has to import: the names that its code uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from archc.emit.tree import Assign, Module
from archc.emit.usage import every, expressions, parts
from archc.ops.code import Global
from archc.ops.source import MATH
from archc.spec.expressions import Call, Expr
from archc.spec.reserved import IMPORTED

_WORD = re.compile(r"\w+")


def imports(module: Module) -> Module:
    """A module that knows what it imports."""
    used = {name for expr in _expressions(module) for name in _named(expr)}
    for helper in module.helpers:
        used |= set(_WORD.findall(helper))
    return replace(module, imports=tuple(sorted(used & IMPORTED)))


def _expressions(module: Module) -> Iterator[Expr]:
    for made in module.classes:
        yield made.base
        for field in made.fields:
            if isinstance(field, Assign) and field.annotation is not None:
                yield field.annotation
        for method in made.methods:
            yield method.returns
            for parameter in method.parameters:
                yield parameter.annotation
                if parameter.default is not None:
                    yield parameter.default
            for statement in every(method.body):
                yield from expressions(statement)
                if isinstance(statement, Assign) and statement.annotation is not None:
                    yield statement.annotation


def _named(expr: Expr) -> Iterator[str]:
    for part in parts(expr):
        if isinstance(part, Global):
            yield part.name.partition(".")[0]
        elif isinstance(part, Call) and part.function in MATH:
            yield "math"

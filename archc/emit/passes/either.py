"""A choice between two short children is one line, where it fits.

    if se:
        self.se = SqueezeExcite(expanded)
    else:
        self.se = nn.Identity()

becomes `self.se = SqueezeExcite(expanded) if se else nn.Identity()`.
"""

from __future__ import annotations

from dataclasses import replace

from archc.emit import rewrite
from archc.emit.lines import STEP, WIDTH
from archc.emit.passes.joined import length
from archc.emit.symbols import Symbols
from archc.emit.tree import SELF, Assign, Body, If, Method, Module, Statement
from archc.emit.usage import parts
from archc.ops.code import Attribute
from archc.spec.expressions import Expr, IfExp


def either(module: Module, _: Symbols) -> Module:
    """A module whose constructors choose so, outside of loops and conditions."""

    def change(method: Method) -> Body:
        if method.name != "__init__":
            return method.body
        return tuple(map(_statement, method.body))

    return rewrite.bodies(module, change)


def _statement(made: Statement) -> Statement:
    match made:
        case If(
            test=test,
            body=(
                Assign(
                    targets=(Attribute(value=owner, name=name),), value=Expr() as first
                ) as one,
            ),
            orelse=(Assign(targets=same, value=Expr() as second, comment=None),),
        ) if owner == SELF and one.targets == same and one.comment is None:
            value = IfExp(test, first, second)
            if any(
                isinstance(p, IfExp) for case in (first, second) for p in parts(case)
            ):
                return made  # no choice inside a choice
            room = WIDTH - 2 * STEP - len(f"self.{name} = ")
            return replace(one, value=value) if length(value) <= room else made
        case _:
            return made

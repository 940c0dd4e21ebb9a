"""What is broken over lines says the same as on one."""

from __future__ import annotations

import ast

import pytest

from archc.emit.lines import WIDTH, rows
from archc.ops import code
from archc.ops.code import Attribute, Global, Lambda, Local
from archc.ops.source import flat
from archc.spec.expressions import Binary, Compare, Const, Expr, IfExp

LONG = tuple(Local(f"a_rather_long_variable_{n}") for n in range(5))
CHOICE = IfExp(Local("test"), Local("one"), Local("other"))


@pytest.mark.parametrize(
    "called",
    [
        Lambda((Local("channels"),), (), code.call(Global("Norm"), Local("channels"))),
        CHOICE,
        Attribute(CHOICE, "make"),
        Attribute(Binary("+", Local("one"), Local("other")), "sum"),
        code.call(Local("make"), Const(1)),
    ],
)
@pytest.mark.parametrize("around", [False, True])
def test_what_is_called_keeps_its_brackets(called: Expr, around: bool) -> None:
    expr: Expr = code.call(called, *LONG)
    if around:
        expr = code.call(Global("outer"), expr, Compare(("<",), (LONG[0], LONG[1])))
    lines = rows(4, "value = ", expr)
    assert len(lines) > 1
    assert all(len(line) <= WIDTH for line in lines)
    broken = "\n".join(line[4:] for line in lines)
    assert ast.dump(ast.parse(broken)) == ast.dump(ast.parse(f"value = {flat(expr)}"))

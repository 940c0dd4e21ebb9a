"""What is left of loops and conditions when statements in them go."""

from __future__ import annotations

from archc.emit.rewrite import without_empty
from archc.emit.tree import Assign, For, If
from archc.ops.code import Local
from archc.spec.expressions import Compare, Const, Name, Unary

STATEMENT = Assign((Local("x"),), Const(1))
EQUAL = Compare(("==",), (Name("a"), Const(2)))
DIFFERENT = Compare(("!=",), (Name("a"), Const(2)))


def test_a_condition_with_an_else_alone_asks_the_opposite() -> None:
    empty_loop = For((Local("i"),), Name("b"), ())
    made = If(EQUAL, (empty_loop,), (STATEMENT,))
    assert without_empty((made,)) == (If(DIFFERENT, (STATEMENT,)),)
    made = If(Name("flag"), (), (STATEMENT,))
    assert without_empty((made,)) == (If(Unary("not", Name("flag")), (STATEMENT,)),)


def test_what_is_empty_goes() -> None:
    assert without_empty((If(EQUAL, (), ()), STATEMENT)) == (STATEMENT,)

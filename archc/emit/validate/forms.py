"""How an op says it is built and computed, brought into expressions.

Temporary: ops still give text with names in it, which is parsed here. Once they take
and give expressions, both functions are the ops' own methods.
"""

from __future__ import annotations

import ast
from typing import Any, cast

from archc.ops.base import Call, Op, Shape
from archc.ops.code import Apply, Argument, Attribute, Axes, Local, Sequence
from archc.ops.merge import Merge
from archc.spec.expressions import Binary, Const, Expr, Name, Slice

Form = Call | Expr


def function_form(op: Op, x: Shape) -> Form | None:
    """The op on the variable `x0`, without a module."""
    return _read(op.function(x, "x0"))


def merge_form(op: Merge, x: Shape, count: int) -> Form:
    """The op on the variables `x0`, `x1`, ..."""
    form = _read(op.combine(x, *(f"x{i}" for i in range(count))))
    assert form is not None
    return form


def _read(form: Call | str | None) -> Form | None:
    if isinstance(form, Call):
        args = tuple(_value(a) for a in form.args)
        return Call(form.function, args, {k: _value(v) for k, v in form.kwargs.items()})
    return None if form is None else _expression(ast.parse(form, mode="eval").body)


def _value(value: Any) -> Any:
    if isinstance(value, Name) and value.id.isidentifier():
        return Local(value.id)
    if isinstance(value, Name):
        return _expression(ast.parse(value.id, mode="eval").body)
    if isinstance(value, tuple):
        return tuple(map(_value, cast("tuple[Any, ...]", value)))
    return value


def _expression(node: ast.expr) -> Expr:
    match node:
        case ast.Name():
            return Local(node.id)
        case ast.Constant(value=int()):
            return Const(cast("int", node.value))
        case ast.UnaryOp(operand=ast.Constant(value=int() as value)):
            return Const(-value)
        case ast.Attribute():
            return Attribute(_expression(node.value), node.attr)
        case ast.BinOp(op=ast.Add()):
            return Binary("+", _expression(node.left), _expression(node.right))
        case ast.BinOp(op=ast.Mult()):
            return Binary("*", _expression(node.left), _expression(node.right))
        case ast.Call():
            arguments = tuple(Argument(_expression(a)) for a in node.args)
            return Apply(_expression(node.func), arguments)
        case ast.List():
            return Sequence(tuple(map(_expression, node.elts)))
        case ast.Subscript(slice=ast.Tuple(elts=parts)):
            return _axes(_expression(node.value), parts)
        case _:
            raise TypeError(ast.dump(node))


def _axes(value: Expr, parts: list[ast.expr]) -> Expr:
    last = parts[-1]
    assert isinstance(last, ast.Slice)
    lower, upper = (
        None if b is None else _expression(b) for b in (last.lower, last.upper)
    )
    return Axes(value, len(parts) - 1, Slice(value, lower, upper, None))

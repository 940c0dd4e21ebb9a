"""The value of an expression, once it is known what its names stand for.

Where a name stands for another expression (a symbol) instead of a number, the value is
an expression again: what Python would give for it once the symbols are numbers is what
it would have given at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, ParamSpec, TypeAlias

from archc.spec.expressions.errors import ExpressionError, Silenced, UnknownName
from archc.spec.expressions.operations import (
    binary,
    call,
    compare,
    cut,
    field_of,
    index,
    unary,
)
from archc.spec.expressions.tree import (
    Binary,
    BoolOp,
    Call,
    Compare,
    Const,
    Expr,
    Field,
    IfExp,
    Index,
    ListOf,
    Name,
    RowOf,
    Slice,
    Span,
    Unary,
    Unparsed,
    Value,
    as_expr,
    is_whole,
    row_of,
)
from archc.spec.expressions.walk import filled, names_of

_P = ParamSpec("_P")


class Silence:
    __slots__ = ()


SILENCED: Final = Silence()
"""Stands in a mapping of names for a value that is unknown because of a mistake."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """Stands in a mapping of names for what there is not here, and says so."""

    said: Callable[[], ExpressionError]


Known: TypeAlias = "Value | Silence | Lacking"
"""What a name stands for."""
Names: TypeAlias = Mapping[str, Known]


def evaluate(expr: Expr, names: Names) -> Value:
    """The value of `expr`; an expression where a symbol remains in it.

    Raises:
        ExpressionError: `unknown-name`, `expression-value` or `expression-too-large`.
    """
    match expr:
        case Const():
            return expr.value
        case Name():
            return _named(expr, names)
        case Binary():
            left, right = evaluate(expr.left, names), evaluate(expr.right, names)
            return _located(expr.at, binary, expr.op, left, right)
        case Unary():
            return unary(expr.op, evaluate(expr.operand, names))
        case Compare():
            return _compare(expr, names)
        case BoolOp():
            return _bool_op(expr, names)
        case IfExp():
            test = evaluate(expr.test, names)
            if isinstance(test, Expr):
                return choose(
                    test, _later(expr.body, names), _later(expr.orelse, names)
                )
            return evaluate(expr.body if test else expr.orelse, names)
        case Index():
            value, at = evaluate(expr.value, names), evaluate(expr.index, names)
            _need_list(expr.value, value, expr.at)
            return _located(expr.at, index, value, at)
        case Slice():
            value = evaluate(expr.value, names)
            parts = (expr.lower, expr.upper, expr.step)
            return cut(
                value, [None if p is None else evaluate(p, names) for p in parts]
            )
        case Call():
            args = [evaluate(a, names) for a in expr.args]
            if expr.function == "len" and len(args) == 1:
                _need_list(expr.args[0], args[0], expr.at)
            return _located(expr.at, call, expr.function, args)
        case ListOf():
            items = tuple(evaluate(as_expr(i), names) for i in expr.items)
            return ListOf(items) if any(isinstance(i, Expr) for i in items) else items
        case RowOf():
            items = tuple(evaluate(as_expr(i), names) for i in expr.items)
            return row_of(expr.fields, items)
        case Field():
            value = evaluate(expr.value, names)
            return _located(expr.at, field_of, value, expr.name)
        case Unparsed():
            raise Silenced
        case _:
            raise TypeError(expr)


def _named(name: Name, names: Names) -> Value:
    try:
        value = names[name.id]
    except KeyError:
        raise UnknownName(name.id, name.at) from None
    if isinstance(value, Silence):
        raise Silenced
    if isinstance(value, Lacking):
        error = value.said()
        error.at = name.at
        raise error
    return value


def _located(
    at: Span | None,
    function: Callable[_P, Value],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> Value:
    try:
        return function(*args, **kwargs)
    except ExpressionError as error:
        error.at = error.at or at
        raise


def _need_list(expr: Expr, value: Value, at: Span | None) -> None:
    """Says of a number with a name, where a list is needed, that it is one."""
    if isinstance(expr, Name) and isinstance(value, int | float):
        said = str(value).lower()
        message = f"`{expr.id}` is {said}, and not a list"
        help = f"a list is written with brackets: [{said}]"
        raise ExpressionError("expression-value", message, at, help, known=True)


def _later(expr: Expr, names: Names) -> Value:
    """The value of a part that may turn out not to be needed; a mistake in it waits."""
    try:
        return evaluate(expr, names)
    except UnknownName:
        raise
    except ExpressionError:
        return filled(
            expr,
            {n: v for n, v in names.items() if not isinstance(v, Silence | Lacking)},
        )


def _compare(expr: Compare, names: Names) -> Value:
    """Python's chain of comparisons, stopping at the first that is false."""
    values = [evaluate(expr.operands[0], names)]
    for op, operand in zip(expr.ops, expr.operands[1:], strict=True):
        if any(isinstance(v, Expr) for v in values) and len(values) > 1:
            values.append(_later(operand, names))
            continue
        values.append(evaluate(operand, names))
        left, right = values[-2:]
        known = not isinstance(left, Expr) and not isinstance(right, Expr)
        if op in ("in", "not in") and not isinstance(right, Expr | tuple):
            compare(op, 0, right)  # which says what is wrong
        if known and not compare(op, left, right):
            return False
    if any(isinstance(v, Expr) for v in values):
        return Compare(expr.ops, tuple(map(as_expr, values)))
    return True


def _bool_op(expr: BoolOp, names: Names) -> Value:
    """Python's `and`/`or`, stopping at the first operand that decides.

    The value is an operand's, so a known one that cannot decide is left out only where
    another follows it.
    """
    decides = expr.op == "or"
    kept: list[Expr] = []
    last = len(expr.operands) - 1
    for number, operand in enumerate(expr.operands):
        value = _later(operand, names) if kept else evaluate(operand, names)
        if isinstance(value, Expr):
            kept.append(value)
        elif number == last or bool(value) == decides:
            if not kept:
                return value
            kept.append(as_expr(value))
            break
    return kept[0] if len(kept) == 1 else BoolOp(expr.op, tuple(kept))


def choose(test: Expr, body: Value, orelse: Value) -> Value:
    """`body if test else orelse`, or just the value where both are the same.

    They also are where the test says which value makes them differ: `a if a != b else
    b` is `a`, and `x * n if n != 1 else x` is `x * n`.
    """
    if as_expr(body) == as_expr(orelse) or _equal_unless(
        test, "!=", "or", body, orelse
    ):
        return body
    if _equal_unless(test, "==", "and", body, orelse):
        return orelse
    return IfExp(test, as_expr(body), as_expr(orelse))


def _equal_unless(test: Expr, op: str, joint: str, a: Value, b: Value) -> bool:
    """Whether two values are equal where `name op value` does not hold."""
    match test:
        case BoolOp(op=found, operands=parts) if found == joint:
            return any(_equal_unless(part, op, joint, a, b) for part in parts)
        case Compare(ops=(found,), operands=(Name() as name, other)) if found == op:
            # 1 == 1.0 == True: only of whole numbers equal ones are the same
            if not is_whole(name) or not is_whole(other):
                return False
            return _with(a, name, other) == _with(b, name, other)
        case _:
            return False


def _with(value: Value, name: Name, stands_for: Expr) -> object:
    """An expression with another in the place of one of its names."""
    known = stands_for.value if isinstance(stands_for, Const) else stands_for
    names: dict[str, Value] = {n.id: n for n in names_of(value)}
    try:
        return as_expr(evaluate(as_expr(value), names | {name.id: known}))
    except ExpressionError:
        return object()  # it has no value there, so it equals nothing

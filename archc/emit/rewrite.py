"""Trees with some of their parts changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import is_
from typing import Any

from archc.emit.conditions import decided, opposite
from archc.emit.tree import (
    Assign,
    Body,
    Class,
    Evaluate,
    For,
    If,
    Method,
    Module,
    Return,
    Statement,
)
from archc.ops.code import Argument, ClassName, Local
from archc.spec.expressions import Expr, is_tuple

Change = Callable[[Expr | Argument], Expr | Argument | None]
"""Gives what is to stand in the place of a part, or None to look inside it."""


def expression(expr: object, change: Change) -> Any:
    """An expression in which `change` has had its say, outermost part first."""
    if is_tuple(expr):
        made = [expression(part, change) for part in expr]
        return expr if all(map(is_, expr, made)) else tuple(made)
    if not isinstance(expr, Expr | Argument):
        return expr
    changed = change(expr)
    if changed is not None:
        return changed
    parts = [getattr(expr, name) for name in expr.__slots__]
    made = [expression(part, change) for part in parts]
    if all(map(is_, parts, made)):
        return expr
    new = type(expr)(*made)
    return decided(new) if isinstance(new, Expr) else new


def body(statements: Body, change: Change) -> Body:
    return tuple(statement(s, change) for s in statements)


def statement(made: Statement, change: Change) -> Statement:
    def new(expr: object) -> Any:
        return expression(expr, change)

    match made:
        case Assign(targets=targets, value=value, annotation=annotation):
            return replace(
                made, targets=new(targets), value=new(value), annotation=new(annotation)
            )
        case Evaluate(value=value) | Return(value=value):
            return replace(made, value=new(value))
        case For(targets=targets, over=over, body=inner):
            return For(new(targets), new(over), body(inner, change))
        case If(test=test, body=inner, orelse=orelse):
            return If(new(test), body(inner, change), body(orelse, change))
        case _:
            return made


def method(made: Method, change: Change) -> Method:
    parameters = tuple(
        replace(
            p,
            local=expression(p.local, change),
            annotation=expression(p.annotation, change),
            default=expression(p.default, change),
        )
        for p in made.parameters
    )
    return Method(
        made.name, parameters, expression(made.returns, change), body(made.body, change)
    )


def bodies(module: Module, change: Callable[[Method], Body]) -> Module:
    """A module with other bodies for its methods."""

    def of(made: Class) -> Class:
        methods = tuple(replace(m, body=change(m)) for m in made.methods)
        return replace(made, methods=methods)

    return replace(module, classes=tuple(map(of, module.classes)))


def without_empty(statements: Body) -> Body:
    """Statements without loops and conditions that have nothing in them."""
    found: list[Statement] = []
    for made in statements:
        match made:
            case For(targets=targets, over=over, body=inner):
                rest = without_empty(inner)
                if rest:
                    found.append(For(targets, over, rest))
            case If(test=test, body=inner, orelse=orelse):
                rest, other = without_empty(inner), without_empty(orelse)
                if rest:
                    found.append(If(test, rest, other))
                elif other:
                    found.append(If(opposite(test), other))
            case _:
                found.append(made)
    return tuple(found)


def renamed(names: dict[str, str], classes: dict[str, str] | None = None) -> Change:
    """The change that gives variables, and classes, other names."""

    def change(part: Expr | Argument) -> Expr | Argument | None:
        match part:
            case Local(id=symbol) if symbol in names:
                return Local(names[symbol])
            case ClassName(key=key) if classes is not None:
                return ClassName(classes[key])
            case Argument(name=str(keyword)) if keyword in names:
                value = expression(part.value, change)
                return Argument(value, names[keyword], part.comment)
            case _:
                return None

    return change

"""`channels = channels + 8` becomes `channels += 8`, and `channels = channels` goes.

What a variable is, is said once: `layers: list[nn.Module] = []`, later `layers = []`.
"""

from __future__ import annotations

from dataclasses import replace

from archc.emit.rewrite import bodies, without_empty
from archc.emit.tree import Assign, Body, For, If, Method, Module, Statement
from archc.ops.code import Local
from archc.spec.expressions import Binary, Expr


def assignments(module: Module) -> Module:
    """A module whose names have been given, with its assignments written so."""

    def change(method: Method) -> Body:
        # of tensors, `x += y` is another operation than `x = x + y`
        if method.name == "forward":
            return method.body
        return without_empty(_body(method.body, set()))

    return bodies(module, change)


def _body(statements: Body, declared: set[tuple[Expr, Expr]]) -> Body:
    found: list[Statement] = []
    for made in statements:
        match made:
            case Assign(targets=(Local() as target,), value=value) if value == target:
                continue
            case Assign(
                targets=(Local() as target,),
                value=Binary(op=op, left=left, right=right),
                operator="",
            ) if left == target and op != "**":
                found.append(Assign((target,), right, op, None, made.comment))
            case Assign(targets=(Local() as target,), annotation=Expr() as annotation):
                if (target, annotation) in declared:
                    made = replace(made, annotation=None)
                declared.add((target, annotation))
                found.append(made)
            case For(targets=targets, over=over, body=inner):
                found.append(For(targets, over, _body(inner, declared)))
            case If(test=test, body=inner, orelse=orelse):
                then = _body(inner, declared)
                found.append(If(test, then, _body(orelse, declared)))
            case _:
                found.append(made)
    return tuple(found)

"""`x = self.fc(x)` before `return x` becomes `return self.fc(x)`.

What gave an earlier `x` that nobody reads is called for itself then.
"""

from __future__ import annotations

from archc.emit import rewrite
from archc.emit.passes.dead import without_unread
from archc.emit.tree import Assign, Body, Method, Module, Return


def returns(module: Module) -> Module:
    """A module whose names have been given, with its values returned so."""

    def change(method: Method) -> Body:
        body = returned(method.body)
        return without_unread(body) if method.name == "forward" else body

    return rewrite.bodies(module, change)


def returned(body: Body) -> Body:
    """A method's body whose last value is returned where it is made."""
    match body:
        case (
            *rest,
            Assign(targets=(target,), value=value, operator="", comment=comment),
            Return(value=given),
        ) if target == given and value is not None:
            return returned((*rest, Return(value, comment)))
        case _:
            return body

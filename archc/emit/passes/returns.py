"""`x = self.fc(x)` before `return x` becomes `return self.fc(x)`."""

from __future__ import annotations

from archc.emit import rewrite
from archc.emit.tree import Assign, Body, Module, Return


def returns(module: Module) -> Module:
    """A module whose names have been given, with its values returned so."""
    return rewrite.bodies(module, lambda method: returned(method.body))


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

"""A class that runs its children in a row is an nn.Sequential; one that iterates them
for something else is an nn.ModuleDict.

    for layer in self.children():               (no `forward` at all)
        x = layer(x)

    for layer in self.children():               for layer in self.values():
        x = torch.cat([x, layer(x)], dim=1)         x = torch.cat([x, layer(x)], dim=1)
"""

from __future__ import annotations

from dataclasses import replace

from archc.emit import rewrite
from archc.emit.passes.members import may_have
from archc.emit.symbols import Symbols
from archc.emit.tree import SELF, Assign, Class, For, Method, Module, Return
from archc.ops import code
from archc.ops.code import Argument, Attribute, Global
from archc.spec.expressions import Expr
from archc.spec.reserved import DICT

_CHILDREN = code.call(Attribute(SELF, "children"))
_VALUES = code.call(Attribute(SELF, "values"))


def children(module: Module, symbols: Symbols) -> Module:
    """A module whose classes are the containers that they are used as."""
    return replace(module, classes=tuple(map(_class, module.classes)))


def _class(made: Class) -> Class:
    forward = made.method("forward")
    if forward is None or made.base != Global("nn.Module"):
        return made
    if not any(isinstance(s, For) and s.over == _CHILDREN for s in forward.body):
        return made
    if _is_chain(forward):
        methods = tuple(m for m in made.methods if m is not forward)
        return replace(made, base=Global("nn.Sequential"), methods=methods)
    if any(may_have(made, name) for name in DICT):
        return made
    methods = tuple(rewrite.method(m, _values) for m in made.methods)
    return replace(made, base=Global("nn.ModuleDict"), methods=methods)


def _values(part: Expr | Argument) -> Expr | None:
    return _VALUES if part == _CHILDREN else None


def _is_chain(forward: Method) -> bool:
    match forward:
        case Method(
            parameters=(parameter,),
            body=(
                For(
                    targets=(layer,),
                    over=over,
                    body=(Assign(targets=(x,), value=value, operator=""),),
                ),
                Return(value=given),
            ),
        ):
            chained = over == _CHILDREN and value == code.call(layer, x)
            return chained and x == given == parameter.local
        case _:
            return False

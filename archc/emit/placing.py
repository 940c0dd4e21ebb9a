"""The parts of a network that live on several devices, put there.

self.devices = devices or {}
if devices is not None:
    self.to(device=self.devices.get("gpu0"))
    for module in (self.bottom1, self.bottom2):
        module.to(device=self.devices.get("gpu1"))
"""

from __future__ import annotations

from collections import defaultdict

from archc.emit.annotations import either, indexed
from archc.emit.tree import SELF, Assign, Body, Evaluate, For, If, Parameter, Statement
from archc.ops import code
from archc.ops.code import Attribute, Global, Local, Nothing
from archc.ops.to import DEVICES, moved
from archc.spec.expressions import BoolOp, Compare, Expr
from archc.spec.model import Spec
from archc.spec.placement import lives

_DEVICE = either(Global("torch.device"), Global("str"))
PLACES = Parameter(
    Local(DEVICES),
    either(indexed("Mapping", Global("str"), _DEVICE), Nothing()),
    Nothing(),
)
"""The argument that says where the places are."""


def placing(spec: Spec) -> Body:
    """Statements behind all others of the constructor; none without places."""
    if not spec.places:
        return ()
    first, *others = spec.places
    devices = BoolOp("or", (Local(DEVICES), code.Mapping()))
    made: list[Statement] = [Evaluate(moved(SELF, first))]
    there: dict[str, list[Expr]] = defaultdict(list)
    for name, place in lives(spec).items():
        there[place].append(Attribute(SELF, name))
    for place in others:
        modules = there[place]
        if len(modules) == 1:
            made.append(Evaluate(moved(modules[0], place)))
        elif modules:
            module = Local("module")
            over = code.Sequence(tuple(modules), "()")
            made.append(For((module,), over, (Evaluate(moved(module, place)),)))
    given = Compare(("is not",), (Local(DEVICES), Nothing()))
    return Assign((Attribute(SELF, DEVICES),), devices), If(given, tuple(made))

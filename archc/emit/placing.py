"""The parts of a network that live on several devices, put there.

self.devices = devices or {}
if devices is not None:
    self.to(device=self.devices.get("gpu0"))
    for module in (self.bottom1, self.bottom2):
        module.to(device=self.devices.get("gpu1"))

Where a name of the network's own does not find all of them, in blocks, loops and
conditions, each is put there as it is made:

self.conv = nn.Conv2d(3, 8, kernel_size=3).to(device=self.devices.get("gpu1"))
self.unit = Unit(8, devices=self.devices)
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from archc.emit.annotations import either, indexed
from archc.emit.plan import ClassPlan
from archc.emit.tree import SELF, Assign, Body, Evaluate, For, If, Parameter, Statement
from archc.emit.usage import every
from archc.ops import code
from archc.ops.code import Apply, Argument, Attribute, Global, Local, Nothing
from archc.ops.to import DEVICES, device_of, moved
from archc.spec.expressions import BoolOp, Compare, Expr
from archc.spec.model import BlockNode, Node, OpNode, PartsNode, Spec, members
from archc.spec.placement import lives, says_places

_DEVICE = either(Global("torch.device"), Global("str"))
PLACES = Parameter(
    Local(DEVICES),
    either(indexed("Mapping", Global("str"), _DEVICE), Nothing()),
    Nothing(),
)
"""The argument that says where the places are."""


def placing(spec: Spec, constructor: Body) -> Body:
    """Statements behind all others of the constructor; none without places."""
    if not spec.places or spec.scattered:
        return ()
    first, *others = spec.places
    made: list[Statement] = [Evaluate(moved(SELF, first))]
    there: dict[str, list[Expr]] = defaultdict(list)
    built = {
        target.name
        for statement in every(constructor)
        if isinstance(statement, Assign)
        for target in statement.targets
        if isinstance(target, Attribute) and target.value == SELF
    }
    for name, place in lives(spec).items():
        if name not in built:
            continue  # it is repeated no time, whatever the arguments are
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
    return _told(), If(given, tuple(made))


def scattered(plan: ClassPlan, spec: Spec) -> bool:
    """Whether a class puts modules to places as it makes them, so that it is told the
    devices."""
    if not spec.scattered:
        return False
    return plan.kind == "network" or says_places(plan.nodes, spec)


def opening(plan: ClassPlan, spec: Spec) -> Body:
    """What the constructor of such a class begins with."""
    return (_told(),) if scattered(plan, spec) else ()


def _told() -> Assign:
    devices = BoolOp("or", (Local(DEVICES), code.Mapping()))
    return Assign((Attribute(SELF, DEVICES),), devices)


def put(node: Node, made: Expr, spec: Spec) -> tuple[Expr, Body]:
    """A module, or a parameter, that is put where its node lives, and statements that
    do so where it is one already; the parts of what says places are there."""
    if node.place is None or not spec.scattered or says_places(_parts(node), spec):
        return made, ()
    if isinstance(node, BlockNode) and spec.blocks[node.block].placed:
        return made, ()
    if isinstance(node, OpNode) and not node.op.can_have_parameters():
        return made, ()
    if isinstance(node, OpNode) and node.op.bare_parameter:
        assert isinstance(made, Apply)
        (value,) = made.arguments
        assert isinstance(value.value, Apply)
        device = Argument(device_of(node.place), "device")
        tensor = replace(value.value, arguments=(*value.value.arguments, device))
        return replace(made, arguments=(replace(value, value=tensor),)), ()
    if isinstance(made, Apply):
        return moved(made, node.place), ()
    return made, (Evaluate(moved(made, node.place)),)


def _parts(node: Node) -> tuple[Node, ...]:
    return () if isinstance(node, PartsNode) else members(node)

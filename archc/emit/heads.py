"""The auxiliary classifiers: in training only, each where what it reads is made.

    x = self.inception4a(x)
    aux1 = self.aux1(x) if self.training else None
    ...
    if aux1 is not None:
        return GoogLeNetOutputs(x, aux1)
    return x

One that has statements of its own, or reads what a loop or a condition made, stands at
the end. A network whose outputs have names returns all at once, heads too, which are
None in evaluation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from archc.emit.builder import Builder
from archc.emit.calls import expression
from archc.emit.forward import write_node
from archc.emit.names import snake_case
from archc.emit.tree import SELF, Assign, Body, If, Return, Statement
from archc.emit.usage import every, locals_in, written
from archc.emit.variables import value_of
from archc.network.graph import Network
from archc.ops import code
from archc.ops.code import Attribute, ClassName, Nothing
from archc.spec.expressions import BoolOp, Compare, Expr, IfExp
from archc.spec.model import BlockNode, Node, OpNode, SlotNode

_TRAINING = Attribute(SELF, "training")


def write_heads(
    builder: Builder, network: Network, outputs: ClassName, end: Expr
) -> None:
    """Writes the heads of a network whose body is written; training returns `outputs`
    of the body's `end` and of theirs."""
    body, builder.forward = builder.forward, []
    places = _places(tuple(body))
    early: dict[int, list[Statement]] = defaultdict(list)
    values = [end]
    there: list[Expr] = []
    late = _behind_the_body(network)
    nodes = [head.node for head in network.spec.heads]
    for number, (head, node) in enumerate(zip(network.heads, nodes, strict=True)):
        x = _read_by(builder, head.name)
        if not _is_call(builder, node):
            target = builder.local(f"{head.name}_out")
            values.append(write_node(builder, node, x, target))
            continue
        made = expression(builder, node, x)
        place = _place(made, places)
        if place is not None and head.name not in late:
            value = builder.local(snake_case(head.name))
            when = IfExp(_TRAINING, made, Nothing())
            early[place].append(Assign((value,), when))
            there.append(Compare(("is not",), (value, Nothing())))
            made = value
        elif not all(_is_call(builder, n) for n in nodes[number:]):
            # those at the end are computed in their order
            made = builder.land(made, builder.local(f"{head.name}_out"))
        values.append(made)
    builder.forward.append(Return(code.call(outputs, *values)))
    if len(there) < len(nodes):
        there.insert(0, _TRAINING)
    test = there[0] if len(there) == 1 else BoolOp("and", tuple(there))
    last = If(test, tuple(builder.forward))
    builder.forward = [*_woven(body, early), last]


def write_optional_heads(builder: Builder, network: Network) -> list[Expr]:
    """Writes the heads of a network whose outputs have names; gives what they are in
    training, and None elsewhere."""
    body, builder.forward = builder.forward, []
    places = _places(tuple(body))
    early: dict[int, list[Statement]] = defaultdict(list)
    late = _behind_the_body(network)
    values: list[Expr] = []
    for head in network.spec.heads:
        x = _read_by(builder, head.name)
        value = builder.local(snake_case(head.name))
        values.append(value)
        if not _is_call(builder, head.node):
            builder.forward.append(Assign((value,), Nothing()))
            outer, builder.forward = builder.forward, []
            builder.land(write_node(builder, head.node, x, value), value)
            outer.append(If(_TRAINING, tuple(builder.forward)))
            builder.forward = outer
            continue
        made = expression(builder, head.node, x)
        statement = Assign((value,), IfExp(_TRAINING, made, Nothing()))
        place = _place(made, places)
        if place is None or head.name in late:
            builder.forward.append(statement)
        else:
            early[place].append(statement)
    builder.forward = [*_woven(body, early), *builder.forward]
    return values


def _read_by(builder: Builder, head: str) -> Expr:
    return value_of(builder, builder.plan.reads.heads[head])


def _place(made: Expr, places: Mapping[str, int]) -> int | None:
    """Behind which statement all is there that a head reads; None where a loop or a
    condition makes it."""
    read = list(locals_in(made))
    if any(name not in places for name in read if name != SELF.id):
        return None
    return max((places.get(name, -1) for name in read), default=-1)


def _woven(
    body: Sequence[Statement], early: Mapping[int, Sequence[Statement]]
) -> list[Statement]:
    """Statements with others behind some of them."""
    return [
        statement
        for number, made in enumerate(body)
        for statement in (made, *early.get(number, ()))
    ]


def _places(body: Body) -> dict[str, int]:
    """Where each variable is written last; none that a loop or a condition writes."""
    found: dict[str, int] = {}
    inside: set[str] = set()
    for number, statement in enumerate(body):
        found |= dict.fromkeys(written(statement), number)
        for inner in every((statement,)):
            if inner is not statement:
                inside.update(written(inner))
    return {name: number for name, number in found.items() if name not in inside}


def _is_call(builder: Builder, node: Node) -> bool:
    """Whether a head is the call of its module, and no more."""
    met = builder.met[node]
    if isinstance(node, BlockNode) and node.outputs:
        return False  # it is the first of what the call gives
    is_module = isinstance(node, BlockNode | SlotNode) or (
        node.name is not None and not isinstance(node, OpNode)
    )
    always = met.choice is None and met.test is True
    return is_module and always and met.skip is False and not met.repeats


def _behind_the_body(network: Network) -> set[str]:
    """The heads whose order matters.

    They may drop the same value as the body or another head, as which of equal dropouts
    is which can only be told by their order; or they use a normalisation again, which
    updates its statistics at each use.
    """
    # by the last layer with weights before it, as equal values have the same
    layers = [(layer, "") for layer in network.layers()]
    layers += [(a, head.name) for head in network.heads for a in head.region.layers()]
    last = {value: -1 - n for n, value in enumerate(network.inputs.values())}
    owners: dict[int, set[str]] = defaultdict(set)
    for number, (layer, owner) in enumerate(layers):
        x = layer.input_shape()
        weighted = layer.op.parameters(x) or layer.op.buffers(x)
        behind = number if weighted else max(last[value] for value in layer.inputs)
        last[layer.output] = behind
        if layer.op.category == "dropout":
            owners[behind].add(owner)
    updating = {
        owner
        for layer, owner in layers
        if owner and layer.again and layer.op.buffers(layer.input_shape())
    }
    alike = (found for found in owners.values() if len(found) > 1)
    return updating.union(*alike)

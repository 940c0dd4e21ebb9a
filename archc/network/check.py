"""Holds a network to its claims, and finds what is written but not used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.model import Place, Sink
from archc.diagnostics.suggest import did_you_mean
from archc.measure.cost import Facts
from archc.measure.rows import seen_as_data
from archc.network.graph import Layer, Network, Region, Value
from archc.source.kinds import is_list
from archc.source.writing import write
from archc.spec.expressions import Expr, names_in
from archc.spec.model import (
    Block,
    BlockNode,
    Node,
    OpNode,
    Origin,
    SlotNode,
    Spec,
    body_of,
    walk_given,
)
from archc.spec.names import written


def inferred_numbers(facts: Facts) -> dict[str, Any]:
    """What [expect] may state of a whole network, but for the shapes of its outputs."""
    return {
        "params": facts.params,
        "params_with_heads": facts.params_with_heads,
        "buffers": facts.buffers,
        "macs": facts.macs,
        "receptive_field": seen_as_data(facts.receptive_field),
    }


def check_expect(network: Network, facts: Facts, sink: Sink) -> None:
    """Reports what [expect] has wrong."""
    inferred = inferred_numbers(facts)
    for key, claimed in network.spec.expect.items():
        place = network.spec.origin.at("expect", key)
        if key in ("output", "outputs"):
            _check_outputs(key, claimed, network, sink)
        elif claimed != inferred[key]:
            _differs(key, claimed, inferred[key], place, sink)


def _check_outputs(key: str, claimed: Any, network: Network, sink: Sink) -> None:
    """Holds what `forward` gives to one claimed shape, or to those of its names."""
    shapes = {
        name: list(value.shape.dims)
        for name, value in network.outputs.items()
        if value.shape is not None
    }
    below = network.spec.origin.below("expect")
    if key == "output" and not network.spec.outputs:
        (shape,) = shapes.values()
        if claimed != shape:
            _differs(key, claimed, shape, below.at(key), sink)
        return
    if key == "output":
        listed = ", ".join(f"{name} = {dims}" for name, dims in shapes.items())
        message = "the network's outputs have names, and `output` is about one without"
        help = f"write outputs = {{ {listed} }}"
        sink.error("expectation", message, below.at(key, part="key"), help=help)
        return
    if not network.spec.outputs:
        message = "the network's output has no name, and `outputs` is about names"
        help = f"write output = {shapes['output']}"
        sink.error("expectation", message, below.at(key, part="key"), help=help)
        return
    for name, dims in claimed.items():
        place = below.at(key, name)
        if name not in shapes:
            message = f"the network has no output `{name}`"
            help = did_you_mean(name, shapes)
            sink.error("expectation", message, place, help=help)
        elif dims != shapes[name]:
            _differs(name, dims, shapes[name], place, sink)


def _differs(what: str, claimed: Any, actual: Any, place: Place, sink: Sink) -> None:
    message = f"`{what}` is claimed to be {_number(claimed)} but is {_number(actual)}"
    if isinstance(claimed, int) and isinstance(actual, int):
        message += f", a difference of {actual - claimed:+,}"
    help = "`archc summary` shows the number layer by layer"
    mend = Mend(help, Edit(write(actual), "value"))
    sink.error("expectation", message, place, help=mend)


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def check_unread(network: Network, sink: Sink) -> None:
    """Reports inputs and outputs of layers that never reach the network's outputs or a
    head."""
    wanted = {*network.outputs.values(), *(h.source for h in network.heads)}
    for region in network.body.regions():
        # a block gives all that it gives, whoever uses it
        wanted.update(region.outputs[1:])
    layers = list(network.layers())
    # and so does an op that gives several values
    wanted.update(layer.output for layer in layers if layer.op.parts)
    for layer in reversed(layers):
        if layer.output in wanted:
            wanted.update(layer.inputs)
    for given in network.spec.inputs:
        if given.name is not None and network.inputs[given.name] not in wanted:
            sink.warning(
                "unread-value",
                f"nothing reads the input `{given.name}`",
                given.origin.at(part="key"),
                help=f'read it by from = "{given.name}", or remove it',
            )
    # what moves a value is nobody's to remove
    layers = [layer for layer in layers if layer.op.has_module]
    if all(layer.output in wanted for layer in layers):
        return
    read = {value for layer in layers for value in layer.inputs}
    uses: dict[Value, Region] = {}
    for region in network.body.regions():
        if region.kind == "block":
            uses.setdefault(region.output, region)
    for layer in layers:
        if layer.output not in wanted and layer.output not in read:
            _unread(layer, uses.get(layer.output), sink)


def _unread(layer: Layer, use: Region | None, sink: Sink) -> None:
    """Warns of a layer, or of the outermost block that gives what it gives."""
    node: Node = layer.node
    key = "op" if isinstance(node, OpNode) else "merge"
    what = f"the output of `{layer.path}`"
    if isinstance(node, SlotNode):
        key = "slot"
    if layer.again is not None:
        node, key = layer.again.node, "share"
        what += " in this use"
    elif use is not None and isinstance(use.node, BlockNode):
        node, key = use.node, "block"
        what = f"the output of `{use.path}`" if use.path else "the output of this block"
    sink.warning(
        "unread-value",
        f"nothing reads {what}",
        node.origin.at(key),
        help="a later node's `from` goes past it; remove it, or read it",
    )


def check_unused(spec: Spec, sink: Sink) -> None:
    """Warns of blocks and parameters that are defined and never used.

    Blocks and parameters that arrived from another file are not looked at: a shared
    file may hold more than one network needs.
    """
    own = spec.origin.merged.document(())
    used = {
        n.block
        for nodes in _bodies(spec)
        for n in walk_given(nodes)
        if isinstance(n, BlockNode)
    }
    for block in spec.blocks.values():
        if block.origin.merged.document(block.origin.path) is not own:
            continue
        if block.name not in used:
            sink.warning(
                "unused-block",
                f"no node uses block `{block.name}`",
                block.origin.at(part="key"),
                help="remove it, or use it",
            )
        _check_block_parameters(block, sink)
        used_slots = _slots(body_of(block))
        is_listed = is_list(block.origin.value().get("slots"))
        for number, name in enumerate(block.slots):
            if name not in used_slots:
                sink.warning(
                    "unused-param",
                    f"no node of block `{block.name}` uses its slot `{name}`",
                    block.origin.at("slots", number if is_listed else name, part="key"),
                    help=f'remove it, or write a node {{ slot = "{name}" }}',
                )
    used_slots = set[str]().union(*map(_slots, _own_bodies(spec)))
    for name in spec.slots.keys() - used_slots:
        path = (*spec.origin.path, "slots", name)
        if spec.origin.merged.document(path) is own:
            sink.warning(
                "unused-param",
                f"no node uses the slot `{name}`",
                spec.origin.at("slots", name, part="key"),
                help=f'remove it, or write a node {{ slot = "{name}" }}',
            )
    read = set[str]().union(*map(_names, _own_bodies(spec)))
    for arg in (
        *spec.params.values(),
        *(size for given in spec.inputs for size in given.sizes),
        *(h.loss_weight for h in spec.heads),
    ):
        read |= _in(arg)
    for arg in spec.lets.values():
        read |= _in(arg)
    lets = spec.origin.below("network", "let")
    for name in spec.lets:
        if name not in read and lets.merged.document((*lets.path, name)) is own:
            _unread_let(name, lets, sink)
    for name in spec.params:
        path = (*spec.origin.path, "params", name)
        if name not in read and spec.origin.merged.document(path) is own:
            sink.warning(
                "unused-param",
                f"nothing reads the parameter `{name}`",
                spec.origin.at("params", name, part="key"),
                help="remove it, or use it in an expression",
            )


def _check_block_parameters(block: Block, sink: Sink) -> None:
    read = _names(body_of(block))
    for arg in block.defaults.values():
        read |= _in(arg)
    for arg in block.lets.values():
        read |= _in(arg)
    for name in block.lets:
        if name not in read:
            _unread_let(name, block.origin.below("let"), sink)
    for name in block.parameters:
        if name not in read:
            place = (
                block.origin.at("params", block.required.index(name))
                if name in block.required
                else block.origin.at("defaults", name, part="key")
            )
            sink.warning(
                "unused-param",
                f"block `{block.name}` never reads its parameter `{name}`",
                place,
                help="remove it, or use it in an expression",
            )


def _unread_let(name: str, lets: Origin, sink: Sink) -> None:
    sink.warning(
        "unused-param",
        f"nothing reads `{name}`, which `let` computes",
        lets.at(name, part="key"),
        help="remove it, or use it in an expression",
    )


def _bodies(spec: Spec) -> Iterator[tuple[Node, ...]]:
    yield from _own_bodies(spec)
    for block in spec.blocks.values():
        yield body_of(block)


def _own_bodies(spec: Spec) -> Iterator[tuple[Node, ...]]:
    yield spec.layers
    yield tuple(h.node for h in spec.heads)
    yield tuple(spec.slots.values())


def _names(nodes: tuple[Node, ...]) -> set[str]:
    found: set[str] = set()
    for node in walk_given(nodes):
        for arg, _, _ in written(node):
            found |= _in(arg)
    return found


def _slots(nodes: tuple[Node, ...]) -> set[str]:
    return {n.slot for n in walk_given(nodes) if isinstance(n, SlotNode)}


def _in(arg: Any) -> set[str]:
    return set(names_in(arg)) if isinstance(arg, Expr) else set()

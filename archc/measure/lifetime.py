"""How long the generated code's variables hold what its layers make."""

from __future__ import annotations

from collections.abc import Callable, Set

from archc.network.graph import Layer, Network, Region, Value

# a call, whose caller holds what it passed, or a variable such as `identity`
_HOLDING = frozenset({"block", "group", "branches", "branch", "skip", "shortcut"})


def dying(network: Network) -> dict[Layer, list[Value]]:
    """The values that no variable holds any longer once a layer has run.

    The outputs of the network and its heads belong to the caller and do not die.
    """
    roots = [network.body, *(head.region for head in network.heads)]
    layers = [layer for root in roots for layer in root.layers()]
    index = {layer: i for i, layer in enumerate(layers)}
    until: dict[Value, int] = {}

    def hold(value: Value, last: int) -> None:
        until[value] = max(until.get(value, 0), last)

    for i, layer in enumerate(layers):
        for value in (*layer.inputs, layer.output):
            hold(value, i)
    named = network.reads | {head.source for head in network.heads}
    for root in roots:
        _by_regions(root, named, index, hold)
    found: dict[Layer, list[Value]] = {}
    outputs = {root.output for root in roots}
    for value, last in until.items():
        if value.layer is not None and value not in outputs:
            found.setdefault(layers[last], []).append(value)
    return found


def _by_regions(
    root: Region,
    named: Set[Value],
    index: dict[Layer, int],
    hold: Callable[[Value, int], None],
) -> None:
    """What a region reads is held until it ends. What is read by its name, and what a
    branch gives, is a variable of its own and held until the body around it ends."""
    stack: list[tuple[Region, int]] = [(root, _last(root, index))]
    while stack:
        region, end = stack.pop()
        last = _last(region, index)
        if last < 0:
            continue
        if region.kind in _HOLDING:
            hold(region.input, last)
        if region.kind == "branch":
            hold(region.output, end)
        # what has a name, or is a block, is a module with a forward of its own
        own = region.node is not None and region.node.name is not None
        inside = last if own or region.kind == "block" else end
        for part in region.parts:
            if part.output in named:
                hold(part.output, inside)
            if isinstance(part, Region):
                stack.append((part, inside))


def _last(region: Region, index: dict[Layer, int]) -> int:
    """The number of a region's last layer; -1 if it has none."""
    return max((index[layer] for layer in region.layers()), default=-1)

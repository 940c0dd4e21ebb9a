"""Layers that only hand on what they read, to where values come together: a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from archc.network.graph import Layer, Network, Value


def handed_on(network: Network) -> Mapping[Layer, Layer]:
    """Those layers, each with the first merge that reads what it hands on.

    Such as an identity in the place of a projection. One that something else reads, or
    that says where it lives, stands for itself.
    """
    readers: dict[Value, list[Layer]] = defaultdict(list)
    for layer in network.all_layers():
        for value in layer.inputs:
            readers[value].append(layer)
    ends = {*network.results(), *(head.source for head in network.heads)}
    return {
        layer: readers[layer.output][0]
        for layer in network.all_layers()
        if layer.op.unchanged and not layer.node.place
        if layer.output not in ends and readers[layer.output]
        if all(reader.op.merges for reader in readers[layer.output])
    }


def origins(layers: Mapping[Layer, Layer]) -> Mapping[Value, Value]:
    """What such layers give, as what they read."""
    return {layer.output: layer.inputs[0] for layer in layers}

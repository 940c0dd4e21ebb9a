"""Layers that only hand on what they read, in the place of others: a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archc.network.graph import Layer, Network, Value
from archc.spec.model import Node, walk


def handed_on(network: Network) -> Mapping[Layer, Layer]:
    """Those layers, each with the first that reads what it hands on.

    Such as an identity in the place of a projection: what the spec has there otherwise,
    or what only merges read. One that says where it lives stands for itself.
    """
    there = [x for x in network.all_layers() if x.op.unchanged and not x.node.place]
    readers: dict[Value, list[Layer]] = {layer.output: [] for layer in there}
    for layer in network.all_layers() if there else ():
        for value in layer.inputs:
            if value in readers:
                readers[value].append(layer)
    instead = {node.otherwise for node in _nodes(network)}
    ends = {*network.results(), *(head.source for head in network.heads)}
    return {
        layer: readers[layer.output][0]
        for layer in there
        if layer.output not in ends and readers[layer.output]
        if layer.node in instead or all(x.op.merges for x in readers[layer.output])
    }


def _nodes(network: Network) -> Iterator[Node]:
    """All that its spec has written."""
    spec = network.spec
    bodies = (spec.layers, *(block.layers for block in spec.blocks.values()))
    for body in (*bodies, *((head.node,) for head in spec.heads)):
        yield from walk(body)


def origins(layers: Mapping[Layer, Layer]) -> Mapping[Value, Value]:
    """What such layers give, as what they read."""
    return {layer.output: layer.inputs[0] for layer in layers}

"""How deep a network is, as names of networks say it: the 50 of ResNet-50."""

from __future__ import annotations

from archc.network.graph import Network, Value


def depth(network: Network) -> int:
    """Convolutions and linear layers on the longest way, without auxiliary
    classifiers."""
    deep: dict[Value, int] = {}
    for layer in network.layers():
        counts = layer.op.category in ("convolution", "linear")
        before = max((deep.get(value, 0) for value in layer.inputs), default=0)
        deep[layer.output] = before + counts
    return max(deep.values(), default=0)

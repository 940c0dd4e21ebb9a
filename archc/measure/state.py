"""What a network's `state_dict` holds."""

from __future__ import annotations

from dataclasses import dataclass

from archc.network.graph import Layer, Network
from archc.ops.sizes import sizes_of


@dataclass(frozen=True, slots=True)
class Held:
    """A tensor of the `state_dict`."""

    layer: Layer
    shape: tuple[int, ...]


def state_of(network: Network) -> dict[str, Held]:
    """The parameters and buffers by their keys, those of the heads last.

    A module that is used again has one set of them, under its first path.
    """
    found: dict[str, Held] = {}
    for layer in network.all_layers():
        if layer.again is not None:
            continue
        x = layer.input_shape()
        for name, dims in (layer.op.parameters(x) | layer.op.buffers(x)).items():
            key = layer.path if layer.op.bare_parameter else f"{layer.path}.{name}"
            found[key] = Held(layer, sizes_of(dims))
    return found

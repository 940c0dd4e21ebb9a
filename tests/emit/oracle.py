"""What torch makes of a network's layers, one by one, with the weights of a model.

What this has in common with the generated module is `archc.ops`: an op's constructor
call, which `tests/ops` holds against torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unicodedata import normalize

import torch
from torch import Tensor, nn

from archc.network.graph import Layer, Network, Region, Value
from archc.ops.registry import OPS
from tests.ops import live

RANDOM = frozenset(name for name, op in OPS.items() if op.category == "dropout")
SEED = 0
"""Set before an op that draws random numbers."""


def layers_of(network: Network) -> Iterator[Layer]:
    yield from network.layers()
    for head in network.heads:
        yield from head.region.layers()


def key_of(layer: Layer, tensor: str) -> str:
    """The key of a layer's tensor in the `state_dict`."""
    path = folded(layer.path)
    return path if layer.op.bare_parameter else f"{path}.{tensor}"


def folded(name: str) -> str:
    """A name as Python reads it in source."""
    return normalize("NFKC", name)


def run(
    network: Network, model: nn.Module, given: Sequence[Tensor]
) -> tuple[dict[Value, Tensor], dict[str, Tensor]]:
    """Every value of the network, and the buffers afterwards, by their keys."""
    buffers: dict[str, Tensor] = {}
    state = {folded(k): v.detach().clone() for k, v in model.state_dict().items()}
    values = {
        value: x.detach().clone()
        for value, x in zip(network.inputs.values(), given, strict=True)
    }
    for layer in layers_of(network):
        shape = layer.input_shape()
        made = None if layer.op.merges else live.module(layer.op, shape)
        if isinstance(made, nn.Parameter):
            made = state[key_of(layer, "")]
        elif made is not None:
            own = {
                name: state[key_of(layer, name)]
                for name in (*layer.op.parameters(shape), *layer.op.buffers(shape))
            }
            made.double().load_state_dict(own, strict=True)
            made.train(model.training)
        inputs = [values[v] for v in layer.inputs]
        if layer.op.op in RANDOM:
            torch.manual_seed(SEED)  # making modules has drawn numbers
        with torch.no_grad():
            given = layer.output_shape() if layer.op.merges else shape
            values[layer.output] = live.run(layer.op, made, given, *inputs)
        for name in layer.op.buffers(shape):
            key = key_of(layer, name)
            # a further use of the module starts from there
            buffers[key] = state[key] = made.state_dict()[name]
    return values, buffers


def may_be_module(layer: Layer) -> bool:
    """Whether a module of the layer's path would be its; some paths are made up."""
    if layer.op.merges or layer.op.bare_parameter:
        return False
    return layer.node.name is not None or layer.path.rpartition(".")[2].isdigit()


def places(network: Network) -> Iterator[tuple[str, Value]]:
    """Paths that can be modules, with what such a module returns."""
    stack: list[Layer | Region] = [network.body]
    while stack:
        part = stack.pop()
        if isinstance(part, Region):
            stack.extend(part.parts)
            if part.kind in ("block", "group") and part.path:
                yield folded(part.path), part.output
        elif may_be_module(part):
            yield folded(part.path), part.output

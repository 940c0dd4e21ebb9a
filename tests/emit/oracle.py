"""What torch makes of a network's layers, one by one, with the weights of a model.

What this has in common with the generated module is `archc.ops`: an op's constructor
call, which `tests/ops` holds against torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from unicodedata import normalize

import torch
from torch import Tensor, nn

from archc.network.graph import Layer, Network, Region, Value
from archc.ops.registry import OPS
from tests.ops import live

RANDOM = frozenset(name for name, op in OPS.items() if op.category == "dropout")
SHAKE = 1e-15
"""A few last digits of a double, as a share of it."""
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


class Reference:
    """What a network gives with the weights that a model has now."""

    def __init__(
        self, network: Network, model: nn.Module, given: Sequence[Tensor]
    ) -> None:
        self.network = network
        self.training = model.training
        self.given = [x.detach().clone() for x in given]
        self.state = {
            folded(k): v.detach().clone() for k, v in model.state_dict().items()
        }
        self.values, self.buffers = self._run(0.0)
        """Every value of the network, and the buffers afterwards, by their keys."""

    def expected(self, what: Value | str) -> Tensor:
        """A value, or a buffer afterwards."""
        return self.buffers[what] if isinstance(what, str) else self.values[what]

    @cached_property
    def _shaken(self) -> tuple[dict[Value, Tensor], dict[str, Tensor]]:
        return self._run(SHAKE)

    def doubt(self, what: Value | str) -> float:
        """How far a value, or a buffer, goes with the last digits of those before it:
        what normalising what is constant but for roundings makes of these."""
        values, buffers = self._shaken
        shaken = buffers[what] if isinstance(what, str) else values[what]
        gaps = (shaken - self.expected(what)).abs()
        return gaps[gaps.isfinite()].max().item() if gaps.isfinite().any() else 0.0

    def _run(self, shake: float) -> tuple[dict[Value, Tensor], dict[str, Tensor]]:
        digits = torch.Generator().manual_seed(SEED)
        buffers: dict[str, Tensor] = {}
        state = dict(self.state)
        values = dict(zip(self.network.inputs.values(), self.given, strict=True))
        for layer in layers_of(self.network):
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
                made.train(self.training)
            inputs = [values[v] for v in layer.inputs]
            if layer.op.op in RANDOM:
                torch.manual_seed(SEED)  # making modules has drawn numbers
            with torch.no_grad():
                given = layer.output_shape() if layer.op.merges else shape
                y = live.run(layer.op, made, given, *inputs)
            if shake:
                last = torch.randn(y.shape, generator=digits, dtype=y.dtype)
                y = y * (1 + shake * last)
            values[layer.output] = y
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

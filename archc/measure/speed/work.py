"""What each layer has to do: operations, and bytes that it reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from archc.network.graph import Layer, Network
from archc.ops.base import Category
from archc.ops.sizes import sizes_of, to_int

Kind = Literal["dense", "few channels", "pointwise", "grouped", "depthwise", "linear"]
"""Of a layer with weights, which machines compute at different rates."""
FEW = 8
"""Below how many input channels a convolution's inner loops are short."""


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """One layer on a batch; bytes are of numbers of `itemsize`."""

    layer: Layer
    kind: Kind | Category
    operations: int
    """Two for each multiply-add; one for each number that another layer makes."""
    read: int
    written: int
    weights: int
    """Bytes of its parameters, which `read` has in it."""
    feeds_back: bool
    """Whether something before it is trained, so that it hands a gradient back."""

    @property
    def bytes(self) -> int:
        return self.read + self.written

    @property
    def intensity(self) -> float:
        """Operations for each byte (Williams et al. 2009)."""
        return self.operations / self.bytes if self.bytes else 0.0

    @property
    def backward_operations(self) -> int:
        """The gradients of what is read and of the weights each take as many."""
        return self.operations * (1 + self.feeds_back if self.weights else 1)

    @property
    def backward_bytes(self) -> int:
        """The output's gradient is read, the input's and the weights' are written, and
        what was kept is read again."""
        return self.written + 2 * self.read


def work(network: Network, batch: int, itemsize: int, *, training: bool) -> list[Work]:
    """The layers that do something, in their order; in training with heads."""
    trained: set[int] = set()
    found: list[Work] = []
    for layer in network.all_layers() if training else network.layers():
        back = any(id(value) in trained for value in layer.inputs)
        if back or layer.trained().parameters():
            trained.add(id(layer.output))
        op = layer.op
        if op.unchanged or (op.aliases and op.category == "reshape"):
            continue
        if op.category == "dropout" and not training:
            continue
        found.append(_of(layer, batch, itemsize, back))
    return found


def _of(layer: Layer, batch: int, itemsize: int, feeds_back: bool) -> Work:
    op, x, y = layer.op, layer.input_shape(), layer.output_shape()
    parameters = op.parameters(x)
    shapes = [sizes_of(dims) for dims in parameters.values()]
    numbers = sum(map(prod, shapes))
    inputs = sum(prod(v.shape.sizes) for v in layer.inputs if v.shape is not None)
    macs = to_int(op.macs(x, y))
    made = prod(y.sizes)
    return Work(
        layer,
        _kind(layer) if macs and parameters else op.category,
        2 * macs * batch if macs else made * batch,
        (inputs * batch + numbers) * itemsize,
        made * batch * itemsize,
        numbers * itemsize,
        feeds_back,
    )


def _kind(layer: Layer) -> Kind:
    x = layer.input_shape()
    weight = sizes_of(next(iter(layer.op.parameters(x).values())))
    if len(weight) < 3:
        return "linear"
    channels = to_int(x.channels)
    groups = int(getattr(layer.op, "groups", 1))
    if groups > 1:
        return "depthwise" if groups == channels else "grouped"
    if channels < FEW:
        return "few channels"
    return "pointwise" if prod(weight[2:]) == 1 else "dense"

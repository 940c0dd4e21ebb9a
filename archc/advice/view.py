"""What rules of advice ask of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from archc.measure.cost import Facts
from archc.network.graph import Layer, Network, Value
from archc.ops.attributes import sides


@dataclass(frozen=True, slots=True)
class Finding:
    """A layer that a rule is about, and what is to be said of it."""

    layer: Layer
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One piece of advice."""

    code: str
    summary: str
    source: str
    """Where the literature says so."""
    mend: str
    find: Callable[[View], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class View:
    """A network with its numbers, and who reads what."""

    network: Network
    facts: Facts
    layers: tuple[Layer, ...]
    """In execution order, those of the heads last; without further uses of a module."""
    readers: dict[Value, list[Layer]]

    def only_reader(self, layer: Layer) -> Layer | None:
        """The layer that reads this one's output, if nothing else does."""
        if layer.output in self.network.results():
            return None
        found = self.readers.get(layer.output, [])
        return found[0] if len(found) == 1 else None


def view(network: Network, facts: Facts) -> View:
    """The view of a network that has no errors."""
    layers = tuple(network.all_layers())
    readers: dict[Value, list[Layer]] = {}
    for layer in layers:
        for value in dict.fromkeys(layer.inputs):
            readers.setdefault(value, []).append(layer)
    own = tuple(layer for layer in layers if layer.again is None)
    return View(network, facts, own, readers)


def along(layer: Layer, attribute: str, default: Any = 1) -> tuple[int, ...]:
    """An attribute's numbers on each axis; nothing where they are not numbers."""
    found = getattr(layer.op, attribute, default)
    if attribute == "stride" and found is None:
        found = getattr(layer.op, "kernel_size", 1)  # as PyTorch has it for poolings
    numbers = sides(found, layer.op.axes_of(layer.input_shape()))
    return tuple(n for n in numbers if isinstance(n, int))


def window(layer: Layer) -> tuple[int, ...]:
    """The extent of a kernel on each axis, dilated; empty without a kernel."""
    if not hasattr(layer.op, "kernel_size"):
        return ()
    kernel, spread = along(layer, "kernel_size"), along(layer, "dilation")
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, spread, strict=True))


def is_transposed(layer: Layer) -> bool:
    """Whether it is a convolution that enlarges maps."""
    return layer.op.category == "convolution" and hasattr(layer.op, "output_padding")


def is_normed_by_batch(layer: Layer | None) -> bool:
    """Whether it is a normalisation by statistics of the batch."""
    return (
        layer is not None
        and layer.op.category == "normalization"
        and layer.op.updates_statistics
    )


def size(dims: tuple[int, ...]) -> str:
    """`3x3`, as messages have it."""
    return "x".join(map(str, dims))

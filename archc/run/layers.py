"""What running a network asks of its layers."""

from __future__ import annotations

from dataclasses import dataclass

from archc.network.graph import Layer, Network, Value


def all_layers(network: Network) -> list[Layer]:
    """In the order of a forward pass in training: the heads come last."""
    heads = (layer for head in network.heads for layer in head.region.layers())
    return [*network.layers(), *heads]


def smallest_batch(network: Network, *, training: bool) -> tuple[int, Layer | None]:
    """The samples that PyTorch wants in a batch, and the first layer that wants them.

    Normalisation refuses a batch in which it would see one number of a channel. The
    layer is None where a single sample will do.
    """
    smallest, blamed = 1, None
    for layer in all_layers(network) if training else network.layers():
        wanted = layer.op.smallest_batch(layer.input_shape(), training=training)
        if wanted > smallest:
            smallest, blamed = wanted, layer
    return smallest, blamed


@dataclass(frozen=True, slots=True)
class Bound:
    """A layer that keeps an output in a range."""

    layer: Layer
    low: float
    high: float

    @property
    def probabilities(self) -> bool:
        """Whether the outputs look like probabilities."""
        return (self.low, self.high) == (0, 1)

    @property
    def advice(self) -> str:
        """What is to be known where probabilities go into the cross entropy."""
        name, op = self.layer.path, self.layer.op.op
        called = name if name == op else f"{name} ({op})"
        return (
            f"the output comes from {called}, between 0 and 1, and the loss has a"
            " softmax of its own: leave that layer out, and use it where probabilities"
            " are wanted"
        )


def bound(output: Value) -> Bound | None:
    """What bounds an output, if only reshaping and pooling come after it."""
    layer = output.layer
    while layer is not None and layer.op.keeps_range and not layer.op.merges:
        layer = layer.inputs[0].layer
    if layer is None or layer.op.output_range is None:
        return None
    return Bound(layer, *layer.op.output_range)

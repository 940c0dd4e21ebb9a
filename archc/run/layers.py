"""What running a network asks of its layers."""

from __future__ import annotations

from dataclasses import dataclass

from archc.network.graph import Layer, Value


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
    def called(self) -> str:
        """The layer, as messages name it."""
        name, op = self.layer.path, self.layer.op.op
        return name if name == op else f"{name} ({op})"

    @property
    def advice(self) -> str:
        """What is to be known where probabilities go into the cross entropy."""
        return (
            f"the output comes from {self.called}, between 0 and 1, and the loss has a"
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

"""Values of which no axis holds the channels, and the layers that lost them."""

from __future__ import annotations

from archc.diagnostics.model import Label
from archc.network.graph import Layer, Value
from archc.spec.expressions import ExpressionError
from archc.spec.model import OpNode


def lost(value: Value) -> Layer | None:
    """The layer behind which no axis of a value holds the channels."""
    while (layer := value.layer) is not None:
        without = [v for v in layer.inputs if _lacks(v)]
        if not without:
            return layer
        value = without[0]
    return None


def lost_here(value: Value) -> tuple[Label, ...]:
    """A label at the op that lost the channels of a value, if it has none."""
    layer = lost(value) if _lacks(value) else None
    if layer is None or not isinstance(layer.node, OpNode):
        return ()
    before, after = layer.input_shape(), layer.output_shape()
    text = f"the channels of {before} are lost here: it became {after}"
    return (Label(layer.node.origin.at("op"), text),)


def without_channels(x: Value) -> ExpressionError:
    """What is said of `in_channels` where none of the axes that are read is theirs."""
    layer = lost(x)
    where = "" if layer is None else f"; `{layer.op.op}` ({layer.path}) lost them"
    return ExpressionError(
        "no-channels",
        f"there is no `in_channels` here: no axis of {x.shape} holds channels{where}",
        help="write the number, or say which axis they are:"
        ' { op = "reshape", sizes = [...], channel_dim = 1 }',
    )


def _lacks(value: Value) -> bool:
    return value.shape is not None and value.shape.channel_axis is None

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


def split_here(value: Value) -> tuple[tuple[Label, ...], str | None]:
    """A label at the op that split the axis of a value's channels, and the mend where
    the first of them, and not the last, is theirs; nothing where none did."""
    while (layer := value.layer) is not None and layer.inputs:
        x, y = layer.input_shape(), layer.output.shape
        if y is None or not isinstance(layer.node, OpNode):
            break
        if len(y.dims) > len(x.dims) and x.channel_axis == 0 and y.channel_axis:
            text = (
                f"the channels of {x} are split here: the last of what they become is"
                " taken for them, as groups come first"
            )
            sizes = ", ".join(map(str, y.sizes))
            help = (
                f'write {{ op = "reshape", sizes = [{sizes}], channel_dim = 1 }} in'
                f" place of `{layer.op.op}`, if the first of them holds the channels"
            )
            return (Label(layer.node.origin.at("op"), text),), help
        value = layer.inputs[0]
    return (), None


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

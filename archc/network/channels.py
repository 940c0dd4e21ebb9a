"""Values of which no axis holds the channels, and the layers that lost them."""

from __future__ import annotations

from archc.diagnostics.model import Label
from archc.network.graph import Layer, Value
from archc.ops.attributes import plain
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


def moved_here(value: Value) -> tuple[tuple[Label, ...], str | None]:
    """A label at the op behind which the channels of a value are not its first axis.
    Where it split their axis, also the mend, if the first part is theirs, and not the
    last; nothing where no op did either."""
    while (layer := value.layer) is not None and layer.inputs:
        x, y = layer.input_shape(), layer.output.shape
        if y is None or not isinstance(layer.node, OpNode):
            break
        if x.channel_axis == 0 and y.channel_axis:
            place = layer.node.origin.at("op")
            if len(y.dims) <= len(x.dims):
                text = f"`{layer.op.op}` moves them: {x} becomes {y}"
                return (Label(place, text),), None
            text = (
                f"{x} becomes {y} here: of the parts of its {x.channels} channels the"
                f" last, {y.channels}, is taken for the channels"
            )
            help = (
                f"if the {y.dims[0]} are the channels, write {{ op = "
                f'"reshape", sizes = {plain(y.sizes)}, channel_dim = 1 }} in place of'
                f" `{layer.op.op}`"
            )
            return (Label(place, text),), help
        value = layer.inputs[0]
    return (), None


def without_channels(x: Value) -> ExpressionError:
    """What is said of `in_channels` where none of the axes that are read is theirs."""
    layer, sizes = lost(x), () if x.shape is None else x.shape.sizes
    where = "" if layer is None else f"; `{layer.op.op}` ({layer.path}) lost them"
    return ExpressionError(
        "no-channels",
        f"there is no `in_channels` here: no axis of {x.shape} holds channels{where}",
        help="write the number, or say which axis they are:"
        f' {{ op = "reshape", sizes = {plain(sizes)}, channel_dim = 1 }}',
    )


def _lacks(value: Value) -> bool:
    return value.shape is not None and value.shape.channel_axis is None

"""What is put into slots: nodes, and the names that they see where they are written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from archc.diagnostics.model import Label, Sink
from archc.network.frame import Filling, Frame
from archc.network.graph import Layer, Region
from archc.network.instances import exact
from archc.ops.base import Call, Op
from archc.ops.sizes import UNKNOWN, Shape, Unknown
from archc.spec.expressions import SILENCED, Expr, Name, is_tuple, names_in
from archc.spec.model import Arg, BlockNode, Node, OpNode, SlotNode

_CHANNELS = "in_channels"


def key_of(filling: Filling | None) -> object:
    """What makes two of them equal."""
    if filling is None:
        return None
    node, frame = filling.node, filling.frame
    names = {n for a in _written(node) if isinstance(a, Expr) for n in names_in(a)}
    values = [
        exact(frame.names.get(name, SILENCED)) for name in sorted(names - {_CHANNELS})
    ]
    inner = node.slots.values() if isinstance(node, BlockNode) else ()
    return node, *values, *(key_of(given_by(n, frame)) for n in inner)


def _written(node: OpNode | BlockNode) -> Collection[Arg]:
    return (node.attributes if isinstance(node, OpNode) else node.arguments).values()


def given_by(node: Node | None, frame: Frame) -> Filling | None:
    """What a node that is put into a slot stands for; None where that is unknown."""
    if isinstance(node, SlotNode):
        return frame.slots.get(node.slot)
    if not isinstance(node, OpNode | BlockNode) or node.broken:
        return None
    return Filling(node, replace(frame, names=dict(frame.names)))


def fill(
    slots: Mapping[str, Node | None],
    given: Mapping[str, Node],
    frame: Frame,
    inner: Frame,
) -> None:
    """Fills the slots of a body, whose frame is `inner`, with what is given in `frame`,
    or else with their defaults."""
    for name, default in slots.items():
        if name in given:
            inner.slots[name] = given_by(given[name], frame)
        else:
            inner.slots[name] = given_by(default, inner)


def check_use(
    filling: Filling, part: Layer | Region, place: SlotNode, sink: Sink
) -> None:
    """Holds the use of a filling to those before it, and to what code can say of it: it
    is constructed from nothing but the channels that it reads."""
    for layer in (part,) if isinstance(part, Layer) else part.layers():
        if layer.op.merges or layer.again is not None:
            continue
        x = layer.input_shape()
        sized = _is_sized(_made(layer.op, x))
        if not sized and layer.op.joins_axes and not isinstance(part, Layer):
            sized = any(s != 1 for n, s in enumerate(x.dims) if n != x.channel_axis)
        if sized:
            inside = "" if layer is part else f" by its `{layer.op.op}`"
            sink.error(
                "bad-slot",
                f"{_said(filling.node)} is made for {x}{inside}, and in a slot it knows"
                " no more than its channels",
                filling.node.origin.at(_body(filling.node)),
                Label(place.origin.at("slot"), "it is used here"),
                help="write the sizes, or use it without a slot",
            )
            return
    made = _how(filling, part)
    if filling.first is None:
        filling.first = made, place
    elif filling.first[0] != made:
        sink.error(
            "bad-slot",
            f"{_said(filling.node)} is made in two ways in this slot, for values with"
            " other axes",
            filling.node.origin.at(_body(filling.node)),
            Label(filling.first[1].origin.at("slot"), "it is used here"),
            Label(place.origin.at("slot"), "and here"),
            help="give the block two slots",
        )


def _how(filling: Filling, part: Layer | Region) -> object:
    if isinstance(part, Region):
        x = part.input.shape
        return x and (len(x.dims), x.channel_axis)
    assert isinstance(filling.node, OpNode)
    op = filling.op = filling.op or part.op
    # what is written of the channels follows them
    follows = {
        key: getattr(op, key)
        for key, a in filling.node.attributes.items()
        if isinstance(a, Expr) and _CHANNELS in names_in(a)
    }
    return _made(part.op.model_copy(update=follows), part.input_shape())


def _made(op: Op, x: Shape) -> Call:
    """The constructor call of an op on a value of which only the channels are known."""
    dims = (UNKNOWN,) * len(x.dims)
    return op.module(Shape(dims, x.channel_axis).with_channels(Name(_CHANNELS)))


def _is_sized(value: Any) -> bool:
    if isinstance(value, Call):
        return any(map(_is_sized, (*value.args, *value.kwargs.values())))
    return any(map(_is_sized, value)) if is_tuple(value) else isinstance(value, Unknown)


def _said(node: OpNode | BlockNode) -> str:
    return f"`{node.op.op}`" if isinstance(node, OpNode) else f"block `{node.block}`"


def _body(node: OpNode | BlockNode) -> str:
    return "op" if isinstance(node, OpNode) else "block"

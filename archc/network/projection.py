"""The shortcut that a skip lacks: a projection that gives the body's shape."""

from __future__ import annotations

import re
from typing import Any

from archc.diagnostics.mend import Edit, Mend
from archc.ops.sizes import Shape
from archc.source.writing import write
from archc.spec.model import GroupNode, Node, OpNode

_HELP = (
    "give it a `shortcut`, a 1x1 convolution with the body's stride and"
    " channels, or keep the shape in the body"
)
_OTHER_AXES = (
    "give it a `shortcut` that brings the input to these axes as well, or end the skip"
    " before the body gives them up"
)
_LOOSE = re.compile(r"\b(?:if|and|or|not|in)\b|[<>=]")
"""What binds no closer than `!=`."""


def needs_shortcut(node: Node, start: Shape | None, end: Shape | None) -> str:
    """What a skip needs whose body changes a map from `start` to `end`; with the edit,
    where strides alone explain the size."""
    if start is None or end is None:
        return _HELP
    if len(start.dims) != len(end.dims):
        return _OTHER_AXES
    if node.repeat is not None or len(start.dims) != 3:
        return _HELP
    if start.channel_axis != 0 or end.channel_axis != 0:
        return _HELP
    sizes = list(zip(start.sizes[1:], end.sizes[1:], strict=True))
    stride = -(-sizes[0][0] // sizes[0][1])
    if any((was - 1) // stride + 1 != now for was, now in sizes):
        return _HELP
    written: tuple[Any, Any] | None = end.sizes[0], stride
    if node.origin.path[0] == "blocks":  # whose parameters decide it
        written = _of_body(node)
    if written is None:
        return _HELP
    position = node.origin.path[-1]
    number = position + 1 if isinstance(position, int) else ""
    edit = Edit(
        f"shortcut = {_projection(f'shortcut{number}', *written)}",
        "entry",
        place=node.origin.at("skip"),
    )
    return Mend(_HELP, edit)


def _of_body(node: Node) -> tuple[Any, Any] | None:
    """The channels and the stride of a body, as they are written in it."""
    if not isinstance(node, GroupNode):
        return None
    tables = [n.origin.value() for n in node.layers if isinstance(n, OpNode)]
    if len(tables) < len(node.layers):
        return None
    channels = [t["out_channels"] for t in tables if "out_channels" in t]
    strides = [t["stride"] for t in tables if t.get("stride", 1) != 1]
    if not channels or len(strides) > 1:
        return None
    if not all(isinstance(v, int | str) for v in (channels[-1], *strides)):
        return None
    return channels[-1], strides[0] if strides else 1


def _projection(name: str, channels: int | str, stride: int | str) -> str:
    """The node; where an expression decides whether the shape changes, there only."""
    node: dict[str, Any] = {"name": name, "op": "conv2d", "out_channels": channels}
    node["kernel_size"] = 1
    if stride != 1:
        node["stride"] = stride
    needed = [f"{_term(stride)} != 1"] if isinstance(stride, str) else []
    if needed or (isinstance(channels, str) and stride == 1):
        needed.append(f"in_channels != {_term(channels)}")
        node["when"] = " or ".join(needed)
    return write(node)


def _term(written: int | str) -> str:
    """An expression that `!=` may stand beside."""
    text = str(written)
    return f"({text})" if _LOOSE.search(text) else text

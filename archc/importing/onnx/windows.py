"""What slides over a map: kernels, strides, and padding that may differ by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archc.importing.onnx.rules import Reading, one
from archc.importing.trace import Sizes, Unsaid, Value
from archc.importing.windows import Window
from archc.ops.sizes import MAX_SIZE


def window_of(node: Reading, kernel: Sequence[int] | None = None) -> Window:
    """The window of a node on a map."""
    spatial = node.sizes()[2:]
    axes = len(spatial)
    if not 1 <= axes <= 3:
        raise Unsaid(f"it works on maps of 1 to 3 axes, and reads {node.sizes()[1:]}")
    size = list(node.attribute("kernel_shape", None) or kernel or ())
    if len(size) != axes:
        raise Unsaid("its `kernel_shape` has not as many numbers as the map axes")
    stride = list(node.attribute("strides", None) or [1] * axes)
    dilation = list(node.attribute("dilations", None) or [1] * axes)
    pads = list(node.attribute("pads", None) or [0] * (2 * axes))
    if min(*size, *stride, *dilation) < 1:
        raise Unsaid("its `kernel_shape`, `strides` or `dilations` are below 1")
    if max(*size, *stride, *dilation, *pads) > MAX_SIZE:
        raise Unsaid(f"a number of its window is above {MAX_SIZE}")
    before, behind = pads[:axes], pads[axes:]
    auto = node.attribute("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        before, behind = _same(spatial, size, stride, dilation, auto == "SAME_LOWER")
    elif auto == "VALID":
        before, behind = [0] * axes, [0] * axes
    if len(before) != axes or len(behind) != axes or min(*before, *behind) < 0:
        raise Unsaid(f"its `pads` are {pads}")
    return Window(size, stride, dilation, before, behind)


def _same(
    sizes: Sequence[int], kernel: list[int], stride: list[int], dilation: list[int],
    lower: bool,
) -> tuple[list[int], list[int]]:  # fmt: skip
    """The padding that gives as many windows as the stride says."""
    before: list[int] = []
    behind: list[int] = []
    for size, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
        whole = max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        less, more = whole // 2, whole - whole // 2
        before.append(more if lower else less)
        behind.append(less if lower else more)
    return before, behind


def padded(node: Reading, number: int, window: Window, mode: str = "constant") -> int:
    """A value with the window's padding around it, of zeros or as torch's `mode`."""
    sizes = node.drawing.sizes[number]
    sides = zip(sizes[2:], window.before, window.behind, strict=True)
    made = (*sizes[:2], *(size + a + b for size, a, b in sides))
    settings: dict[str, Any] = {
        "input": Value(number), "pad": tuple(window.sides), "mode": mode, "value": 0.0,
    }  # fmt: skip
    return node.drawing.call("torch.nn.functional.pad", settings, made)


def cut(node: Reading, number: int, made: Sizes) -> int:
    """A value with what is more than these sizes cut off behind."""
    sizes = node.drawing.sizes[number]
    if sizes == tuple(made):
        return number
    more = [b - a for a, b in zip(sizes[2:], made[2:], strict=True)]
    sides = tuple(side for off in reversed(more) for side in (0, off))
    settings: dict[str, Any] = {
        "input": Value(number), "pad": sides, "mode": "constant", "value": 0.0,
    }  # fmt: skip
    return node.drawing.call("torch.nn.functional.pad", settings, made)


def strided(window: Window) -> dict[str, Any]:
    """Stride and dilation, where they are said."""
    found: dict[str, Any] = {"stride": one(window.stride)}
    if any(d != 1 for d in window.dilation):
        found["dilation"] = one(window.dilation)
    return found

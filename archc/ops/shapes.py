"""Window arithmetic, PyTorch's to the letter, and the checks ops share."""

from __future__ import annotations

from typing import Any

from archc.ops.base import (
    UNKNOWN,
    Dim,
    Shape,
    ShapeError,
    Sides,
    known,
    pair,
    sizes_of,
    to_int,
)
from archc.ops.functions import Sizes

AXES = ("height", "width")


def window_size(
    size: Dim,
    kernel: Dim,
    stride: Dim = 1,
    padding: Dim = 0,
    dilation: Dim = 1,
    *,
    ceil_mode: Dim = False,
) -> Dim:
    """Number of windows along one axis.

    floor((size + 2*padding - dilation*(kernel - 1) - 1) / stride) + 1, as in the
    documentation of `torch.nn.Conv2d`; with `ceil_mode` the division rounds up, and a
    last window that would start in the right padding is dropped
    (`torch.nn.MaxPool2d`).
    """
    if not known(ceil_mode):
        return UNKNOWN
    room = size + padding * 2 - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    count = (room + stride - 1) // stride + 1
    if not known(count, stride, size, padding):
        return UNKNOWN
    return count - 1 if (count - 1) * stride >= size + padding else count


def window_map(
    op: str,
    x: Shape,
    kernel_size: Sides,
    stride: Sides,
    padding: Sides,
    dilation: Sides = 1,
    *,
    ceil_mode: Dim = False,
) -> tuple[Dim, Dim]:
    """Height and width after a window has passed over `x` (C x H x W).

    Raises:
        ShapeError: `window-too-large`, with the arithmetic, where no window fits.
    """
    need_map(op, x)
    settings = [pair(v) for v in (kernel_size, stride, padding, dilation)]
    out: list[Dim] = []
    for axis in range(2):
        size = x.dims[1 + axis]
        k, s, p, d = (setting[axis] for setting in settings)
        count = window_size(size, k, s, p, d, ceil_mode=ceil_mode)
        if known(count, size) and (
            count < 1 or (not ceil_mode and size + 2 * p < d * (k - 1) + 1)
        ):
            raise _too_large(op, x, axis, k, s, p, d)
        out.append(count)
    return out[0], out[1]


def windows(
    x: Sizes,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any = 1,
    *,
    ceil_mode: bool = False,
) -> Sizes | None:
    """How many windows fit a map, its batch included; None where torch would say that
    something is wrong."""
    given = stride, padding, dilation
    if any(
        min(pair(value)) < least for value, least in zip(given, (1, 0, 1), strict=True)
    ):
        return None
    try:
        found = window_map("", Shape(x[1:]), kernel, *given, ceil_mode=ceil_mode)
    except ShapeError:
        return None
    return sizes_of(found)


def _too_large(
    op: str, x: Shape, axis: int, k: int, s: int, p: int, d: int
) -> ShapeError:
    size = x.sizes[1 + axis]
    reach = d * (k - 1) + 1
    window = f"{k}" if d == 1 else f"({d}*({k} - 1) + 1)"
    return ShapeError(
        f"`{op}` has a window {reach} wide but its input is {x}:"
        f" {AXES[axis]} ({size} + 2*{p} - {window}) / {s} + 1 is below 1",
        code="window-too-large",
        attribute="kernel_size",
        help=f"a window of at most {size + 2 * p}, or a padding of at least"
        f" {-((size - reach) // 2)}, fits here",
    )


def need_channels_first(op: str, x: Shape) -> None:
    """Raises ShapeError unless the channels are the first axis.

    It is the one that PyTorch takes for them, whatever is in it.
    """
    if x.channel_axis != 0:
        channels = x.channel_axis + 1
        others = [axis for axis in range(1, len(x.dims) + 1) if axis != channels]
        raise ShapeError(
            f"`{op}` works on channels first, but the channels of {x} are its axis"
            f" {channels}: it would take the {x.dims[0]} of axis 1 for them",
            code="channels-not-first",
            help=f'put {{ op = "permute", dims = {[0, channels, *others]} }} before it',
        )


def need_map(op: str, x: Shape) -> None:
    """Raises ShapeError unless `x` is C x H x W."""
    if len(x.dims) != 3:
        help = "put it before the flatten that turned the map into a vector"
        if len(x.dims) > 1:
            help = "a map has three sizes: input = [channels, height, width]"
        raise ShapeError(
            f"`{op}` needs a feature map, channels x height x width, but reads {x}",
            code="wrong-rank",
            help=help,
        )
    need_channels_first(op, x)


def axis_of(op: str, dim: int, x: Shape) -> int:
    """Which axis of the sample `dim` is, which counts the batch as axis 0.

    Raises:
        ShapeError: `bad-axis`, where `x` has no such axis.
    """
    rank = len(x.dims)
    if not 1 <= abs(dim) <= rank:
        raise ShapeError(
            f"`{op}` along dim = {dim}, but {x} has the axes 1 to {rank}"
            " (0 is the batch)",
            code="bad-axis",
            attribute="dim",
            help=f"dim = {x.channel_axis + 1} is the channels",
        )
    return dim % (rank + 1) - 1


def need_divisible(op: str, what: str, number: Dim, by: Dim, attribute: str) -> None:
    """Raises ShapeError unless `by` divides `number`."""
    if known(number, by) and number % by:
        # channels come from the spec, so a search through all of them could take ages
        whole, part = to_int(number), to_int(by)
        fits = [n for n in range(1, min(whole, 10_000) + 1) if whole % n == 0]
        near = sorted(fits, key=lambda n: abs(n - part))[:3]
        raise ShapeError(
            f"`{op}` cannot split {number} {what} into {attribute} = {by}:"
            f" {number} / {by} leaves {number % by}",
            code="not-divisible",
            attribute=attribute,
            help=f"{attribute} = {' or '.join(str(n) for n in sorted(near))}"
            f" divides {number}",
        )

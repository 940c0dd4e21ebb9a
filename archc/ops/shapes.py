"""Window arithmetic, PyTorch's to the letter, and the checks ops share."""

from __future__ import annotations

from typing import Any

from archc.ops.attributes import plain, sides
from archc.ops.base import Op
from archc.ops.functions import Sizes
from archc.ops.sizes import (
    MOST_AXES,
    UNKNOWN,
    Dim,
    Dims,
    Shape,
    ShapeError,
    Sides,
    axis_names,
    known,
    sizes_of,
    to_int,
)


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
    op: Op,
    x: Shape,
    kernel_size: Sides,
    stride: Sides,
    padding: Sides,
    dilation: Sides = 1,
    *,
    ceil_mode: Dim = False,
) -> Dims:
    """The sizes of a map, channels not among them, after a window has passed over `x`.

    Raises:
        ShapeError: `window-too-large`, with the arithmetic, where no window fits.
    """
    need_map(op, x)
    out: list[Dim] = []
    for axis, (size, setting) in enumerate(
        _along(x.dims[1:], kernel_size, stride, padding, dilation)
    ):
        count = _fitting(size, *setting, ceil_mode=ceil_mode)
        if count is None:
            raise _too_large(op.op, x, axis, *setting)
        out.append(count)
    return tuple(out)


def _along(sizes: Dims, *settings: Sides) -> list[tuple[Dim, tuple[Any, ...]]]:
    """Each axis with its size and its own part of the settings."""
    each = zip(*(sides(setting, len(sizes)) for setting in settings), strict=True)
    return list(zip(sizes, each, strict=True))


def _fitting(size: Dim, k: Any, s: Any, p: Any, d: Any, *, ceil_mode: Dim) -> Any:
    """The number of windows along one axis; None where it is known that none fits."""
    count = window_size(size, k, s, p, d, ceil_mode=ceil_mode)
    if known(count, size, k, p, d) and (
        count < 1 or (not ceil_mode and size + 2 * p < d * (k - 1) + 1)
    ):
        return None
    return count


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
    axes = len(x) - 2
    given = stride, padding, dilation
    if any(
        min(sides(value, axes)) < least
        for value, least in zip(given, (1, 0, 1), strict=True)
    ):
        return None
    found = [
        _fitting(size, *setting, ceil_mode=ceil_mode)
        for size, setting in _along(x[2:], kernel, *given)
    ]
    return None if None in found else sizes_of(tuple(found))


def _too_large(
    op: str, x: Shape, axis: int, k: int, s: int, p: int, d: int
) -> ShapeError:
    size = x.sizes[1 + axis]
    reach = d * (k - 1) + 1
    window = f"{k}" if d == 1 else f"({d}*({k} - 1) + 1)"
    name = axis_names(len(x.dims) - 1)[axis]
    return ShapeError(
        f"`{op}` has a window {reach} wide but its input is {x}:"
        f" {name} ({size} + 2*{p} - {window}) / {s} + 1 is below 1",
        code="window-too-large",
        attribute="kernel_size",
        help=f"a window of at most {size + 2 * p}, or a padding of at least"
        f" {-((size - reach) // 2)}, fits here",
    )


def need_channels(op: str, x: Shape) -> int:
    """The axis that holds the channels.

    Raises:
        ShapeError: `no-channels`, where none does.
    """
    if x.channel_axis is None:
        raise ShapeError(
            f"`{op}` needs to know which axis holds the channels, but none of {x} does",
            code="no-channels",
            help="say which it is where they are lost:"
            f' {{ op = "reshape", sizes = {plain(x.dims)}, channel_dim = 1 }}',
        )
    return x.channel_axis


def need_channels_first(op: str, x: Shape) -> None:
    """Raises ShapeError unless the channels are the first axis.

    It is the one that PyTorch takes for them, whatever is in it.
    """
    if need_channels(op, x) != 0:
        channels = need_channels(op, x) + 1
        others = [axis for axis in range(1, len(x.dims) + 1) if axis != channels]
        axis = "the last" if channels == len(x.dims) else f"axis {channels}"
        raise ShapeError(
            f"`{op}` takes the first axis for the channels, the {x.dims[0]} of {x}, but"
            f" they are {axis}, the {x.channels}",
            code="channels-not-first",
            help=f'put {{ op = "permute", dims = {[0, channels, *others]} }} before it',
        )


MAPS = {
    1: "a sequence, channels x length",
    2: "a feature map, channels x height x width",
    3: "a volume, channels x depth x height x width",
    None: "a map: channels, and one to three axes behind them",
}
_SIZES = {1: "a sequence has two", 2: "a map has three", 3: "a volume has four"}


def need_map(op: Op, x: Shape) -> None:
    """Raises ShapeError unless `x` is channels and behind them the axes of the op's
    maps."""
    count = len(x.dims) - 1
    if op.axes != count if op.axes else not 1 <= count <= MOST_AXES:
        raise ShapeError(
            f"`{op.op}` needs {MAPS[op.axes]}, but reads {x}",
            code="wrong-rank",
            help=_other_rank(op, x),
        )
    need_channels_first(op.op, x)


_COLOURS = (1, 3)
"""The channels of images; behind something else, which is then a batch."""


def _other_rank(op: Op, x: Shape) -> str:
    """What to do where an op reads what has other axes than its maps."""
    count = len(x.dims) - 1
    if not count:
        sizes = "channels and one to three more" if op.axes is None else _input(op.axes)
        return (
            "put it before the flatten that turned the map into a vector; where the"
            f" input is one, give it more sizes: {sizes}"
        )
    if op.axes is None:
        return "join some of its axes with flatten"
    instead = op.on_axes(count)
    use = "" if instead is None else f"use {instead.op} for {MAPS[count]}"
    if count == op.axes + 1 and (x.dims[0] == 1 or x.dims[1] in _COLOURS):
        batch = f"leave the batch of {x.dims[0]} out: input = {plain(x.dims[1:])}"
        return f"{batch}; or {use}" if use else batch
    use = f"{use}; " if use else ""
    return f"{use}{_SIZES[op.axes]} sizes: {_input(op.axes)}"


def _input(axes: int) -> str:
    """The input that has so many axes behind its channels, as a spec says it."""
    return f"input = [{', '.join(('channels', *axis_names(axes)))}]"


def axis_name(axis: int, x: Shape) -> str:
    """What an axis of a value is called: `height` of a map, else by its number."""
    count = len(x.dims) - 1
    if x.channel_axis == 0 and axis > 0 and count <= MOST_AXES:
        return axis_names(count)[axis - 1]
    return f"axis {axis + 1}"


def axis_of(op: str, dim: int, x: Shape, attribute: str = "dim") -> int:
    """Which axis of the sample `dim` is, which counts the batch as axis 0.

    Raises:
        ShapeError: `bad-axis`, where `x` has no such axis.
    """
    rank = len(x.dims)
    if not 1 <= abs(dim) <= rank:
        raise ShapeError(
            f"`{op}` along {attribute} = {dim}, but {x} has the axes 1 to {rank}"
            " (0 is the batch)",
            code="bad-axis",
            attribute=attribute,
            help=None
            if x.channel_axis is None
            else f"{attribute} = {x.channel_axis + 1} is the channels",
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


def same_sizes(op: Op, x: Shape, stride: Sides) -> Dims:
    """The sizes of a map that is padded as TensorFlow does: size / stride, rounded
    up."""
    each = zip(x.dims[1:], op.each_axis(stride), strict=True)
    return tuple((size + s - 1) // s for size, s in each)


def same_pads(
    op: Op, x: Shape, kernel_size: Sides, stride: Sides, dilation: Sides
) -> list[int]:
    """How many pixels TensorFlow pads each axis with, both sides together; of an odd
    number the last is behind."""
    settings = map(op.each_axis, (kernel_size, stride, dilation))
    return [
        max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        for size, k, s, d in zip(x.sizes[1:], *settings, strict=True)
    ]

"""What the gradient of one output pixel reaches, by torch, layer after layer.

Weights are positive, so that nothing cancels, and a bias keeps values from 0. A maximum
is taken for a mean, an interpolation for the sum of what torch's own weighs, and the
statistics of normalisations are constants: gradients are then above 0 just where a
window reaches.

Beside each value goes a map that is above 0 where padding had a part, or a border at
which torch interpolates otherwise. A pixel is whole where it is 0, and only there does
a gradient show all of a field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from math import prod
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from archc.network.graph import Layer, Network, Value
from archc.ops.attributes import pair

Linear = Callable[[Tensor], Tensor]
Box = tuple[tuple[int, int], tuple[int, int]]
"""Of the input's rows and columns, the first and the last that is reached."""
PIXELS_AT_ONCE = 200_000
POINTWISE: dict[str, Linear] = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "silu": F.silu,
    "gelu": F.gelu,
    "sigmoid": F.softsign,  # rises as well, and never too slowly for a double
}
UNCHANGED = frozenset(
    {"batch_norm2d", "group_norm", "layer_norm", "dropout", "identity"}
)


class OffTheGrid(Exception):
    """torch's nearest neighbour is another one than in exact arithmetic."""


class Maps(NamedTuple):
    """A value for each image of a batch, and what of it is not whole."""

    value: Tensor
    cut: Tensor


def last_maps(network: Network) -> list[Value]:
    """The outputs, or what global operations read that they come from."""
    found: list[Value] = []
    reached = list(network.outputs.values())
    for value in reached:
        if value.layer is None:
            continue
        if not _is_map(value):
            found += [v for v in value.layer.inputs if _is_map(v)]
        reached += [v for v in value.layer.inputs if v not in reached]
    found += [value for value in network.outputs.values() if _is_map(value)]
    return [v for v in dict.fromkeys(found) if v.layer is not None]


def _is_map(value: Value) -> bool:
    """Whether no global operation lies between the input and this value."""
    layer = value.layer
    if layer is None:
        return True
    if layer.op.op == "flatten":
        return False
    if layer.op.op == "adaptive_avg_pool2d" and pair(layer.op.output_size) == (1, 1):  # pyright: ignore
        return False
    return any(_is_map(v) for v in layer.inputs)


def has_holes(network: Network) -> bool:
    """Whether a transposed convolution leaves pixels that see nothing."""
    ops: list[Any] = [layer.op for layer in network.layers()]
    return any(
        len({d * n % s for n in range(k)}) < s
        for op in ops
        if op.op == "conv_transpose2d"
        for k, s, d in zip(
            pair(op.kernel_size), pair(op.stride), pair(op.dilation), strict=True
        )
    )


class Gradients:
    """The fields of a network's maps, each by as many backward passes as asked for."""

    def __init__(self, network: Network) -> None:
        self.network = network
        shape = network.input.shape
        assert shape is not None
        self.sizes = shape.sizes

    def maps(self, batch: int) -> tuple[Tensor, dict[Value, Maps]]:
        torch.manual_seed(0)  # pyright: ignore[reportUnknownMemberType]
        x = torch.rand(1, *self.sizes, dtype=torch.double) + 0.5
        x = x.expand(batch, *self.sizes).clone().requires_grad_()
        values = {self.network.input: Maps(x, torch.zeros(1, *self.sizes))}
        for layer in self.network.layers():
            known = [values[v] for v in layer.inputs if v in values]
            if known and _is_map(layer.output):
                values[layer.output] = _after(layer, known)
        return x, values

    def boxes(
        self, value: Value, pixels: list[tuple[int, int]]
    ) -> Iterator[Box | None]:
        """What some pixels of a map reach."""
        # as many images at a time as a few pixels of a large map
        at_once = max(1, PIXELS_AT_ONCE // prod(self.sizes[1:]))
        for start in range(0, len(pixels), at_once):
            some = pixels[start : start + at_once]
            x, values = self.maps(len(some))
            y = _channels_first(values[value].value, value)
            chosen = torch.stack([y[n, :, i, j] for n, (i, j) in enumerate(some)])
            # zeros also where nothing but holes is read
            (slope,) = torch.autograd.grad(
                chosen.sum(), x, allow_unused=True, materialize_grads=True
            )
            yield from map(_box, (slope != 0).any(1))

    def whole(self, value: Value) -> Tensor:
        """Where the pixels of a map are whole: [height, width]."""
        cut = _channels_first(self.maps(1)[1][value].cut, value)
        return (cut == 0).all(1)[0]


def _box(mask: Tensor) -> Box | None:
    if not mask.any():
        return None
    rows, columns = (mask.any(1 - axis).nonzero() for axis in (0, 1))
    return (int(rows.min()), int(rows.max())), (int(columns.min()), int(columns.max()))


def _channels_first(x: Tensor, value: Value) -> Tensor:
    assert value.shape is not None
    return x.movedim(value.shape.channel_axis + 1, 1)


def _after(layer: Layer, inputs: list[Maps]) -> Maps:
    op: Any = layer.op
    y = layer.output_shape()
    if op.op in POINTWISE:
        ((value, cut),) = inputs
        return Maps(POINTWISE[op.op](value), cut)
    if op.op in UNCHANGED:
        return inputs[0]
    if op.merges:
        return _merged(op.op, inputs, y.channel_axis)
    ((value, cut),) = inputs
    value, cut = LINEAR[op.op](op, value, cut, y.sizes)
    return Maps(value, (cut > 0).float())


def _merged(op: str, inputs: list[Maps], channel_axis: int) -> Maps:
    values, cuts = ([m[n] for m in inputs] for n in (0, 1))
    if op == "concat":
        dim = channel_axis + 1
        return Maps(torch.cat(values, dim), torch.cat(cuts, dim))
    value, cut = values[0], cuts[0]
    for other, also in zip(values[1:], cuts[1:], strict=True):
        # as any mean of two, the geometric one keeps values within bounds
        value = value + other if op == "add" else (value * other).sqrt()
        cut = torch.maximum(cut, also)
    return Maps(value, cut)


# ---- ops whose gradients are their weights: of value and cut, the same is asked


def _window(op: Any, value: Tensor, cut: Tensor, sizes: Any) -> tuple[Tensor, Tensor]:
    """A convolution or a pooling as a sum over windows, padded with cuts."""
    kernel, dilation = pair(op.kernel_size), pair(getattr(op, "dilation", 1))
    stride = (
        pair(op.stride or op.kernel_size)
        if hasattr(op, "ceil_mode")
        else pair(op.stride)
    )
    channels = value.shape[1]
    groups = getattr(op, "groups", channels)
    out = getattr(op, "out_channels", channels)
    weight = torch.rand(out, channels // groups, *kernel) + 0.5
    weight /= weight[0].numel()
    pads: list[int] = []
    for axis in (1, 0):
        reach = dilation[axis] * (kernel[axis] - 1)
        before = (
            0
            if op.padding == "valid"
            else reach // 2
            if op.padding == "same"
            else pair(op.padding)[axis]
        )
        needed = (sizes[1 + axis] - 1) * stride[axis] + reach + 1
        pads += [before, max(0, needed - before - value.shape[2 + axis])]

    def go(x: Tensor, filling: float) -> Tensor:
        y = F.conv2d(
            F.pad(x, pads, value=filling),
            weight.to(x),
            None,
            stride,
            0,
            dilation,
            groups,
        )
        return y[:, :, : sizes[1], : sizes[2]]

    return go(value, 0) + 1, go(cut, 1)


def _transposed(
    op: Any, value: Tensor, cut: Tensor, sizes: Any
) -> tuple[Tensor, Tensor]:
    kernel, stride, padding, extra, dilation = (
        pair(v)
        for v in (op.kernel_size, op.stride, op.padding, op.output_padding, op.dilation)
    )
    weight = torch.rand(value.shape[1], op.out_channels, *kernel) + 0.5
    settings = (extra, 1, dilation)
    y = F.conv_transpose2d(value, weight.to(value), None, stride, padding, *settings)
    # as many cut pixels around as a window can reach
    more = [d * k for d, k in zip(dilation, kernel, strict=True)]
    around = F.pad(cut, (more[1], more[1], more[0], more[0]), value=1)
    pads = [p + m * s for p, m, s in zip(padding, more, stride, strict=True)]
    return y + 1, F.conv_transpose2d(around, weight, None, stride, pads, *settings)


def _padded(op: Any, value: Tensor, cut: Tensor, sizes: Any) -> tuple[Tensor, Tensor]:
    sides = (op.padding,) * 4 if isinstance(op.padding, int) else tuple(op.padding)
    return F.pad(value, sides, value=1), F.pad(cut, sides, value=1)


@cache
def _weighed(
    size: int, out: int, mode: str, factor: float | None, aligned: bool | None
) -> Tensor:
    """Which positions torch weighs to make another size of an axis: [out, size]."""
    rows = torch.eye(size, dtype=torch.double).view(1, size, size, 1)
    sizes: dict[str, Any] = {"size": (out, 1)}
    if factor is not None:
        sizes = {"scale_factor": (factor, 1.0)}
    y = F.interpolate(rows, **sizes, mode=mode, align_corners=aligned)[0, :, :, 0]
    matrix = (y.T.abs() > 1e-9).double()
    if mode.startswith("nearest"):
        scale = size / out if factor is None else 1 / factor
        half = 0.5 if mode == "nearest-exact" else 0.0
        places = [(i + half) * scale for i in range(out)]
        if any(
            abs(p - round(p)) < 1e-5 and matrix[i, min(round(p), size - 1)] == 0
            for i, p in enumerate(places)
            if round(p) < size
        ):
            raise OffTheGrid
    return matrix


def _resized(op: Any, value: Tensor, cut: Tensor, sizes: Any) -> tuple[Tensor, Tensor]:
    factors = (None, None) if op.scale_factor is None else pair(op.scale_factor)
    down, right = (
        _weighed(
            value.shape[2 + n], sizes[1 + n], op.mode, factors[n], op.align_corners
        )
        for n in (0, 1)
    )

    def go(x: Tensor) -> Tensor:
        return torch.einsum("nchw,ih,jw->ncij", x, down.to(x), right.to(x))

    ends = cut.clone()
    if not op.mode.startswith("nearest"):
        # where torch has no neighbour, it takes the border's pixel
        ends[:, :, [0, -1]] = ends[:, :, :, [0, -1]] = 1
    return go(value), go(ends)


def _adaptive(op: Any, value: Tensor, cut: Tensor, sizes: Any) -> tuple[Tensor, Tensor]:
    return F.adaptive_avg_pool2d(value, sizes[1:]), F.adaptive_max_pool2d(
        cut, sizes[1:]
    )


def _moved(function: Callable[[Any, Tensor], Tensor]) -> Any:
    """An op that puts numbers elsewhere."""

    def both(op: Any, value: Tensor, cut: Tensor, sizes: Any) -> tuple[Tensor, Tensor]:
        return function(op, value), function(op, cut)

    return both


def _mixed(op: Any, value: Tensor, cut: Tensor, sizes: Any) -> tuple[Tensor, Tensor]:
    weight = torch.rand(op.out_features, value.shape[-1]) + 0.5
    return F.linear(value, weight.to(value)), F.linear(cut, weight)


LINEAR: dict[str, Any] = {
    "conv2d": _window,
    "max_pool2d": _window,
    "avg_pool2d": _window,
    "conv_transpose2d": _transposed,
    "zero_pad2d": _padded,
    "upsample": _resized,
    "adaptive_avg_pool2d": _adaptive,
    "adaptive_max_pool2d": _adaptive,
    "linear": _mixed,
    "permute": _moved(lambda op, x: x.permute(tuple(op.dims))),
    "pixel_shuffle": _moved(lambda op, x: F.pixel_shuffle(x, op.upscale_factor)),
    "channel_shuffle": _moved(lambda op, x: F.channel_shuffle(x, op.groups)),
    "channel_slice": _moved(lambda op, x: x[:, op.start : op.stop]),
}

"""Pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from pydantic import Field

from archc.ops.base import (
    Call,
    Dim,
    Op,
    Padding,
    Shape,
    ShapeError,
    Sides,
    Size,
    SizeOrNone,
    axis_names,
    known,
    sides,
    to_int,
)
from archc.ops.functions import Function, Sizes
from archc.ops.reach import EVERYWHERE, Reach, over_map, parts, window
from archc.ops.shapes import need_map, window_map, windows
from archc.ops.steps import Device, Extra, Step
from archc.spec.expressions import Expr, Name


def _check_padding(op: Op, kernel_size: Any, padding: Any) -> None:
    """Raises ShapeError where padding is more than half of the kernel."""
    each = zip(op.each_axis(kernel_size), op.each_axis(padding), strict=True)
    for k, p in each:
        if known(k, p) and p > k // 2:
            raise ShapeError(
                f"`{op.op}` takes a padding of at most half its kernel_size:"
                f" {p} is more than {k} // 2 = {k // 2}",
                code="bad-padding",
                attribute="padding",
                help=f"use a padding of at most {k // 2}, or a larger kernel_size",
            )


def _check_windows(op: Op, x: Shape, settings: Sequence[Any]) -> None:
    """Raises ShapeError where a dilated window lies in the padding alone.

    PyTorch takes it: the maximum of nothing is minus infinity, and its gradient is
    written outside of the tensor.
    """
    each = zip(*map(op.each_axis, settings), strict=True)
    for axis, (size, (s, p, d)) in enumerate(zip(x.dims[1:], each, strict=True)):
        if not known(size, s, p, d):
            continue
        # what is left of the map begins again a dilation further on
        if d > size and any(start % d >= size for start in range(-p, 0, s)):
            raise ShapeError(
                f"`{op.op}` has a window that sees nothing but padding: the"
                f" {axis_names(len(x.dims) - 1)[axis]} is {size}, and of a window that"
                f" begins before it the next pixel is {d} further on",
                code="bad-padding",
                attribute="dilation",
                help=f"use a dilation of at most {size}, or no padding",
            )


def _window_reach(op: Op, x: Shape, y: Shape, *settings: Sides) -> Reach:
    """A window's reach: everywhere, if a single one covers a map of several pixels."""
    reads = [window(*s) for s in zip(*map(op.each_axis, settings), strict=True)]
    covers = all(
        read.last + 1 >= size for read, size in zip(reads, x.sizes[1:], strict=True)
    )
    if covers and _is_global(x, y):
        return EVERYWHERE
    return over_map(*((read,) for read in reads))


def _is_global(x: Shape, y: Shape) -> bool:
    """Whether it makes a single position of a map of several."""
    return {*y.dims[1:]} == {1} != {*x.dims[1:]}


_SHOWS = (("kernel_size", "{}x{}"), ("stride", "/{}"))


def _settle_stride(settings: dict[Any, Any]) -> None:
    """A stride that is left out is the kernel's size."""
    if settings.get("stride") is None:
        settings["stride"] = settings["kernel_size"]


def _pooled(tensors: Sequence[Sizes], settings: Mapping[str, Any]) -> Sizes | None:
    """The result's shape of a window with these settings."""
    (x,) = tensors
    if len(x) < 3 or settings.get("return_indices"):
        return None
    kernel, padding = (
        sides(settings[key], len(x) - 2) for key in ("kernel_size", "padding")
    )
    if any(p > k // 2 for k, p in zip(kernel, padding, strict=True)):
        return None
    stride, dilation = settings["stride"], settings.get("dilation", 1)
    sizes = windows(
        x, kernel, stride, padding, dilation, ceil_mode=settings["ceil_mode"]
    )
    return None if sizes is None else (*x[:2], *sizes)


def _indices(y: Shape) -> tuple[Extra, ...]:
    """Where each maximum was, as int64."""
    return (Extra(y.dims, 8),)


_OTHER_ATTRIBUTES = (
    ("pool_size", "kernel_size"),
    ("size", "kernel_size"),
    ("ksize", "kernel_size"),
    ("strides", "stride"),
    ("pad", "padding"),
)


def _max_pooling(name: str) -> tuple[Function, ...]:
    return (
        Function(
            f"torch.nn.functional.{name}",
            signature="input kernel_size stride=None padding=0 dilation=1"
            " ceil_mode=False return_indices=False",
            settle=_settle_stride,
            shape=_pooled,
        ),
    )


class _MaxPool(Op):
    """Largest value in a window."""

    category = "pooling"
    other_attributes = _OTHER_ATTRIBUTES
    symbols = (("stride", Name("stride")),)
    shows = (*_SHOWS, ("dilation", "dilation {}"))
    saves = frozenset({"input", "indices"})
    layout = "map"

    kernel_size: Size
    stride: SizeOrNone = Field(default=None, description="as kernel_size")
    padding: Padding = 0
    dilation: Size = 1
    ceil_mode: bool = False

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        return _indices(y)

    @property
    def _stride(self) -> Sides:
        return self.kernel_size if self.stride is None else self.stride

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        _check_padding(self, self.kernel_size, self.padding)
        sizes = window_map(
            self, x, self.kernel_size, self._stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode,
        )  # fmt: skip
        _check_windows(self, x, (self._stride, self.padding, self.dilation))
        return Shape((x.dims[0], *sizes))

    def reach(self, x: Shape, y: Shape) -> Reach:
        return _window_reach(
            self, x, y, self.kernel_size, self._stride, self.padding, self.dilation
        )

    def module(self, x: Shape) -> Call:
        return self._construct(**{"kernel_size": self.kernel_size} | self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call(f"F.{self.op}", (argument,), self.module(x).kwargs)


class MaxPool2d(_MaxPool):
    """Largest value in a window, over C x H x W (torch.nn.MaxPool2d)."""

    op = "max_pool2d"
    other_names = ("maxpool", "max_pool", "max_pooling", "max_pooling2d")
    module_class = "nn.MaxPool2d"
    calls = _max_pooling("max_pool2d")


class MaxPool1d(_MaxPool):
    """Largest value in a window, over C x L (torch.nn.MaxPool1d)."""

    op = "max_pool1d"
    axes = 1
    other_names = ("max_pooling1d", "temporal_max_pooling")
    module_class = "nn.MaxPool1d"
    calls = _max_pooling("max_pool1d")


class MaxPool3d(_MaxPool):
    """Largest value in a window, over C x D x H x W (torch.nn.MaxPool3d)."""

    op = "max_pool3d"
    axes = 3
    other_names = ("max_pooling3d", "volumetric_max_pooling")
    module_class = "nn.MaxPool3d"
    calls = _max_pooling("max_pool3d")
    autocast_on_cpu = "full"


def _avg_pooling(name: str, signature: str) -> tuple[Function, ...]:
    return (
        Function(
            f"torch.nn.functional.{name}",
            signature=f"input kernel_size stride=None padding=0 ceil_mode=False"
            f" count_include_pad=True{signature}",
            settle=_settle_stride,
            shape=_pooled,
        ),
    )


class _AvgPool(Op):
    """Mean of a window."""

    category = "pooling"
    other_attributes = _OTHER_ATTRIBUTES
    symbols = (("stride", Name("stride")),)
    shows = _SHOWS
    saves = frozenset({"input"})
    layout = "map"

    kernel_size: Size
    stride: SizeOrNone = Field(default=None, description="as kernel_size")
    padding: Padding = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    @property
    def _stride(self) -> Sides:
        return self.kernel_size if self.stride is None else self.stride

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        _check_padding(self, self.kernel_size, self.padding)
        sizes = window_map(
            self, x, self.kernel_size, self._stride, self.padding,
            ceil_mode=self.ceil_mode,
        )  # fmt: skip
        return Shape((x.dims[0], *sizes))

    def reach(self, x: Shape, y: Shape) -> Reach:
        return _window_reach(
            self, x, y, self.kernel_size, self._stride, self.padding, 1
        )

    def module(self, x: Shape) -> Call:
        return self._construct(**{"kernel_size": self.kernel_size} | self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call(f"F.{self.op}", (argument,), self.module(x).kwargs)


class _DividedAvgPool(_AvgPool):
    """One whose divisor can be given, which PyTorch's of sequences lacks."""

    divisor_override: int | None = Field(default=None, ge=1)

    @property
    def keeps_range(self) -> bool:
        return self.divisor_override is None


class AvgPool2d(_DividedAvgPool):
    """Mean of a window, over C x H x W (torch.nn.AvgPool2d)."""

    op = "avg_pool2d"
    other_names = (
        "avgpool", "avg_pool", "average_pool", "average_pooling", "average_pooling2d",
        "avg_pooling", "mean_pool",
    )  # fmt: skip
    module_class = "nn.AvgPool2d"
    calls = _avg_pooling("avg_pool2d", " divisor_override=None")


class AvgPool1d(_AvgPool):
    """Mean of a window, over C x L (torch.nn.AvgPool1d)."""

    op = "avg_pool1d"
    axes = 1
    other_names = ("average_pooling1d", "temporal_avg_pooling")
    module_class = "nn.AvgPool1d"
    calls = _avg_pooling("avg_pool1d", "")


class AvgPool3d(_DividedAvgPool):
    """Mean of a window, over C x D x H x W (torch.nn.AvgPool3d)."""

    op = "avg_pool3d"
    axes = 3
    other_names = ("average_pooling3d", "volumetric_avg_pooling")
    module_class = "nn.AvgPool3d"
    calls = _avg_pooling("avg_pool3d", " divisor_override=None")
    autocast_on_cpu = "full"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        y = super().infer(x)
        kernel = self.each_axis(self.kernel_size)
        for name, size, k in zip(axis_names(3), x.dims[1:], kernel, strict=True):
            if known(size, k) and size < k:
                raise ShapeError(
                    f"`avg_pool3d` has a window {k} wide but its input is {x}: its"
                    f" {name} is {size}, and PyTorch counts no padding here",
                    code="window-too-large",
                    attribute="kernel_size",
                    help=f"a window of at most {size} fits here, or pad with zero_pad3d"
                    " before it",
                )
        return y


class LpPool2d(Op):
    """The p-norm of a window, over C x H x W (torch.nn.LPPool2d)."""

    op = "lp_pool2d"
    category = "pooling"
    other_names = ("lp_pool", "lppool", "power_average_pool", "l2_pool")
    other_attributes = (*_OTHER_ATTRIBUTES[:-1], ("p", "norm_type"))
    module_class = "nn.LPPool2d"
    calls = (Function("torch.nn.functional.lp_pool2d", settle=_settle_stride),)
    symbols = (("stride", Name("stride")),)
    shows = (*_SHOWS, ("norm_type", "p {}"))
    saves = frozenset({"input", "steps between"})

    norm_type: float = Field(gt=0)
    kernel_size: Size
    stride: SizeOrNone = Field(default=None, description="as kernel_size")
    ceil_mode: bool = False

    @property
    def keeps_range(self) -> bool:
        return False

    @property
    def _stride(self) -> Sides:
        return self.kernel_size if self.stride is None else self.stride

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        sizes = window_map(
            self, x, self.kernel_size, self._stride, 0, ceil_mode=self.ceil_mode
        )
        return Shape((x.dims[0], *sizes))

    def reach(self, x: Shape, y: Shape) -> Reach:
        return _window_reach(self, x, y, self.kernel_size, self._stride, 0, 1)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        """(sign(m) * relu(abs(m)) * n) ** (1 / p) of the mean m of n numbers ** p, as
        torch's Python writes it."""
        (x,) = inputs
        powers = "full" if device == "cuda" else "widest"
        return (
            Step(x.dims, keeps=(0,), scratch=2, cast=powers),
            Step(y.dims, reads=(1,), keeps=(1,), layout="map"),
            Step(y.dims, reads=(2,)),
            Step(y.dims, reads=(2,), keeps=(2,), scratch=1),
            Step(y.dims, reads=(4,), keeps=(5,)),
            Step(y.dims, reads=(3, 5), keeps=(3, 5)),
            Step(y.dims, reads=(6,)),
            Step(y.dims, reads=(7,), keeps=(7,), scratch=2, cast=powers),
        )

    def module(self, x: Shape) -> Call:
        needed = {"norm_type": self.norm_type, "kernel_size": self.kernel_size}
        return self._construct(**needed | self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call(f"F.{self.op}", (argument,), self.module(x).kwargs)


class BlurPool2d(Op):
    """Every so many pixels of a map that was blurred, over C x H x W
    (torch.nn.functional.conv2d)."""

    # Zhang 2019, "Making convolutional networks shift-invariant again"; padding as in
    # timm, whose filter is not in the state_dict either
    op = "blur_pool2d"
    category = "pooling"
    other_names = ("blur_pool", "aa_pool", "anti_alias_pool")
    other_attributes = (
        ("filt_size", "kernel_size"),
        ("filter_size", "kernel_size"),
        ("strides", "stride"),
    )
    module_class = "BlurPool2d"
    helper = '''\
class BlurPool2d(nn.Module):
    """Blurs with binomial weights, and takes every `stride`-th pixel."""

    def __init__(self, kernel_size: int = 3, stride: int = 2) -> None:
        super().__init__()
        self.stride = stride
        self.padding = (stride + kernel_size - 2) // 2
        row = [1.0]
        for _ in range(kernel_size - 1):
            row = [(a + b) / 2 for a, b in zip([0.0, *row], [*row, 0.0], strict=True)]
        self.weights = row

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        row = x.new_tensor(self.weights)
        kernel = torch.outer(row, row).repeat(channels, 1, 1, 1)
        x = nn.functional.pad(x, (self.padding,) * 4, mode="reflect")
        return nn.functional.conv2d(x, kernel, stride=self.stride, groups=channels)
'''
    shows = (("kernel_size", "{}x{}"), ("stride", "/{}"))
    saves = frozenset({"input", "steps between"})

    kernel_size: int = Field(default=3, ge=2)
    stride: int = Field(default=2, ge=1)

    @property
    def _padding(self) -> Dim:
        return (self.stride + self.kernel_size - 2) // 2

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        pad = self._padding
        for name, size in zip(axis_names(2), x.dims[1:], strict=True):
            if known(size, pad) and pad >= size:
                raise ShapeError(
                    f"`blur_pool2d` mirrors {pad} pixels, but the {name} of {x}"
                    f" has only {size - 1} beside its edge",
                    code="bad-padding",
                    attribute="kernel_size",
                    help="use a smaller kernel_size or stride",
                )
        kernel, stride = self.kernel_size, self.stride
        return Shape((x.dims[0], *window_map(self, x, kernel, stride, pad)))

    def macs(self, x: Shape, y: Shape) -> Dim:
        return prod(y.dims) * self.kernel_size * self.kernel_size

    def reach(self, x: Shape, y: Shape) -> Reach:
        pad = to_int(self._padding)
        return _window_reach(self, x, y, self.kernel_size, self.stride, pad, 1)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (x,) = inputs
        pad = to_int(self._padding)
        channels, height, width = x.dims
        padded = (channels, height + 2 * pad, width + 2 * pad)
        kernel = (channels, 1, self.kernel_size, self.kernel_size)
        return (
            Step(
                padded,
                keeps=(0,),
                layout="map",
                cast="full" if device == "cpu" else "widest",
            ),
            Step(
                y.dims,
                reads=(1,),
                keeps=(1,),
                extra=(Extra(kernel, per_sample=False, for_gradient=True),),
                layout="map",
                cast="low",
            ),
        )

    def module(self, x: Shape) -> Call:
        return self._construct(**self.given())


def _resized(tensors: Sequence[Sizes], settings: Mapping[str, Any]) -> Sizes | None:
    x, size = tensors[0], settings.get("output_size")
    return (*x[:2], *(size for _ in x[2:])) if isinstance(size, int) else None


def _global(*names: str) -> tuple[tuple[str, str], ...]:
    """Names of a pooling of the whole map."""
    return tuple((name, "output_size = 1") for name in names)


class _AdaptivePool(Op):
    """What the adaptive poolings share."""

    category = "pooling"
    other_attributes = (("size", "output_size"), ("kernel_size", "output_size"))
    layout = "map"
    shows = (("output_size", "{}x{}"),)

    output_size: Size

    @property
    def short_name(self) -> str:
        whole = {*self.each_axis(self.output_size)} == {1}
        return super().short_name.replace("adaptive", "global" if whole else "adaptive")

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        return Shape((x.dims[0], *self.each_axis(self.output_size)))

    def reach(self, x: Shape, y: Shape) -> Reach:
        if _is_global(x, y):
            return EVERYWHERE
        sizes = zip(x.sizes[1:], y.sizes[1:], strict=True)
        return over_map(*((parts(size, count),) for size, count in sizes))

    def module(self, x: Shape) -> Call:
        return self._construct(self.output_size)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call(f"F.{self.op}", (argument, self.output_size))


class _AdaptiveAvgPool(_AdaptivePool):
    """Mean pooling to a given size."""

    saves = frozenset({"input"})

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        # for a single output torch takes the mean, which keeps nothing
        if {*y.dims[1:]} == {1}:
            return (replace(step, keeps=(), layout="ordered"),)
        return (step,)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Mean pooling of C x H x W to a given size (torch.nn.AdaptiveAvgPool2d)."""

    op = "adaptive_avg_pool2d"
    other_names = ("adaptive_avg_pool", "adaptive_average_pool", "adaptive_avgpool")
    special_names = _global(
        "gap", "global_avg_pool", "global_avg_pool2d", "global_average_pool",
        "global_average_pooling", "global_average_pooling2d", "global_pool",
        "global_pooling", "reduce_mean", "spatial_mean",
    )  # fmt: skip
    module_class = "nn.AdaptiveAvgPool2d"
    calls = (Function("torch.nn.functional.adaptive_avg_pool2d", shape=_resized),)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Mean pooling of C x L to a given length (torch.nn.AdaptiveAvgPool1d)."""

    op = "adaptive_avg_pool1d"
    axes = 1
    special_names = _global("global_avg_pool1d", "global_average_pooling1d")
    module_class = "nn.AdaptiveAvgPool1d"
    calls = (
        Function(
            "torch.adaptive_avg_pool1d",
            also=("torch.nn.functional.adaptive_avg_pool1d",),
            signature="input output_size",
            shape=_resized,
        ),
    )


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Mean pooling of C x D x H x W to a given size (torch.nn.AdaptiveAvgPool3d)."""

    op = "adaptive_avg_pool3d"
    axes = 3
    special_names = _global("global_avg_pool3d", "global_average_pooling3d")
    module_class = "nn.AdaptiveAvgPool3d"
    calls = (Function("torch.nn.functional.adaptive_avg_pool3d", shape=_resized),)
    autocast_on_cpu = "full"


class _AdaptiveMaxPool(_AdaptivePool):
    """Max pooling to a given size."""

    saves = frozenset({"input", "indices"})

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        return _indices(y)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Max pooling of C x H x W to a given size (torch.nn.AdaptiveMaxPool2d)."""

    op = "adaptive_max_pool2d"
    other_names = ("adaptive_max_pool", "adaptive_maxpool")
    special_names = _global(
        "global_max_pool", "global_max_pool2d", "global_max_pooling",
        "global_max_pooling2d",
    )  # fmt: skip
    module_class = "nn.AdaptiveMaxPool2d"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Max pooling of C x L to a given length (torch.nn.AdaptiveMaxPool1d)."""

    op = "adaptive_max_pool1d"
    axes = 1
    special_names = _global("global_max_pool1d", "global_max_pooling1d")
    module_class = "nn.AdaptiveMaxPool1d"


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Max pooling of C x D x H x W to a given size (torch.nn.AdaptiveMaxPool3d)."""

    op = "adaptive_max_pool3d"
    axes = 3
    special_names = _global("global_max_pool3d", "global_max_pooling3d")
    module_class = "nn.AdaptiveMaxPool3d"
    autocast_on_cpu = "full"

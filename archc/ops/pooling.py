"""Pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    known,
    pair,
    to_int,
)
from archc.ops.functions import Function, Sizes
from archc.ops.reach import EVERYWHERE, Reach, over_map, parts, window
from archc.ops.shapes import AXES, need_map, window_map, windows
from archc.ops.steps import Device, Extra, Step
from archc.spec.expressions import Expr, Name


def _check_padding(op: str, kernel_size: Any, padding: Any) -> None:
    """Raises ShapeError where padding is more than half of the kernel."""
    for k, p in zip(pair(kernel_size), pair(padding), strict=True):
        if known(k, p) and p > k // 2:
            raise ShapeError(
                f"`{op}` takes a padding of at most half its kernel_size:"
                f" {p} is more than {k} // 2 = {k // 2}",
                code="bad-padding",
                attribute="padding",
                help=f"use a padding of at most {k // 2}, or a larger kernel_size",
            )


def _check_windows(x: Shape, settings: Sequence[Any]) -> None:
    """Raises ShapeError where a dilated window lies in the padding alone.

    PyTorch takes it: the maximum of nothing is minus infinity, and its gradient is
    written outside of the tensor.
    """
    for axis, size in enumerate(x.dims[1:]):
        s, p, d = (pair(setting)[axis] for setting in settings)
        if not known(size, s, p, d):
            continue
        # what is left of the map begins again a dilation further on
        if d > size and any(start % d >= size for start in range(-p, 0, s)):
            raise ShapeError(
                f"`max_pool2d` has a window that sees nothing but padding: the"
                f" {AXES[axis]} is {size}, and of a window that begins before it"
                f" the next pixel is {d} further on",
                code="bad-padding",
                attribute="dilation",
                help=f"use a dilation of at most {size}, or no padding",
            )


def _window_reach(
    x: Shape,
    y: Shape,
    kernel_size: Sides,
    stride: Sides,
    padding: Sides,
    dilation: Sides = 1,
) -> Reach:
    """A window's reach: everywhere, if a single one covers a map of several pixels."""
    settings = (kernel_size, stride, padding, dilation)
    down, right = (window(*s) for s in zip(*map(pair, settings), strict=True))
    covers = all(
        read.last + 1 >= size
        for read, size in zip((down, right), x.sizes[1:], strict=True)
    )
    if covers and y.dims[1:] == (1, 1) != x.dims[1:]:
        return EVERYWHERE
    return over_map((down,), (right,))


_SHOWS = (("kernel_size", "{}x{}"), ("stride", "/{}"))


def _settle_stride(settings: dict[Any, Any]) -> None:
    """A stride that is left out is the kernel's size."""
    if settings.get("stride") is None:
        settings["stride"] = settings["kernel_size"]


def _pooled(tensors: Sequence[Sizes], settings: Mapping[str, Any]) -> Sizes | None:
    """The result's shape of a window with these settings."""
    (x,) = tensors
    kernel, padding = settings["kernel_size"], settings["padding"]
    inside = all(p <= k // 2 for k, p in zip(pair(kernel), pair(padding), strict=True))
    if len(x) != 4 or not inside or settings.get("return_indices"):
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


class MaxPool2d(Op):
    """Largest value in a window, over C x H x W (torch.nn.MaxPool2d)."""

    op = "max_pool2d"
    category = "pooling"
    other_names = ("maxpool", "max_pool", "max_pooling", "max_pooling2d")
    other_attributes = _OTHER_ATTRIBUTES
    module_class = "nn.MaxPool2d"
    calls = (
        Function(
            "torch.nn.functional.max_pool2d",
            signature="input kernel_size stride=None padding=0 dilation=1"
            " ceil_mode=False return_indices=False",
            settle=_settle_stride,
            shape=_pooled,
        ),
    )
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
        need_map(self.op, x)
        _check_padding(self.op, self.kernel_size, self.padding)
        height, width = window_map(
            self.op, x, self.kernel_size, self._stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode,
        )  # fmt: skip
        _check_windows(x, (self._stride, self.padding, self.dilation))
        return Shape((x.dims[0], height, width))

    def reach(self, x: Shape, y: Shape) -> Reach:
        return _window_reach(
            x, y, self.kernel_size, self._stride, self.padding, self.dilation
        )

    def module(self, x: Shape) -> Call:
        return self._construct(**{"kernel_size": self.kernel_size} | self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.max_pool2d", (argument,), self.module(x).kwargs)


class AvgPool2d(Op):
    """Mean of a window, over C x H x W (torch.nn.AvgPool2d)."""

    op = "avg_pool2d"
    category = "pooling"
    other_names = (
        "avgpool", "avg_pool", "average_pool", "average_pooling", "average_pooling2d",
        "avg_pooling", "mean_pool",
    )  # fmt: skip
    other_attributes = _OTHER_ATTRIBUTES
    module_class = "nn.AvgPool2d"
    calls = (
        Function(
            "torch.nn.functional.avg_pool2d",
            signature="input kernel_size stride=None padding=0 ceil_mode=False"
            " count_include_pad=True divisor_override=None",
            settle=_settle_stride,
            shape=_pooled,
        ),
    )
    symbols = (("stride", Name("stride")),)
    shows = _SHOWS
    saves = frozenset({"input"})
    layout = "map"

    kernel_size: Size
    stride: SizeOrNone = Field(default=None, description="as kernel_size")
    padding: Padding = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = Field(default=None, ge=1)

    @property
    def keeps_range(self) -> bool:
        return self.divisor_override is None

    @property
    def _stride(self) -> Sides:
        return self.kernel_size if self.stride is None else self.stride

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self.op, x)
        _check_padding(self.op, self.kernel_size, self.padding)
        height, width = window_map(
            self.op, x, self.kernel_size, self._stride, self.padding,
            ceil_mode=self.ceil_mode,
        )  # fmt: skip
        return Shape((x.dims[0], height, width))

    def reach(self, x: Shape, y: Shape) -> Reach:
        return _window_reach(x, y, self.kernel_size, self._stride, self.padding)

    def module(self, x: Shape) -> Call:
        return self._construct(**{"kernel_size": self.kernel_size} | self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.avg_pool2d", (argument,), self.module(x).kwargs)


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
        need_map(self.op, x)
        height, width = window_map(
            self.op, x, self.kernel_size, self._stride, 0, ceil_mode=self.ceil_mode
        )
        return Shape((x.dims[0], height, width))

    def reach(self, x: Shape, y: Shape) -> Reach:
        return _window_reach(x, y, self.kernel_size, self._stride, 0)

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
        return Call("F.lp_pool2d", (argument,), self.module(x).kwargs)


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
        need_map(self.op, x)
        pad = self._padding
        for axis, size in enumerate(x.dims[1:]):
            if known(size, pad) and pad >= size:
                raise ShapeError(
                    f"`blur_pool2d` mirrors {pad} pixels, but the {AXES[axis]} of {x}"
                    f" has only {size - 1} beside its edge",
                    code="bad-padding",
                    attribute="kernel_size",
                    help="use a smaller kernel_size or stride",
                )
        kernel, stride = self.kernel_size, self.stride
        return Shape((x.dims[0], *window_map(self.op, x, kernel, stride, pad)))

    def macs(self, x: Shape, y: Shape) -> Dim:
        return prod(y.dims) * self.kernel_size * self.kernel_size

    def reach(self, x: Shape, y: Shape) -> Reach:
        return _window_reach(x, y, self.kernel_size, self.stride, to_int(self._padding))

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
    size = settings.get("output_size")
    return (*tensors[0][:-2], size, size) if isinstance(size, int) else None


class _AdaptivePool(Op):
    """What the adaptive poolings share."""

    category = "pooling"
    layout = "map"
    shows = (("output_size", "{}x{}"),)

    output_size: Size

    @property
    def short_name(self) -> str:
        kind = "global" if pair(self.output_size) == (1, 1) else "adaptive"
        return super().short_name.replace("adaptive", kind)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self.op, x)
        return Shape((x.dims[0], *pair(self.output_size)))

    def reach(self, x: Shape, y: Shape) -> Reach:
        if y.dims[1:] == (1, 1) != x.dims[1:]:
            return EVERYWHERE
        sizes = zip(x.sizes[1:], y.sizes[1:], strict=True)
        down, right = ((parts(size, count),) for size, count in sizes)
        return over_map(down, right)

    def module(self, x: Shape) -> Call:
        return self._construct(self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Mean pooling of C x H x W to a given size (torch.nn.AdaptiveAvgPool2d)."""

    op = "adaptive_avg_pool2d"
    other_names = ("adaptive_avg_pool", "adaptive_average_pool", "adaptive_avgpool")
    special_names = tuple(
        (name, "output_size = 1")
        for name in (
            "gap", "global_avg_pool", "global_avg_pool2d", "global_average_pool",
            "global_average_pooling", "global_average_pooling2d", "global_pool",
            "global_pooling", "reduce_mean", "spatial_mean",
        )
    )  # fmt: skip
    other_attributes = (("size", "output_size"), ("kernel_size", "output_size"))
    module_class = "nn.AdaptiveAvgPool2d"
    calls = (Function("torch.nn.functional.adaptive_avg_pool2d", shape=_resized),)
    saves = frozenset({"input"})

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        # for a single output torch takes the mean, which keeps nothing
        if y.dims[1:] == (1, 1):
            return (Step(y.dims, layout="ordered"),)
        return (Step(y.dims, keeps=(0,), layout="map"),)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.adaptive_avg_pool2d", (argument, self.output_size))


class AdaptiveMaxPool2d(_AdaptivePool):
    """Max pooling of C x H x W to a given size (torch.nn.AdaptiveMaxPool2d)."""

    op = "adaptive_max_pool2d"
    other_names = ("adaptive_max_pool", "adaptive_maxpool")
    special_names = tuple(
        (name, "output_size = 1")
        for name in (
            "global_max_pool", "global_max_pool2d", "global_max_pooling",
            "global_max_pooling2d",
        )
    )  # fmt: skip
    other_attributes = (("size", "output_size"), ("kernel_size", "output_size"))
    module_class = "nn.AdaptiveMaxPool2d"
    saves = frozenset({"input", "indices"})

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        return _indices(y)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.adaptive_max_pool2d", (argument, self.output_size))

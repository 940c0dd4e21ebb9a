"""What the ops of this family share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from archc.ops.attributes import Sized, sides
from archc.ops.base import Call, Op
from archc.ops.functions import Sizes
from archc.ops.reach import EVERYWHERE, Reach, over_map, parts, window
from archc.ops.shapes import need_map, windows
from archc.ops.sizes import Shape, ShapeError, Sides, axis_names, known
from archc.ops.steps import Extra
from archc.spec.expressions import Expr


def check_padding(op: Op, kernel_size: Any, padding: Any) -> None:
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


def need_whole_windows(op: Op, x: Shape, kernel_size: Any) -> None:
    """Raises ShapeError where a mean of a volume's window has no room without padding,
    whatever rounding up leaves."""
    kernel = op.each_axis(kernel_size)
    for name, size, k in zip(axis_names(len(kernel)), x.dims[1:], kernel, strict=True):
        if known(size, k) and size < k:
            raise ShapeError(
                f"`{op.op}` has a window {k} wide but its input is {x}: its {name} is"
                f" {size}, and PyTorch counts no padding here",
                code="window-too-large",
                attribute="kernel_size",
                help=f"a window of at most {size} fits here, or pad with zero_pad3d"
                " before it",
            )


def window_reach(op: Op, x: Shape, y: Shape, *settings: Sides) -> Reach:
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


SHOWS = (("kernel_size", "{}x{}"), ("stride", "/{}"))


def settle_stride(settings: dict[Any, Any]) -> None:
    """A stride that is left out is the kernel's size."""
    if settings.get("stride") is None:
        settings["stride"] = settings["kernel_size"]


def pooled(tensors: Sequence[Sizes], settings: Mapping[str, Any]) -> Sizes | None:
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


def indices(y: Shape) -> tuple[Extra, ...]:
    """Where each maximum was, as int64."""
    return (Extra(y.dims, 8),)


OTHER_ATTRIBUTES = (
    ("pool_size", "kernel_size"),
    ("size", "kernel_size"),
    ("ksize", "kernel_size"),
    ("strides", "stride"),
    ("pad", "padding"),
)


def global_pooling(*names: str) -> tuple[tuple[str, str], ...]:
    """Names of a pooling of the whole map."""
    return tuple((name, "output_size = 1") for name in names)


class _OutputSize(Sized):
    """A size or one for each axis; of several axes some may keep theirs."""

    def __init__(self) -> None:
        super().__init__(1)

    def over(self, axes: int | None) -> Self:
        other = super().over(axes)
        other.or_none = axes != 1
        return other


OutputSize = Annotated[Any, _OutputSize()]


class AdaptivePool(Op):
    """What the adaptive poolings share."""

    category = "pooling"
    or_none = frozenset({"output_size"})
    other_attributes = (("size", "output_size"), ("kernel_size", "output_size"))
    layout = "map"
    shows = (("output_size", "{}x{}"),)

    output_size: OutputSize

    @property
    def short_name(self) -> str:
        whole = {*self.each_axis(self.output_size)} == {1}
        return super().short_name.replace("adaptive", "global" if whole else "adaptive")

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        wanted = self.each_axis(self.output_size)
        sizes = zip(x.dims[1:], wanted, strict=True)
        return Shape((x.dims[0], *(n if size is None else size for n, size in sizes)))

    def reach(self, x: Shape, y: Shape) -> Reach:
        if _is_global(x, y):
            return EVERYWHERE
        sizes = zip(x.sizes[1:], y.sizes[1:], strict=True)
        return over_map(*((parts(size, count),) for size, count in sizes))

    def module(self, x: Shape) -> Call:
        return self._construct(self.output_size)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call(f"F.{self.op}", (argument, self.output_size))

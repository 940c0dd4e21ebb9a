"""Normalisation, and the per-channel scale that goes with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from archc.ops.base import (
    Call,
    Dims,
    Op,
    Saved,
    Shape,
    ShapeError,
    check_numbers,
    check_size,
    items,
    known,
)
from archc.ops.functions import Function, same_shape
from archc.ops.shapes import need_channels_first, need_divisible, need_map
from archc.ops.steps import Device, Extra, Step
from archc.spec.expressions import Expr

_STATISTICS: frozenset[Saved] = frozenset({"input", "weight", "statistics"})


def _statistics(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """What batch normalisation updates while it is trained."""
    return ("running_mean", "running_var") if settings["training"] else ()


class _BatchNorm(Op):
    """What the batch normalisations share; the channels are the first axis."""

    category = "normalization"
    other_attributes = (("epsilon", "eps"), ("scale", "affine"))
    initializable = ("weight", "bias")
    calls = (
        Function(
            "torch.nn.functional.batch_norm", shape=same_shape, writes=_statistics
        ),
    )
    saves = _STATISTICS
    short = "BN"

    eps: float = Field(default=1e-5, ge=0)
    momentum: float | None = 0.1
    affine: bool = True
    track_running_stats: bool = True

    @property
    def updates_statistics(self) -> bool:
        return self.track_running_stats and self.momentum != 0

    def smallest_batch(self, x: Shape, *, training: bool) -> int:
        """One number of a channel has no deviation; evaluation takes those it keeps."""
        alone = prod(x.sizes[1:]) == 1
        return 2 if alone and (training or not self.track_running_stats) else 1

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        statistic = Extra((x.dims[0],), 4, per_sample=False)
        return (statistic, statistic)

    def parameters(self, x: Shape) -> dict[str, Dims]:
        channels = (x.dims[0],)
        return {"weight": channels, "bias": channels} if self.affine else {}

    def buffers(self, x: Shape) -> dict[str, Dims]:
        if not self.track_running_stats:
            return {}
        channels = (x.dims[0],)
        return {
            "running_mean": channels,
            "running_var": channels,
            "num_batches_tracked": (),
        }

    def infer(self, *inputs: Shape) -> Shape:
        need_map(self, inputs[0])
        return inputs[0]

    def module(self, x: Shape) -> Call:
        return self._construct(x.dims[0], **self.given())


class BatchNorm2d(_BatchNorm):
    """Batch normalisation over C x H x W (torch.nn.BatchNorm2d)."""

    op = "batch_norm2d"
    other_names = (
        "bn", "bn2d", "batchnorm", "batch_norm", "batch_normalization",
        "batch_normalize", "sync_batch_norm", "spatial_batch_norm",
    )  # fmt: skip
    module_class = "nn.BatchNorm2d"


class BatchNorm3d(_BatchNorm):
    """Batch normalisation over C x D x H x W (torch.nn.BatchNorm3d)."""

    op = "batch_norm3d"
    axes = 3
    other_names = ("bn3d", "volumetric_batch_norm")
    module_class = "nn.BatchNorm3d"


class BatchNorm1d(_BatchNorm):
    """Batch normalisation over C or C x L (torch.nn.BatchNorm1d)."""

    op = "batch_norm1d"
    axes = 1
    other_names = ("bn1d",)
    module_class = "nn.BatchNorm1d"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        return x if len(x.dims) == 1 else super().infer(x)


class LocalResponseNorm(Op):
    """Normalisation across neighbouring channels (torch.nn.LocalResponseNorm)."""

    op = "local_response_norm"
    category = "normalization"
    other_names = (
        "lrn", "local_response_normalization", "response_norm", "cross_map_lrn2d",
    )  # fmt: skip
    other_attributes = (("local_size", "size"), ("n", "size"), ("bias", "k"))
    axes = None
    module_class = "nn.LocalResponseNorm"
    calls = (Function("torch.nn.functional.local_response_norm", shape=same_shape),)
    saves = frozenset({"input", "statistics"})
    short = "LRN"
    shows = (("size", "{}"),)

    size: int = Field(ge=1)
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    @property
    def detail(self) -> str:
        return f"{self.size}"

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        """x / (k + alpha * mean(x * x)) ** beta, as torch's Python writes it."""
        # on the CPU the pooling over three axes, which that of a sequence is not
        pools = "full" if device == "cpu" and len(y.dims) > 2 else "widest"
        raises = "widest" if device == "cpu" else "full"
        padded = y.with_channels(y.channels + self.size - 1).dims
        return (
            Step(y.dims, reads=(0, 0), keeps=(0,)),
            Step(padded, reads=(1,)),
            Step(y.dims, reads=(2,), keeps=(2,), cast=pools),
            Step(y.dims, reads=(3,)),
            Step(y.dims, reads=(4,), fresh_gradient=False),
            Step(y.dims, reads=(5,), keeps=(5,), holds=(3,), scratch=2, cast=raises),
            Step(y.dims, reads=(0, 6), keeps=(0, 6), scratch=3),
        )

    def infer(self, *inputs: Shape) -> Shape:
        need_map(self, inputs[0])
        return inputs[0]

    def module(self, x: Shape) -> Call:
        rest = self.given("alpha", "beta", "k")
        return self._construct(size=self.size, **rest)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.local_response_norm", (argument,), self.module(x).kwargs)


def _statistic(dims: Dims, affine: bool) -> Extra:
    """A mean or a deviation, in the precision of the parameters where there are any."""
    return Extra(dims, 4 if affine else None)


class GroupNorm(Op):
    """Normalisation over groups of channels (torch.nn.GroupNorm)."""

    op = "group_norm"
    category = "normalization"
    other_names = ("gn", "group_normalization")
    special_names = tuple(
        (name, 'num_groups = "in_channels", affine = false')
        for name in ("instance_norm", "instance_norm2d", "instance_normalization")
    )
    other_attributes = (("groups", "num_groups"), ("epsilon", "eps"))
    module_class = "nn.GroupNorm"
    initializable = ("weight", "bias")
    saves = _STATISTICS
    autocast = "full"
    autocast_on_cpu = "widest"
    layout = "map"
    short = "GN"
    shows = (("num_groups", "groups {}"),)

    num_groups: int = Field(ge=1)
    eps: float = Field(default=1e-5, ge=0)
    affine: bool = True

    @property
    def detail(self) -> str:
        return f"{self.num_groups}"

    def smallest_batch(self, x: Shape, *, training: bool) -> int:
        """A group of one number is refused, though only where the batch is one too."""
        return 2 if prod(x.sizes) == self.num_groups else 1

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        return (_statistic((self.num_groups,), self.affine),) * 2

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_channels_first(self.op, x)
        need_divisible(self.op, "channels", x.dims[0], self.num_groups, "num_groups")
        return x

    def parameters(self, x: Shape) -> dict[str, Dims]:
        channels = (x.dims[0],)
        return {"weight": channels, "bias": channels} if self.affine else {}

    def module(self, x: Shape) -> Call:
        rest = self.given("eps", "affine")
        return self._construct(self.num_groups, x.dims[0], **rest)


def _sizes(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return check_numbers(value, minimum=1)
    return check_size(value, 1)


_NUMBER = {"type": "integer", "minimum": 1}
NormalizedShape = Annotated[
    Any,
    PlainValidator(_sizes),
    WithJsonSchema({"anyOf": [_NUMBER, {"type": "array", "items": _NUMBER}]}),
]


class LayerNorm(Op):
    """Normalisation over the last axes, by default one (torch.nn.LayerNorm)."""

    op = "layer_norm"
    category = "normalization"
    other_names = ("ln", "layer_normalization")
    other_attributes = (("epsilon", "eps"), ("affine", "elementwise_affine"))
    module_class = "nn.LayerNorm"
    initializable = ("weight", "bias")
    saves = _STATISTICS
    autocast = "full"
    autocast_on_cpu = "widest"
    layout = "ordered"
    short = "LN"

    normalized_shape: NormalizedShape = Field(default=None, description="the last axis")
    eps: float = Field(default=1e-5, ge=0)
    elementwise_affine: bool = True
    bias: bool = True

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        rest = x.dims[: len(x.dims) - len(self._shape(x))]
        return (_statistic(rest, self.elementwise_affine),) * 2

    def _shape(self, x: Shape) -> Dims:
        given = self.normalized_shape
        if given is None:
            return x.dims[-1:]
        return items(given) or (given,)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        over = self._shape(x)
        last = x.dims[-len(over) :]
        same = (a == b for a, b in zip(over, last, strict=False) if known(a, b))
        if len(last) != len(over) or not all(same):
            raise ShapeError(
                f"`layer_norm` over {Shape(over)} needs an input that ends so,"
                f" but reads {x}",
                attribute="normalized_shape",
                help="leave normalized_shape out to take the last axis",
            )
        return x

    def parameters(self, x: Shape) -> dict[str, Dims]:
        if not self.elementwise_affine:
            return {}
        over = self._shape(x)
        return {"weight": over} | ({"bias": over} if self.bias else {})

    def module(self, x: Shape) -> Call:
        over = self._shape(x)
        rest = self.given("eps", "elementwise_affine", "bias")
        # PyTorch annotates several axes as a list, so a tuple is no such argument.
        return self._construct(over[0] if len(over) == 1 else list(over), **rest)


class LayerScale(Op):
    """A learned factor for each channel, as in ConvNeXt (torch.nn.Parameter)."""

    op = "layer_scale"
    category = "normalization"
    saves = frozenset({"input", "weight"})
    bare_parameter = True
    autocast = "promote"

    init: float = 1e-6

    def parameters(self, x: Shape) -> dict[str, Dims]:
        behind = len(x.dims) - 1 - x.channel_axis
        return {"": (x.channels, *(1,) * behind)}

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        return (replace(step, spreads_weight=True),)

    def module(self, x: Shape) -> Call:
        values = Call("torch.full", (self.parameters(x)[""], self.init))
        return Call("nn.Parameter", (values,))


class GlobalResponseNorm(Op):
    """Channels weighed by their norms against the mean of these, over C x H x W or
    H x W x C, as in ConvNeXt V2 (torch.norm)."""

    # Woo et al. 2023, section 3; parameters and what they start from as in timm
    op = "global_response_norm"
    category = "normalization"
    other_names = ("grn",)
    module_class = "GlobalResponseNorm"
    helper = '''\
class GlobalResponseNorm(nn.Module):
    """Strengthens channels whose norm over the map is above the mean of all."""

    def __init__(
        self, channels: int, eps: float = 1e-6, channels_last: bool = False
    ) -> None:
        super().__init__()
        self.eps = eps
        self.channels_last = channels_last
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        spatial, channel = ((1, 2), 3) if self.channels_last else ((2, 3), 1)
        norm = torch.norm(x, p=2, dim=spatial, keepdim=True)
        scaled = x * (norm / (norm.mean(dim=channel, keepdim=True) + self.eps))
        shape = (-1,) if self.channels_last else (-1, 1, 1)
        return x + torch.addcmul(self.bias.view(shape), self.weight.view(shape), scaled)
'''
    saves = _STATISTICS
    short = "GRN"

    eps: float = Field(default=1e-6, ge=0)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        if x.channel_axis != 2:
            need_map(self, x)
        return x

    def parameters(self, x: Shape) -> dict[str, Dims]:
        return {"weight": (x.channels,), "bias": (x.channels,)}

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (x,) = inputs
        one = Shape((1, 1, 1), x.channel_axis)
        norm = one.with_channels(x.channels).dims
        return (
            Step(norm, keeps=(0, 1), cast="widest" if device == "cpu" else "widen"),
            Step(one.dims, reads=(1,)),  # the mean
            Step(one.dims, reads=(2,), fresh_gradient=False),
            Step(norm, reads=(1, 3), keeps=(1, 3), spread=True),
            Step(y.dims, reads=(0, 4), keeps=(0, 4), spread=True),
            Step(
                y.dims,
                reads=(5,),
                keeps=(5,),
                trains=True,
                spreads_weight=True,
                cast="promote",
            ),
            Step(y.dims, reads=(0, 6), fresh_gradient=False),
        )

    def module(self, x: Shape) -> Call:
        last = {"channels_last": True} if x.channel_axis else {}
        return self._construct(x.channels, **self.given("eps"), **last)

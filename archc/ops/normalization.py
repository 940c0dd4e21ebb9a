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
from archc.ops.reach import EVERYWHERE, Everywhere
from archc.ops.shapes import axis_of, need_channels_first, need_divisible, need_map
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


def _updated(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """What instance normalisation updates while it is trained."""
    named = ("running_mean", "running_var") if settings["use_input_stats"] else ()
    return tuple(name for name in named if settings[name] is not None)


class _InstanceNorm(_BatchNorm):
    """Normalisation of each channel of each sample over its map."""

    calls = (
        Function(
            "torch.nn.functional.instance_norm", shape=same_shape, writes=_updated
        ),
    )
    saves = frozenset({"input", "statistics"})
    short = "IN"

    affine: bool = False
    track_running_stats: bool = False

    def smallest_batch(self, x: Shape, *, training: bool) -> int:
        return 1

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        if {*x.dims[1:]} == {1}:
            raise ShapeError(
                f"`{self.op}` reads {x}: one pixel has no deviation",
                help="put it before the pooling that leaves a single pixel",
            )
        return x

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        """As batch normalisation of the samples' channels side by side, for which the
        weight and the running statistics are repeated."""
        channels = (y.dims[0],)
        # without a weight all of it is as wide as the input, but on a GPU
        own = 4 if self.affine else None
        statistic = Extra(channels, 4 if device == "cuda" else own)
        running = (Extra(channels, own),) * (2 * self.track_running_stats)
        extra = (*(statistic,) * 2, *running, *(Extra(channels, 4),) * self.affine)
        return (
            Step(
                y.dims, joins=(0, len(y.dims)), layout="ordered", fresh_gradient=False
            ),
            Step(
                y.dims,
                reads=(1,),
                keeps=(1,),
                extra=extra,
                trains=True,
                temporary=(Extra(channels, 4),) * (2 * self.affine),
            ),
            Step(y.dims, reads=(2,), shares="view", fresh_gradient=False),
        )


class InstanceNorm2d(_InstanceNorm):
    """Normalisation of each channel of each sample over its map, C x H x W
    (torch.nn.InstanceNorm2d)."""

    op = "instance_norm2d"
    other_names = ("in2d", "instance_norm", "instance_normalization")
    module_class = "nn.InstanceNorm2d"


class InstanceNorm1d(_InstanceNorm):
    """Normalisation of each channel of each sample over its length, C x L
    (torch.nn.InstanceNorm1d)."""

    op = "instance_norm1d"
    axes = 1
    other_names = ("in1d",)
    module_class = "nn.InstanceNorm1d"


class InstanceNorm3d(_InstanceNorm):
    """Normalisation of each channel of each sample over its volume, C x D x H x W
    (torch.nn.InstanceNorm3d)."""

    op = "instance_norm3d"
    axes = 3
    other_names = ("in3d",)
    module_class = "nn.InstanceNorm3d"


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


_OVER = "normalized_shape"


class _OverLastAxes(Op):
    """What the normalisations over the last axes share."""

    category = "normalization"
    other_attributes = (("epsilon", "eps"), ("affine", "elementwise_affine"))
    saves = _STATISTICS
    autocast = "full"
    autocast_on_cpu = "widest"
    layout = "ordered"

    normalized_shape: NormalizedShape

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
                f"`{self.op}` over {Shape(over)} needs an input that ends so,"
                f" but reads {x}",
                attribute=_OVER,
                help="leave normalized_shape out to take the last axis",
            )
        return x

    def module(self, x: Shape) -> Call:
        over = self._shape(x)
        rest = self.given(*[n for n in type(self).model_fields if n != _OVER])
        # PyTorch annotates several axes as a list, so a tuple is no such argument.
        return self._construct(over[0] if len(over) == 1 else list(over), **rest)


class LayerNorm(_OverLastAxes):
    """Normalisation over the last axes, by default one (torch.nn.LayerNorm)."""

    op = "layer_norm"
    other_names = ("ln", "layer_normalization")
    module_class = "nn.LayerNorm"
    initializable = ("weight", "bias")
    short = "LN"

    normalized_shape: NormalizedShape = Field(default=None, description="the last axis")
    eps: float = Field(default=1e-5, ge=0)
    elementwise_affine: bool = True
    bias: bool = True

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        rest = x.dims[: len(x.dims) - len(self._shape(x))]
        return (_statistic(rest, self.elementwise_affine),) * 2

    def parameters(self, x: Shape) -> dict[str, Dims]:
        if not self.elementwise_affine:
            return {}
        over = self._shape(x)
        return {"weight": over} | ({"bias": over} if self.bias else {})


class LayerNorm2d(Op):
    """Layer normalisation over the channels of C x H x W, pixel by pixel, as in
    ConvNeXt (torch.nn.LayerNorm)."""

    # Liu et al. 2022; its parameters are called as in torchvision and timm. It is no
    # subclass of nn.LayerNorm, which `[init]` takes for `layer_norm`.
    op = "layer_norm2d"
    category = "normalization"
    other_names = ("ln2d", "layer_norm_channels_first")
    other_attributes = (("epsilon", "eps"),)
    module_class = "LayerNorm2d"
    helper = '''\
class LayerNorm2d(nn.Module):
    """Layer normalisation over the channels of a map, which come first."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        shape = self.weight.shape
        x = nn.functional.layer_norm(x, shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)
'''
    initializable = ("weight", "bias")
    saves = _STATISTICS
    short = "LN"

    eps: float = Field(default=1e-5, ge=0)

    def infer(self, *inputs: Shape) -> Shape:
        need_map(self, inputs[0])
        return inputs[0]

    def parameters(self, x: Shape) -> dict[str, Dims]:
        return {"weight": (x.dims[0],), "bias": (x.dims[0],)}

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        channels, height, width = y.dims
        last = (height, width, channels)
        return (
            Step(last, shares="view", order=(0, 2, 3, 1), fresh_gradient=False),
            Step(
                last,
                reads=(1,),
                keeps=(1,),
                extra=(_statistic((height, width), affine=True),) * 2,
                trains=True,
                keeps_weight=True,
                layout="ordered",
                cast="widest" if device == "cpu" else "full",
            ),
            Step(
                y.dims,
                reads=(2,),
                shares="view",
                order=(0, 3, 1, 2),
                fresh_gradient=False,
            ),
        )

    def module(self, x: Shape) -> Call:
        return self._construct(x.dims[0], **self.given())


class RmsNorm(_OverLastAxes):
    """Division by the root of the mean square over the last axes, by default one
    (torch.nn.RMSNorm)."""

    # Zhang and Sennrich 2019
    op = "rms_norm"
    other_names = ("root_mean_square_norm",)
    module_class = "nn.RMSNorm"
    initializable = ("weight",)

    normalized_shape: NormalizedShape = Field(default=None, description="the last axis")
    eps: float | None = Field(
        default=None, ge=0, description="the smallest step above 1"
    )
    elementwise_affine: bool = True

    def parameters(self, x: Shape) -> dict[str, Dims]:
        return {"weight": self._shape(x)} if self.elementwise_affine else {}

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        rest = y.dims[: len(y.dims) - len(self._shape(y))]
        if device == "cuda":
            (step,) = super().steps(inputs, y, device=device, inplace=inplace)
            return (replace(step, extra=(Extra(rest, 4),)),)
        one = (*rest, *(1,) * (len(y.dims) - len(rest)))
        # call by call, in single precision, and then as it was
        steps = [
            Step(y.dims, shares="same", fresh_gradient=False, cast="full"),
            Step(y.dims, reads=(1,), keeps=(1,), scratch=2),
            Step(one, reads=(2,)),
            Step(one, reads=(3,), fresh_gradient=False),
            Step(one, reads=(4,), keeps=(5,)),
            Step(y.dims, reads=(1, 5), keeps=(1, 5), spread=True),
        ]
        if self.elementwise_affine:
            steps.append(
                Step(
                    y.dims,
                    reads=(6,),
                    keeps=(6,),
                    trains=True,
                    keeps_weight=True,
                    spreads_weight=True,
                )
            )
        last = len(steps)
        return (
            *steps,
            Step(
                y.dims, reads=(last,), shares="same", fresh_gradient=False, cast="back"
            ),
        )


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


class Normalize(Op):
    """x divided by its norm along an axis, by default that of the channels
    (torch.nn.functional.normalize)."""

    op = "normalize"
    category = "normalization"
    other_names = ("l2_norm", "l2_normalize", "unit_norm")
    other_attributes = (("axis", "dim"), ("epsilon", "eps"))
    module_class = "Normalize"
    helper = '''\
class Normalize(nn.Module):
    """Divides by the norm along an axis."""

    def __init__(self, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> None:
        super().__init__()
        self.p = p
        self.dim = dim
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x, p=self.p, dim=self.dim, eps=self.eps)
'''
    saves = frozenset({"input", "steps between"})
    shows = (("p", "p {}"), ("dim", "dim {}"))

    p: float = Field(default=2.0, gt=0)
    dim: int | None = Field(default=None, description="the channels")
    eps: float = Field(default=1e-12, ge=0)

    def _axis(self, x: Shape) -> int:
        return x.channel_axis if self.dim is None else axis_of(self.op, self.dim, x)

    def _settings(self, x: Shape) -> dict[str, Any]:
        settings = self.given()
        if self.dim is None and x.channel_axis:
            settings["dim"] = x.channel_axis + 1
        return settings

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        if known(self.dim):
            self._axis(x)
        return x

    def reach(self, x: Shape, y: Shape) -> Everywhere | None:
        axis = self._axis(x)
        alone = axis == x.channel_axis or x.dims[axis] == 1
        return None if alone else EVERYWHERE

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        axis = self._axis(y)
        norm = (*y.dims[:axis], 1, *y.dims[axis + 1 :])
        return (
            Step(norm, keeps=(0, 1), cast="widest" if device == "cpu" else "widen"),
            # no less than eps
            Step(norm, reads=(1,), keeps=(1,), temporary=(Extra(norm, 1),)),
            Step(y.dims, reads=(0, 2), keeps=(0, 2), spread=True, scratch=3),
        )

    def module(self, x: Shape) -> Call:
        return self._construct(**self._settings(x))

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.normalize", (argument,), self._settings(x))

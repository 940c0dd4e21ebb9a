"""The ops `instance_norm1d`, `instance_norm2d` and `instance_norm3d`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from archc.ops.functions import Function, same_shape
from archc.ops.normalization.family import BatchNorm
from archc.ops.shapes import need_map
from archc.ops.sizes import Shape, ShapeError
from archc.ops.steps import Device, Extra, Step


def _updated(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """What instance normalisation updates while it is trained."""
    named = ("running_mean", "running_var") if settings["use_input_stats"] else ()
    return tuple(name for name in named if settings[name] is not None)


class _InstanceNorm(BatchNorm):
    """Normalisation of each channel of each sample over its map."""

    calls = (
        Function(
            "torch.nn.functional.instance_norm", shape=same_shape, writes=_updated
        ),
    )
    saves = frozenset({"input", "statistics"})
    short = "IN"

    eps: float = Field(default=1e-5, ge=0)
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

"""The ops `adaptive_avg_pool1d`, `adaptive_avg_pool2d` and `adaptive_avg_pool3d`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from archc.ops.functions import Function, Sizes
from archc.ops.pooling.family import AdaptivePool, global_pooling
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Step


def _resized(tensors: Sequence[Sizes], settings: Mapping[str, Any]) -> Sizes | None:
    x, size = tensors[0], settings.get("output_size")
    return (*x[:2], *(size for _ in x[2:])) if isinstance(size, int) else None


class _AdaptiveAvgPool(AdaptivePool):
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
    special_names = global_pooling(
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
    special_names = global_pooling("global_avg_pool1d", "global_average_pooling1d")
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
    special_names = global_pooling("global_avg_pool3d", "global_average_pooling3d")
    module_class = "nn.AdaptiveAvgPool3d"
    calls = (Function("torch.nn.functional.adaptive_avg_pool3d", shape=_resized),)
    autocast_on_cpu = "full"

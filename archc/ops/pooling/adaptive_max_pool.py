"""The ops `adaptive_max_pool1d`, `adaptive_max_pool2d` and `adaptive_max_pool3d`."""

from __future__ import annotations

from archc.ops.pooling.family import AdaptivePool, global_pooling, indices
from archc.ops.sizes import Shape
from archc.ops.steps import Extra


class _AdaptiveMaxPool(AdaptivePool):
    """Max pooling to a given size."""

    saves = frozenset({"input", "indices"})

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        return indices(y)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Max pooling of C x H x W to a given size (torch.nn.AdaptiveMaxPool2d)."""

    op = "adaptive_max_pool2d"
    other_names = ("adaptive_max_pool", "adaptive_maxpool")
    special_names = global_pooling(
        "global_max_pool", "global_max_pool2d", "global_max_pooling",
        "global_max_pooling2d",
    )  # fmt: skip
    module_class = "nn.AdaptiveMaxPool2d"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Max pooling of C x L to a given length (torch.nn.AdaptiveMaxPool1d)."""

    op = "adaptive_max_pool1d"
    axes = 1
    special_names = global_pooling("global_max_pool1d", "global_max_pooling1d")
    module_class = "nn.AdaptiveMaxPool1d"


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Max pooling of C x D x H x W to a given size (torch.nn.AdaptiveMaxPool3d)."""

    op = "adaptive_max_pool3d"
    axes = 3
    special_names = global_pooling("global_max_pool3d", "global_max_pooling3d")
    module_class = "nn.AdaptiveMaxPool3d"
    autocast_on_cpu = "full"

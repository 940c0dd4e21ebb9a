"""The ops `batch_norm1d`, `batch_norm2d` and `batch_norm3d`."""

from __future__ import annotations

from archc.ops.normalization.family import BatchNorm
from archc.ops.sizes import Shape


class BatchNorm2d(BatchNorm):
    """Batch normalisation over C x H x W (torch.nn.BatchNorm2d)."""

    op = "batch_norm2d"
    other_names = (
        "bn", "bn2d", "batchnorm", "batch_norm", "batch_normalization",
        "batch_normalize", "sync_batch_norm", "spatial_batch_norm",
    )  # fmt: skip
    module_class = "nn.BatchNorm2d"


class BatchNorm3d(BatchNorm):
    """Batch normalisation over C x D x H x W (torch.nn.BatchNorm3d)."""

    op = "batch_norm3d"
    axes = 3
    other_names = ("bn3d", "volumetric_batch_norm")
    module_class = "nn.BatchNorm3d"


class BatchNorm1d(BatchNorm):
    """Batch normalisation over C or C x L (torch.nn.BatchNorm1d)."""

    op = "batch_norm1d"
    axes = 1
    other_names = ("bn1d",)
    module_class = "nn.BatchNorm1d"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        return x if len(x.dims) == 1 else super().infer(x)

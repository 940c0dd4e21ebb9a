"""The op `mean`."""

from __future__ import annotations

from archc.ops.reduction.family import Reduction, called, helper_class


class Mean(Reduction):
    """The mean over axes, the batch counted as axis 0 (torch.mean)."""

    op = "mean"
    other_names = ("average", "avg")
    module_class = "Mean"
    helper = helper_class("Mean", "mean", "The mean")
    calls = called("mean")

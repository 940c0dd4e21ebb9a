"""The op `relu`."""

from __future__ import annotations

from math import inf

from archc.ops.activation.family import OUTPUT, InPlace, called


class Relu(InPlace):
    """max(x, 0) (torch.nn.ReLU)."""

    op = "relu"
    other_names = ("rectifier", "rectified_linear")
    saves = OUTPUT
    gradient_as_read = True
    copies_inplace = False
    output_range = (0.0, inf)
    module_class = "nn.ReLU"
    function_name = "F.relu"
    calls = called("torch.nn.functional.relu", "torch.relu", "torch.Tensor.relu")

    inplace: bool | None = None

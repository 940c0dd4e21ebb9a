"""The op `softmax`."""

from __future__ import annotations

from archc.ops.activation.family import AlongAxis


class Softmax(AlongAxis):
    """exp(x), made to sum to one along an axis (torch.nn.Softmax)."""

    op = "softmax"
    output_range = (0.0, 1.0)
    module_class = "nn.Softmax"
    function_name = "F.softmax"

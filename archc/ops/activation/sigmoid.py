"""The op `sigmoid`."""

from __future__ import annotations

from archc.ops.activation.family import OUTPUT, Activation, called


class Sigmoid(Activation):
    """1 / (1 + exp(-x)) (torch.nn.Sigmoid)."""

    op = "sigmoid"
    other_names = ("logistic",)
    output_range = (0.0, 1.0)
    saves = OUTPUT
    module_class = "nn.Sigmoid"
    function_name = "torch.sigmoid"
    calls = called("torch.sigmoid", "torch.Tensor.sigmoid")

"""The op `tanh`."""

from __future__ import annotations

from archc.ops.activation.family import OUTPUT, Activation, called


class Tanh(Activation):
    """The hyperbolic tangent (torch.nn.Tanh)."""

    op = "tanh"
    output_range = (-1.0, 1.0)
    saves = OUTPUT
    module_class = "nn.Tanh"
    function_name = "torch.tanh"
    calls = called("torch.tanh", "torch.Tensor.tanh")

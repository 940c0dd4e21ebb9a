"""The op `mish`."""

from __future__ import annotations

from archc.ops.activation.family import InPlace, called


class Mish(InPlace):
    """x * tanh(log(1 + exp(x))) (torch.nn.Mish)."""

    op = "mish"
    module_class = "nn.Mish"
    function_name = "F.mish"
    calls = called("torch.nn.functional.mish")

    inplace: bool | None = None

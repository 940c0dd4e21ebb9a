"""The op `elu`."""

from __future__ import annotations

from archc.ops.activation.family import InPlace


class Elu(InPlace):
    """x above zero, alpha * (exp(x) - 1) below (torch.nn.ELU)."""

    op = "elu"
    copies_inplace = False
    module_class = "nn.ELU"
    function_name = "F.elu"

    alpha: float = 1.0
    inplace: bool | None = None

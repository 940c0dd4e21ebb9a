"""The op `selu`."""

from __future__ import annotations

from archc.ops.activation.family import InPlace, called


class Selu(InPlace):
    """1.0507 * x above zero, 1.7581 * (exp(x) - 1) below (torch.nn.SELU)."""

    # Klambauer et al. 2017
    op = "selu"
    copies_inplace = False
    module_class = "nn.SELU"
    function_name = "F.selu"
    calls = called("torch.nn.functional.selu")

    inplace: bool | None = None

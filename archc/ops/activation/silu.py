"""The op `silu`."""

from __future__ import annotations

from archc.ops.activation.family import InPlace, called


class Silu(InPlace):
    """x * sigmoid(x) (torch.nn.SiLU)."""

    op = "silu"
    other_names = ("swish",)
    module_class = "nn.SiLU"
    function_name = "F.silu"
    calls = called("torch.nn.functional.silu")

    inplace: bool | None = None

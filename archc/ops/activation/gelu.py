"""The op `gelu`."""

from __future__ import annotations

from typing import Literal

from archc.ops.activation.family import Activation
from archc.ops.functions import Function, same_shape


class Gelu(Activation):
    """x times the Gaussian's cumulative distribution (torch.nn.GELU)."""

    op = "gelu"
    module_class = "nn.GELU"
    function_name = "F.gelu"
    calls = (
        Function(
            "torch.nn.functional.gelu",
            signature="input approximate='none'",
            shape=same_shape,
        ),
    )

    approximate: Literal["none", "tanh"] = "none"

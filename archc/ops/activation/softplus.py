"""The op `softplus`."""

from __future__ import annotations

from math import inf

from pydantic import Field

from archc.ops.activation.family import Activation
from archc.ops.functions import Function, same_shape


class Softplus(Activation):
    """log(1 + exp(beta * x)) / beta, and x where beta * x is above the threshold
    (torch.nn.Softplus)."""

    op = "softplus"
    output_range = (0.0, inf)
    autocast = "full"
    autocast_on_cpu = "widest"
    module_class = "nn.Softplus"
    function_name = "F.softplus"
    calls = (
        Function(
            "torch.nn.functional.softplus",
            signature="input beta=1.0 threshold=20.0",
            shape=same_shape,
        ),
    )

    beta: float = Field(default=1.0, gt=0)
    threshold: float = 20.0

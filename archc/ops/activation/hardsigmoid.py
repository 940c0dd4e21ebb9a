"""The op `hardsigmoid`."""

from __future__ import annotations

from archc.ops.activation.family import InPlace


class Hardsigmoid(InPlace):
    """relu6(x + 3) / 6 (torch.nn.Hardsigmoid)."""

    op = "hardsigmoid"
    other_names = ("hsigmoid",)
    output_range = (0.0, 1.0)
    module_class = "nn.Hardsigmoid"
    function_name = "F.hardsigmoid"

    inplace: bool | None = None

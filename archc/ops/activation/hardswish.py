"""The op `hardswish`."""

from __future__ import annotations

from archc.ops.activation.family import InPlace


class Hardswish(InPlace):
    """x * relu6(x + 3) / 6 (torch.nn.Hardswish)."""

    op = "hardswish"
    other_names = ("hswish",)
    module_class = "nn.Hardswish"
    function_name = "F.hardswish"

    inplace: bool | None = None

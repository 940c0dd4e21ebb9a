"""The op `relu6`."""

from __future__ import annotations

from typing import Any

from archc.ops.activation.family import InPlace
from archc.ops.functions import Function, same_shape


def _settle_bounds(settings: dict[Any, Any]) -> None:
    """Of ReLU6, as `hardtanh` would be told them."""
    settings.setdefault("min_val", 0.0)
    settings.setdefault("max_val", 6.0)


class Relu6(InPlace):
    """min(max(x, 0), 6) (torch.nn.ReLU6)."""

    op = "relu6"
    output_range = (0.0, 6.0)
    module_class = "nn.ReLU6"
    function_name = "F.relu6"
    calls = (
        Function(
            "torch.nn.functional.relu6",
            also=("torch.nn.functional.hardtanh",),  # which the module calls
            settle=_settle_bounds,
            shape=same_shape,
        ),
    )

    inplace: bool | None = None

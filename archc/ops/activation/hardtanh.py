"""The op `hardtanh`."""

from __future__ import annotations

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from archc.ops.activation.family import InPlace
from archc.ops.attributes import plain


class Hardtanh(InPlace):
    """min(max(x, min_val), max_val) (torch.nn.Hardtanh)."""

    op = "hardtanh"
    module_class = "nn.Hardtanh"
    function_name = "F.hardtanh"  # which verify knows by relu6

    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Hardtanh:
        if self.max_val <= self.min_val:
            raise PydanticCustomError(
                "hardtanh",
                "has max_val = {high}, which is not above min_val = {low}",
                {"high": plain(self.max_val), "low": plain(self.min_val)},
            )
        return self

"""The op `group_norm`."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.normalization.family import STATISTICS, statistic
from archc.ops.shapes import need_channels_first, need_divisible
from archc.ops.sizes import Dims, Shape
from archc.ops.steps import Device, Extra, Step


class GroupNorm(Op):
    """Normalisation over groups of channels (torch.nn.GroupNorm)."""

    op = "group_norm"
    category = "normalization"
    other_names = ("gn", "group_normalization")
    other_attributes = (("groups", "num_groups"), ("epsilon", "eps"))
    module_class = "nn.GroupNorm"
    initializable = ("weight", "bias")
    saves = STATISTICS
    autocast = "full"
    autocast_on_cpu = "widest"
    short = "GN"
    shows = (("num_groups", "groups {}"),)

    num_groups: int = Field(ge=1)
    eps: float = Field(default=1e-5, ge=0)
    affine: bool = True

    @property
    def detail(self) -> str:
        return f"{self.num_groups}"

    def smallest_batch(self, x: Shape, *, training: bool) -> int:
        """A group of one number is refused, though only where the batch is one too."""
        return 2 if prod(x.sizes) == self.num_groups else 1

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        return (statistic((self.num_groups,), self.affine),) * 2

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_channels_first(self.op, x)
        need_divisible(self.op, "channels", x.dims[0], self.num_groups, "num_groups")
        return x

    def parameters(self, x: Shape) -> dict[str, Dims]:
        channels = (x.dims[0],)
        return {"weight": channels, "bias": channels} if self.affine else {}

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        return (replace(step, layout="ordered" if device == "cuda" else "map"),)

    def module(self, x: Shape) -> Call:
        rest = self.given("eps", "affine")
        return self._construct(self.num_groups, x.dims[0], **rest)

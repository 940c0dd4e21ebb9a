"""What the ops of this family share."""

from __future__ import annotations

from pydantic import Field

from archc.ops.base import Op
from archc.ops.sizes import Shape
from archc.ops.steps import Extra, Step


def masked(y: Shape, mask: Extra, *, inplace: bool) -> tuple[Step, ...]:
    """A product with a mask of its own."""
    shares = "overwritten" if inplace else None
    return (Step(y.dims, extra=(mask,), shares=shares),)


def unchanged(y: Shape) -> tuple[Step, ...]:
    return (Step(y.dims, shares="same", fresh_gradient=False),)


class Dropping(Op):
    """What the dropouts share: all of them have a probability."""

    category = "dropout"
    saves = frozenset({"mask"})
    aliases = True
    shows = (("p", "p {}"),)

    other_attributes = (
        ("rate", "p"),
        ("prob", "p"),
        ("probability", "p"),
        ("dropout_ratio", "p"),
        ("drop_prob", "p"),
    )

    p: float = Field(ge=0, le=1)

    @property
    def detail(self) -> str:
        return f"{self.p}"

    @property
    def is_random(self) -> bool:
        return self.p > 0

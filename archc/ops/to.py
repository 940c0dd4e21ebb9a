"""The op `to`, which `place` puts where a value crosses."""

from __future__ import annotations

from archc.ops.code import Apply, Argument, Attribute, Local, Text, call
from archc.ops.reshape.identity import Identity
from archc.ops.sizes import Shape
from archc.spec.expressions import Expr

DEVICES = "devices"
"""What the network's class calls its places' devices."""


def device_of(place: str) -> Expr:
    """Where a place is: None, which moves nothing, if nobody said."""
    devices = Attribute(Local("self"), DEVICES)
    return call(Attribute(devices, "get"), Text(place))


def moved(value: Expr, place: str) -> Apply:
    """A value, or a module, on the device of a place."""
    return Apply(Attribute(value, "to"), (Argument(device_of(place), "device"),))


class To(Identity):
    """A value on the device of a place (torch.Tensor.to)."""

    op = "to"
    other_names = ()
    has_module = False
    unchanged = False
    short = "to"

    place: str

    @property
    def detail(self) -> str:
        return self.place

    def function(self, x: Shape, argument: Expr) -> Expr:
        return moved(argument, self.place)

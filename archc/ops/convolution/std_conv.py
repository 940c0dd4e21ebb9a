"""The op `std_conv2d`."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from archc.ops.attributes import Padding
from archc.ops.base import Call, Saved
from archc.ops.convolution.conv import Conv
from archc.ops.sizes import Dim, Shape, ShapeError
from archc.ops.steps import Device, Extra, Step

_SAVES: frozenset[Saved] = frozenset({"input", "weight", "statistics"})


class StandardizedConv(Conv):
    """What the convolutions share whose weight is standardised for each output
    channel."""

    padding_mode: ClassVar[str] = "zeros"  # pyright: ignore[reportIncompatibleVariableOverride]
    starts_as = "conv2d"
    saves = _SAVES
    factors: ClassVar[int] = 0
    """How many numbers for each output channel are kept beside the statistics."""

    padding: Padding = 0
    eps: float = Field(default=1e-6, gt=0)

    def infer(self, *inputs: Shape) -> Shape:
        y = super().infer(*inputs)
        if self._weights(inputs[0]) == 1:
            raise ShapeError(
                f"`{self.op}` has one weight for each output channel, which has no"
                " deviation",
                code="not-divisible",
                attribute="groups",
                help="use fewer groups, or a larger kernel_size",
            )
        return y

    def _weights(self, x: Shape) -> Dim:
        """How many make one output."""
        height, width = self.each_axis(self.kernel_size)
        return x.dims[0] // self.groups * height * width

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        weight = self.parameters(inputs[0])["weight"]
        each = Extra(weight[:1], 4, per_sample=False)
        # in place of its weight it keeps what that is made to
        made = Extra(weight, per_sample=False)
        extra = (made, *(each,) * (2 + self.factors))
        return (replace(step, extra=extra, keeps_weight=False),)

    def module(self, x: Shape) -> Call:
        rest = self.given(
            "kernel_size", "stride", "padding", "dilation", "groups", "bias", "eps"
        )
        return self._construct(x.dims[0], self.out_channels, **rest)


class StdConv2d(StandardizedConv):
    """2-D convolution over C x H x W whose weight has mean 0 and variance 1 for each
    output channel (torch.nn.Conv2d)."""

    # Qiao et al. 2019; its parameters are called, and it is computed, as in timm
    op = "std_conv2d"
    other_names = ("std_conv", "ws_conv2d", "weight_standardization")
    module_class = "StdConv2d"
    helper = '''\
class StdConv2d(nn.Conv2d):
    """A convolution whose weight has mean 0 and variance 1 for each output channel."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = False,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
        )
        self.eps = eps

    def forward(self, input: Tensor) -> Tensor:
        weight = nn.functional.batch_norm(
            self.weight.reshape(1, self.out_channels, -1),
            None,
            None,
            training=True,
            momentum=0.0,
            eps=self.eps,
        ).reshape_as(self.weight)
        return self._conv_forward(input, weight, self.bias)
'''

    bias: bool = False

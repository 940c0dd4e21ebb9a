"""The op `scaled_std_conv2d`."""

from __future__ import annotations

from archc.ops.base import Call
from archc.ops.convolution.std_conv import StandardizedConv
from archc.ops.sizes import Dims, Shape


class ScaledStdConv2d(StandardizedConv):
    """2-D convolution over C x H x W whose weight has mean 0 and, by a learned gain,
    variance, as in networks without normalisation (torch.nn.Conv2d)."""

    # Brock et al. 2021; its parameters are called, and it is computed, as in timm
    op = "scaled_std_conv2d"
    other_names = ("scaled_std_conv", "scaled_ws_conv2d")
    module_class = "ScaledStdConv2d"
    factors = 1
    initializable = ("weight", "bias", "gain")
    helper = '''\
class ScaledStdConv2d(nn.Conv2d):
    """A convolution whose weight has mean 0 and a learned variance for each output
    channel, which starts as gamma**2 / fan-in."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        gamma: float = 1.0,
        eps: float = 1e-6,
        gain_init: float = 1.0,
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
        self.scale = gamma * self.weight[0].numel() ** -0.5
        self.eps = eps
        self.gain = nn.Parameter(torch.full((out_channels, 1, 1, 1), gain_init))

    def forward(self, input: Tensor) -> Tensor:
        weight = nn.functional.batch_norm(
            self.weight.reshape(1, self.out_channels, -1),
            None,
            None,
            weight=(self.gain * self.scale).view(-1),
            training=True,
            momentum=0.0,
            eps=self.eps,
        ).reshape_as(self.weight)
        return self._conv_forward(input, weight, self.bias)
'''

    gamma: float = 1.0
    gain_init: float = 1.0

    def parameters(self, x: Shape) -> dict[str, Dims]:
        found = super().parameters(x)
        return found | {"gain": (self.out_channels, 1, 1, 1)}

    def module(self, x: Shape) -> Call:
        made = super().module(x)
        return Call(
            made.function, made.args, made.kwargs | self.given("gamma", "gain_init")
        )

"""WaveNet, one block of ten layers.

Source: van den Oord et al. 2016, Fig. 3 and 4 and Section 2, arXiv:1609.03499; the
widths are not the paper's, which has none.

Compiled by archc from specs/wavenet.toml.
Digest: sha256 2c45444e9771d377.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "WaveNet",
    "Layer",
]


class Layer(nn.Module):
    """A gated causal convolution: added to its input for the next layer, and projected
    for the sum of all.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        skip_width: int,
        dilation: int,
        last: bool = False,
    ) -> None:
        super().__init__()
        self.last = last
        self.pad = nn.ZeroPad1d((dilation, 0))
        self.filter = nn.Conv1d(in_channels, width, kernel_size=2, dilation=dilation)
        self.tanh = nn.Tanh()
        self.gate = nn.Conv1d(in_channels, width, kernel_size=2, dilation=dilation)
        self.skip = nn.Conv1d(width, skip_width, kernel_size=1)
        if not last:
            self.residual = nn.Conv1d(width, width, kernel_size=1)
        else:
            self.residual = nn.Identity()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x_in = x
        pad = self.pad(x_in)
        x = self.filter(pad)
        tanh = self.tanh(x)
        x = self.gate(pad)
        x = torch.sigmoid(x)
        x = tanh * x
        skip = self.skip(x)
        x = self.residual(x)
        out = x_in
        if not self.last:
            out = out + x
        return out, skip


class WaveNet(nn.Module):
    """WaveNet, one block of ten layers."""

    def __init__(
        self, num_classes: int = 256, width: int = 32, skip_width: int = 256
    ) -> None:
        super().__init__()
        self.start = nn.Conv1d(256, width, kernel_size=1)
        self.layer1 = Layer(width, width, skip_width, dilation=1)
        self.layer2 = Layer(width, width, skip_width, dilation=2)
        self.layer3 = Layer(width, width, skip_width, dilation=4)
        self.layer4 = Layer(width, width, skip_width, dilation=8)
        self.layer5 = Layer(width, width, skip_width, dilation=16)
        self.layer6 = Layer(width, width, skip_width, dilation=32)
        self.layer7 = Layer(width, width, skip_width, dilation=64)
        self.layer8 = Layer(width, width, skip_width, dilation=128)
        self.layer9 = Layer(width, width, skip_width, dilation=256)
        self.layer10 = Layer(width, width, skip_width, dilation=512, last=True)
        self.conv1 = nn.Conv1d(skip_width, skip_width, kernel_size=1)
        self.conv2 = nn.Conv1d(skip_width, num_classes, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.start(x)  # 32 x 4096
        out, skip = self.layer1(x)
        out, skip2 = self.layer2(out)
        out, skip3 = self.layer3(out)
        out, skip4 = self.layer4(out)
        out, skip5 = self.layer5(out)
        out, skip6 = self.layer6(out)
        out, skip7 = self.layer7(out)
        out, skip8 = self.layer8(out)
        out, skip9 = self.layer9(out)
        _, skip10 = self.layer10(out)
        x = (
            skip
            + skip2
            + skip3
            + skip4
            + skip5
            + skip6
            + skip7
            + skip8
            + skip9
            + skip10
        )  # 256 x 4096
        x = F.relu(x, inplace=True)
        x = self.conv1(x)
        x = F.relu(x, inplace=True)
        return self.conv2(x)

"""MLP-Mixer-B/16.

Source: Tolstikhin et al. 2021, Fig. 1 and Table 1, arXiv:2105.01601; timm's
mixer_b16_224.

Compiled by archc from specs/timm/mixer_b16_224.toml.
Digest: sha256 5205d270f2391d66.
"""

from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "MlpMixer",
    "Mlp",
    "MixerBlock",
]


class Transpose(nn.Module):
    """Puts two axes in each other's place."""

    def __init__(self, dim0: int, dim1: int) -> None:
        super().__init__()
        self.dim0 = dim0
        self.dim1 = dim1

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(self.dim0, self.dim1)


class Mlp(nn.Module):
    def __init__(self, in_features: int, hidden_features: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(in_features, hidden_features)
        self.fc2 = nn.Linear(hidden_features, in_features)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x)
        x = F.gelu(x)
        return self.fc2(x)


class MixerBlock(nn.Module):
    """Mixes positions, channel by channel, then channels, position by position."""

    def __init__(self, in_channels: int, num_tokens: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(in_channels, eps=1e-6)
        self.mlp_tokens = Mlp(num_tokens, in_channels // 2)
        self.norm2 = nn.LayerNorm(in_channels, eps=1e-6)
        self.mlp_channels = Mlp(in_channels, in_channels * 4)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.norm1(x)
        x = x.transpose(1, 2)
        x = self.mlp_tokens(x)
        x = x.transpose(1, 2)
        x = x + identity
        identity = x
        x = self.norm2(x)
        x = self.mlp_channels(x)
        return x + identity


class MlpMixer(nn.Module):
    """MLP-Mixer-B/16."""

    def __init__(
        self,
        num_classes: int = 1000,
        depth: int = 12,
        width: int = 768,
        patch_size: int = 16,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            OrderedDict(
                proj=nn.Conv2d(3, width, kernel_size=patch_size, stride=patch_size),
                flatten=nn.Flatten(start_dim=2),  # 768 x 196
                transpose=Transpose(1, 2),  # 196 x 768
            )
        )
        self.blocks = nn.Sequential(*[MixerBlock(width, 196) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 196 x 768
        x = self.blocks(x)
        x = self.norm(x)
        x = x.mean(1)  # 768
        return self.head(x)  # 1000

"""MLP-Mixer-B/16.

Source: Tolstikhin et al. 2021, Fig. 1 and Table 1, arXiv:2105.01601; timm's
mixer_b16_224.

Compiled by archc from specs/timm/mixer_b16_224.toml.
Digest: sha256 8884e8bcf9cda4cb.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "MlpMixer",
    "PatchEmbed",
    "Mlp",
    "MixerBlock",
]


class PatchEmbed(nn.Module):
    """The patches of an image, each as one vector."""

    def __init__(self, in_channels: int, width: int, patch_size: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(
            in_channels, width, kernel_size=patch_size, stride=patch_size
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.proj(x)
        x = torch.flatten(x, 2)
        return x.transpose(1, 2)


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
        self.stem = PatchEmbed(3, width, patch_size)
        self.blocks = nn.Sequential(*[MixerBlock(width, 196) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 196 x 768
        x = self.blocks(x)
        x = self.norm(x)
        x = x.mean(1)  # 768
        return self.head(x)  # 1000

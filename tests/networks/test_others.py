"""Networks of other tasks, and of CIFAR-10: U-Nets, C3D, WaveNet, a siamese network."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archc
from tests.networks import ROOT, carry, macs, params, randomize

# ---- segmentation


def double_conv(channels: int, width: int, padding: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=padding),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=padding),
        nn.ReLU(),
    )


class UNet(nn.Module):
    """Ronneberger et al. 2015, Fig. 1: no padding, finer maps without their border."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        widths = [width * 2**n for n in range(5)]
        pairs = [*zip([1, *widths[:-1]], widths, strict=True)]
        self.down = nn.ModuleList(double_conv(a, b, 0) for a, b in pairs)
        self.up = nn.ModuleList()
        for wide, narrow in zip(widths[:0:-1], widths[-2::-1], strict=True):
            self.up.append(nn.ConvTranspose2d(wide, narrow, 2, stride=2))
            self.up.append(double_conv(wide, narrow, 0))
        self.head = nn.Conv2d(width, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps: list[Tensor] = []
        for down in self.down:
            x = down(F.max_pool2d(x, 2) if maps else x)
            maps.append(x)
        for up, conv, fine in zip(
            self.up[::2], self.up[1::2], maps[-2::-1], strict=True
        ):
            x = up(x)
            border = (fine.shape[-1] - x.shape[-1]) // 2
            x = conv(torch.cat([fine[..., border:-border, border:-border], x], 1))
        return self.head(x)


class NestedUNet(nn.Module):
    """Zhou et al. 2018, Eq. 1: a map joins those of its size and an enlarged one."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        widths = [width * 2**n for n in range(5)]
        pairs = zip([3, *widths[:-1]], widths, strict=True)
        self.encoder = nn.ModuleList(double_conv(a, b, 1) for a, b in pairs)
        self.nodes = nn.ModuleList()
        for j in range(1, 5):
            for w in widths[: 5 - j]:
                self.nodes.append(nn.ConvTranspose2d(w * 2, w, 2, stride=2))
                self.nodes.append(double_conv(w * (j + 1), w, 1))
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        rows: list[list[Tensor]] = []
        for conv in self.encoder:
            x = conv(F.max_pool2d(x, 2) if rows else x)
            rows.append([x])
        nodes = iter(self.nodes)
        for j in range(1, 5):
            for row, below in pairwise(rows[: 6 - j]):
                up = next(nodes)(below[j - 1])
                row.append(next(nodes)(torch.cat([*row[:j], up], 1)))
        return self.head(rows[0][4])


# ---- video, sound, pairs


def c3d(
    widths: Sequence[int] = (64, 128, 256, 512, 512), features: int = 4096
) -> nn.Module:
    """Tran et al. 2015, Fig. 3."""

    def conv(channels: int, width: int) -> list[nn.Module]:
        return [nn.Conv3d(channels, width, 3, padding=1), nn.ReLU()]

    a, b, c, d, e = widths
    return nn.Sequential(
        *conv(3, a), nn.MaxPool3d((1, 2, 2)),
        *conv(a, b), nn.MaxPool3d(2),
        *conv(b, c), *conv(c, c), nn.MaxPool3d(2),
        *conv(c, d), *conv(d, d), nn.MaxPool3d(2),
        *conv(d, e), *conv(e, e), nn.MaxPool3d(2, padding=(0, 1, 1)),
        nn.Flatten(),
        nn.Linear(e * 16, features), nn.ReLU(), nn.Dropout(),
        nn.Linear(features, features), nn.ReLU(), nn.Dropout(),
        nn.Linear(features, 487),
    )  # fmt: skip


class WaveNet(nn.Module):
    """van den Oord et al. 2016, Fig. 4."""

    def __init__(self, width: int = 32, skip_width: int = 256) -> None:
        super().__init__()
        self.start = nn.Conv1d(256, width, 1)
        self.layers = nn.ModuleList()
        for n in range(10):
            convs = [nn.Conv1d(width, width, 2, dilation=2**n) for _ in range(2)]
            skip = nn.Conv1d(width, skip_width, 1)
            residual = [nn.Conv1d(width, width, 1)] if n < 9 else []
            self.layers.append(nn.ModuleList([*convs, skip, *residual]))
        self.conv1 = nn.Conv1d(skip_width, skip_width, 1)
        self.conv2 = nn.Conv1d(skip_width, 256, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.start(x)
        total: Tensor | None = None
        for n, (signal, gate, skip, *residual) in enumerate(self.layers):
            past = F.pad(x, (2**n, 0))
            z = signal(past).tanh() * gate(past).sigmoid()
            total = skip(z) if total is None else total + skip(z)
            if residual:
                x = x + residual[0](z)
        assert total is not None
        return self.conv2(self.conv1(total.relu()).relu())


class Siamese(nn.Module):
    """Koch et al. 2015, Fig. 4."""

    def __init__(self, features: int = 4096) -> None:
        super().__init__()
        self.tower = nn.Sequential(
            nn.Conv2d(1, 64, 10), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 128, 7), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(128, 128, 4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(128, 256, 4), nn.ReLU(), nn.Flatten(),
            nn.Linear(9216, features), nn.Sigmoid(),
        )  # fmt: skip
        self.fc = nn.Linear(features, 1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        distance = (self.tower(first) - self.tower(second)).abs()
        return self.fc(distance).sigmoid()


# ---- CIFAR-10


class WideBlock(nn.Module):
    """Zagoruyko and Komodakis 2016, Fig. 1c."""

    def __init__(self, channels: int, planes: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.projection = (
            nn.Conv2d(channels, planes, 1, stride, bias=False)
            if stride != 1 or channels != planes
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(x).relu()
        shortcut = x if self.projection is None else self.projection(y)
        return self.conv2(self.bn2(self.conv1(y)).relu()) + shortcut


class PyramidBlock(nn.Module):
    """Han et al. 2017, Fig. 6d."""

    def __init__(self, channels: int, planes: int, stride: int) -> None:
        super().__init__()
        self.stride, self.more = stride, planes - channels
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn3(self.conv2(self.bn2(self.conv1(self.bn1(x))).relu()))
        x = F.avg_pool2d(x, 2) if self.stride > 1 else x
        zeros = x.new_zeros(x.shape[0], self.more, *x.shape[2:])
        return y + torch.cat([x, zeros], 1)


def staged(
    block: type[nn.Module], stem: list[nn.Module], widths: list[int], n: int
) -> nn.Module:
    """A network of three stages of n blocks."""
    blocks = [
        block(before, width, 2 if i in (n, 2 * n) else 1)
        for i, (before, width) in enumerate(zip([16, *widths], widths, strict=False))
    ]
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False), *stem, *blocks,
        nn.BatchNorm2d(widths[-1]), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 10),
    )  # fmt: skip


def wide_resnet(n: int = 4, width: int = 10) -> nn.Module:
    widths = [w * width for w in (16, 32, 64) for _ in range(n)]
    return staged(WideBlock, [], widths, n)


def pyramidnet(n: int = 18) -> nn.Module:
    # Han et al. 2017, Eq. 3
    widths = [round(16 + 48 * (i + 1) / (3 * n)) for i in range(3 * n)]
    return staged(PyramidBlock, [nn.BatchNorm2d(16)], widths, n)


# ----


@dataclass(frozen=True)
class Case:
    """A network, and how it is made small enough to be run."""

    key: str
    make: Callable[..., nn.Module]
    shape: Sequence[int]
    small: dict[str, Any] = field(default_factory=dict)


CASES = (
    Case("unet", UNet, (1, 188, 188), {"width": 8}),
    Case("unet_plus_plus", NestedUNet, (3, 32, 48), {"width": 8}),
    Case("c3d", c3d, (3, 16, 112, 112), {"widths": (4, 4, 8, 8, 8), "features": 32}),
    Case("wavenet", WaveNet, (256, 1100), {"width": 8, "skip_width": 16}),
    Case("siamese_net", Siamese, (1, 105, 105), {"features": 64}),
    Case("cifar/wide_resnet28_10", wide_resnet, (3, 32, 32), {"n": 2, "width": 2}),
    Case("cifar/pyramidnet110_a48", pyramidnet, (3, 32, 32), {"n": 3}),
)
PEERS = {case.key for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_counts_are_those_of_the_paper_written_out(case: Case):
    network = archc.load(ROOT / "specs" / f"{case.key}.toml")
    with torch.device("meta"):
        assert network.params == params(case.make())
    if case.key == "siamese_net":  # of two inputs
        tower = macs(lambda: Siamese().tower, (1, 105, 105))
        assert network.macs == 2 * tower + 4096
    else:
        assert network.macs == macs(case.make, network.input_shape)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_outputs_are_equal_to_the_bit(case: Case):
    module = runpy.run_path(str(ROOT / "generated" / f"{case.key}.py"))
    torch.manual_seed(0)
    ours = module[module["__all__"][0]](**case.small)
    theirs = case.make(**case.small)
    randomize(theirs)
    carry(theirs.state_dict(), ours)
    count = 2 if case.key == "siamese_net" else 1
    inputs = [torch.randn(2, *case.shape) for _ in range(count)]
    for training in (False, True):
        results: list[Tensor] = []
        for model in (ours, theirs):
            torch.manual_seed(1)
            with torch.no_grad():
                results.append(model.train(training)(*inputs))
        mine, reference = results
        assert reference.isfinite().all()
        assert not torch.equal(reference[0], reference[1])
        assert torch.equal(mine, reference)

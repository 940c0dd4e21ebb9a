"""GoogLeNet as published, made of torchvision's by undoing what that has changed.

Szegedy et al. 2014, arXiv:1409.4842: Table 1 and Section 5. torchvision's has a 3x3
where 5x5 is printed, a 2x2 pooling behind 4e, an adaptive pooling in the heads and
batch normalization with a larger epsilon everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.googlenet import GoogLeNet, Inception

from tests.networks import generated, hold, outputs_of, params


class Convolution(nn.Module):
    """Rectified, with a bias."""

    def __init__(self, channels: int, width: int, **window: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, **window)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x))


class Normalized(nn.Module):
    """Normalized as Ioffe and Szegedy 2015, with torch's epsilon, and rectified."""

    def __init__(self, channels: int, width: int, **window: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, bias=False, **window)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv(x)))


def published(convolution: Callable[..., nn.Module], *, lrn: bool) -> nn.Module:
    def inception(*widths: int) -> nn.Module:
        module = Inception(*widths, conv_block=convolution)
        reduced, width = widths[4:6]
        module.branch3[1] = convolution(reduced, width, kernel_size=5, padding=2)
        return module

    def head(channels: int, classes: int, **_: Any) -> nn.Module:
        """Section 5, the list of what an auxiliary classifier is made of."""
        return nn.Sequential(
            nn.AvgPool2d(5, stride=3),
            convolution(channels, 128, kernel_size=1),
            nn.Flatten(),
            nn.Linear(4 * 4 * 128, 1024),
            nn.ReLU(),
            nn.Dropout(0.7),
            nn.Linear(1024, classes),
        )

    model = GoogLeNet(
        init_weights=False, dropout=0.4, blocks=[convolution, inception, head]
    )
    if lrn:  # Fig. 3: LocalRespNorm behind the first pooling and before the second
        norm = nn.LocalResponseNorm(5)
        model.maxpool1 = nn.Sequential(model.maxpool1, norm)
        model.maxpool2 = nn.Sequential(norm, model.maxpool2)
    model.maxpool4 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    model.avgpool = nn.AvgPool2d(7, stride=1)
    return HeadsLast(model)


class HeadsLast(nn.Module):
    """Lists the classifier in front of the heads, and the heads from below."""

    def __init__(self, model: GoogLeNet) -> None:
        super().__init__()
        parts = dict(model.named_children())
        heads = [parts.pop("aux1"), parts.pop("aux2")]
        self.parts = nn.ModuleList([*parts.values(), *heads])
        self.heads = outputs_of(model, "aux1", "aux2")
        self.walk = [model]  # a list, that its parameters are not listed once more

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        y = self.walk[0].train(self.training)(x)
        heads = self.heads
        return (y.logits, heads["aux1"], heads["aux2"]) if self.training else y


PEERS: dict[str, Callable[[], nn.Module]] = {
    "googlenet": lambda: published(Convolution, lrn=True),
    "googlenet_bn": lambda: published(Normalized, lrn=False),
}


@pytest.mark.parametrize("name", PEERS)
def test_is_the_network_of_the_paper(name: str):
    # torchvision computes its heads on the way, before the dropout of the classifier
    hold(name, PEERS[name], (3, 224, 224), dropout=False)


@pytest.mark.parametrize("name", PEERS)
def test_drops_as_often_as_the_paper(name: str):
    """Table 1 has 40% in front of the classifier, Section 5 has 70% in the heads."""
    with torch.device("meta"):
        modules = dict(generated(name).named_modules())
    rates = {n: m.p for n, m in modules.items() if isinstance(m, nn.Dropout)}
    assert rates == {"dropout": 0.4, "aux1.dropout": 0.7, "aux2.dropout": 0.7}


@pytest.mark.parametrize(
    ("name", "count"), [("googlenet", 6_998_552), ("googlenet_bn", 7_005_832)]
)
def test_counts_its_parameters_without_heads(name: str, count: int):
    with torch.device("meta"):
        model = generated(name)
    heads = params(model.get_submodule("aux1")) + params(model.get_submodule("aux2"))
    assert params(model) - heads == count


def test_normalized_edition_has_one_normalization_behind_each_convolution():
    with torch.device("meta"):
        modules = [*generated("googlenet_bn").modules()]
    convolutions = [m for m in modules if isinstance(m, nn.Conv2d)]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in modules) == len(convolutions)
    assert len(convolutions) == 57 + 2
    assert all(c.bias is None for c in convolutions)
    assert not any(isinstance(m, nn.LocalResponseNorm) for m in modules)
    sizes = [c.kernel_size for c in convolutions]
    assert sizes.count((5, 5)) == 9  # one in each module

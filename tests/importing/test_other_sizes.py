"""Specs of networks compute the same for inputs of other sizes than they were traced
with."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archc.importing.writing.compiled import compiled
from archc.run.importing.session import import_network


class Boxes(nn.Module):
    """Four numbers at each place of maps of several sizes, in one list."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3, 12, 3, 2**n, 1) for n in range(3))

    def forward(self, x: Tensor) -> Tensor:
        found: list[Tensor] = []
        for conv in self.convs:
            y = conv(x)
            samples, _, height, width = y.shape
            y = y.view(samples, 3, 4, height, width).permute(0, 3, 4, 1, 2)
            found.append(y.reshape(samples, -1, 4))
        return torch.cat(found, 1)


class Groups(nn.Module):
    """More channels than the sequence is long."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(3, 16, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        one, other = self.conv(x).unsqueeze(1).chunk(2, dim=2)
        return torch.stack([one, other], 1).flatten(1, 2).sum(1)


class Whole(nn.Module):
    """Poolings of all of a map, whatever its size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = x * F.max_pool2d(x, x.shape[2:]).sigmoid()
        return x * x.amax(1).unsqueeze(1)


class Aligned(nn.Module):
    """What is up is resized to what is left, which changes nothing for even sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Conv2d(3, 8, 3, padding=1)
        self.down = nn.Conv2d(8, 8, 3, 2, 1)
        self.up = nn.Upsample(scale_factor=2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.left(x)
        y = self.up(self.down(x))
        return x + F.interpolate(y, size=x.shape[2:], mode="bilinear")


class Does(nn.Module):
    """A convolution, and a function of its map."""

    def __init__(self, does: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self.does = does

    def forward(self, x: Tensor) -> Tensor:
        return self.does(self.conv(x))


def _selected(x: Tensor) -> Tensor:
    # as two kernels are weighed in selective kernels
    both = torch.cat([x.unsqueeze(1), x.relu().unsqueeze_(1)], dim=1)
    both = torch.cat([both, x.exp().unsqueeze(1)], 1)
    return (both * both.mean((3, 4), keepdim=True).softmax(1)).sum(1)


def _averaged(x: Tensor) -> Tensor:
    height, width = x.shape[2:]
    return x * (x.sum(dim=(2, 3), keepdim=True) / (height * width))


def _one_by_one(x: Tensor) -> Tensor:
    return torch.cat([x[:, n].unsqueeze(1) * (n + 2) for n in range(8)], 1)


def _apart(x: Tensor) -> Tensor:
    x = x.unsqueeze(2).unsqueeze(-1)
    return x.squeeze(2).sum(-1) + x.squeeze(-1).mean(2)


def _over_the_map(x: Tensor) -> Tensor:
    # as ParseNet and conditional networks do
    height, width = x.shape[2:]
    mean = x.mean((2, 3), keepdim=True)
    return torch.cat(
        [x, mean.expand(-1, -1, height, width), mean.repeat(1, 2, height, width)], 1
    )


class Steps(nn.Module):
    """A function of a sequence."""

    def __init__(self, does: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv1d(3, 8, 3, padding=1)
        self.does = does

    def forward(self, x: Tensor) -> Tensor:
        return self.does(self.conv(x))


def _shortened(x: Tensor) -> Tensor:
    shorter = F.avg_pool1d(x, 3, 1)
    return shorter + x[:, :, -shorter.size(2) :]


_STEPS: list[Callable[[Tensor], Tensor]] = [
    lambda x: x[:, :, -1],
    lambda x: x[..., -3:],
    lambda x: x.select(2, -1),
    lambda x: x[:, -2:, -1],
    lambda x: x[:, None, :, -1],
    lambda x: x.permute(0, 2, 1)[:, -1],
    lambda x: x.narrow(2, -2, 2),
    lambda x: x[:, :, 0],
    lambda x: x[:, :, 1:3],
    lambda x: x[:, :, 1:-1],
    _shortened,
]


@pytest.mark.parametrize(
    ("module", "shape", "other"),
    [
        (Aligned(), (3, 8, 8), (3, 9, 6)),
        (Does(_selected), (3, 8, 8), (3, 9, 6)),
        (Does(_averaged), (3, 8, 8), (3, 9, 6)),
        (Does(lambda x: F.interpolate(x, size=(8, 8))), (3, 8, 8), (3, 9, 6)),
        (Does(lambda x: x[:, 3] * x[:, 2].exp()), (3, 8, 8), (3, 9, 6)),
        (Does(_one_by_one), (3, 8, 8), (3, 9, 6)),
        (Does(_apart), (3, 8, 8), (3, 9, 6)),
        (Does(_over_the_map), (3, 8, 8), (3, 9, 6)),
        *((Steps(does), (3, 12), (3, 19)) for does in _STEPS),
        (Boxes(), (3, 4, 4), (3, 12, 8)),
        (Groups(), (3, 5), (3, 9)),
        (Whole(), (3, 4, 6), (3, 5, 7)),
    ],
)
def test_other_sizes(
    module: nn.Module, shape: tuple[int, ...], other: tuple[int, ...]
) -> None:
    result = import_network(module, "net", {"x": shape})
    assert result.passed, (result.refused, result.proof)
    assert result.proof.outputs == "equal"
    assert not result.remarks
    space: dict[str, type[nn.Module]] = {}
    exec(compiled(tomllib.loads(result.text), "net").source, space)
    made = space[type(module).__name__]()
    made.load_state_dict(module.state_dict())
    for sizes in (shape, other):
        given = torch.randn(2, *sizes)
        assert torch.equal(made.eval()(given), module.eval()(given))


def _halved(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2) if x.shape[2] > 16 else x


def _parted(x: Tensor) -> Tensor:
    # as the two directions are parted in coordinate attention
    both = torch.cat([x.mean(3, keepdim=True), x.mean(2, keepdim=True).mT], 2)
    first, second = both.split([x.shape[2], x.shape[3]], dim=2)
    return first * second.mT


_BOUND: list[tuple[Callable[[Tensor], Tensor], str]] = [
    (_halved, "some sizes alone: at 3x17x19, `torch.nn.functional.max_pool2d` is"),
    (_parted, "this size alone: at 3x16x16, `torch.Tensor.split` works with other"),
    (
        lambda x: x.sigmoid().flatten(1).view(-1, 512),
        "this size alone: at 3x16x16, it lays samples",
    ),
    (lambda x: F.pad(x, [0, -x.size(3) % 8]), "some sizes alone: at 3x17x19"),
    (lambda x: x.narrow(3, 1, x.size(3) // 4), "this size alone: at 3x16x16"),
]


@pytest.mark.parametrize(("does", "said"), _BOUND)
def test_a_spec_says_for_which_sizes_it_holds(
    does: Callable[[Tensor], Tensor], said: str
) -> None:
    result = import_network(Does(does), "net", {"x": (3, 8, 8)})
    assert result.passed, (result.refused, result.proof)
    (remark,) = result.remarks
    assert said in remark
    assert f"({__file__}:" in remark
    text = " ".join(result.text.replace("\n# ", " ").split())
    assert f"[network] {remark.partition(' (')[0]} input = [3, 8, 8]" in text


def test_nothing_is_said_where_others_are_not_taken() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 36, 4))
    assert not import_network(net, "net", {"x": (3, 8, 8)}).remarks

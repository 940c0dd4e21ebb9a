"""Specs of networks compute the same for inputs of other sizes than they were traced
with."""

from __future__ import annotations

import tomllib

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


@pytest.mark.parametrize(
    ("module", "shape", "other"),
    [
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
    space: dict[str, type[nn.Module]] = {}
    exec(compiled(tomllib.loads(result.text), "net").source, space)
    made = space[type(module).__name__]()
    made.load_state_dict(module.state_dict())
    for sizes in (shape, other):
        given = torch.randn(2, *sizes)
        assert torch.equal(made.eval()(given), module.eval()(given))

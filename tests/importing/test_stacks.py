"""Values that are stacked before the batch."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F
from torch import Tensor

from archc.importing.writing.compiled import compiled
from archc.run.importing.session import import_network
from tests.importing.test_functions import Net


def _selected(x: Tensor) -> Tensor:
    # as two kernels are weighed in selective kernels
    maps = [x.relu(), x.tanh()]
    weights = torch.stack([m.mean((2, 3), keepdim=True) for m in maps], 0)
    return (F.softmax(weights, dim=0) * torch.stack(maps, 0)).sum(0)


def _kept(x: Tensor) -> Tensor:
    both = torch.stack([x.tanh(), x.exp()]).softmax(0).mean(0, keepdim=True)
    return both.transpose(0, 1).flatten(1, 2)


_STACKED: list[tuple[Callable[[Tensor], Tensor], list[str]]] = [
    (_selected, ["softmax", "mul", "sum"]),
    (lambda x: torch.stack([x, x.exp()], 0).transpose(0, 1).flatten(1, 2), ["concat"]),
    (lambda x: torch.stack([x, x.exp()]).permute(1, 0, 2, 3, 4).amax(1), ["amax"]),
    (lambda x: torch.stack([x, x.exp()]).softmax(0).mean(0), ["softmax", "mean"]),
]


@pytest.mark.parametrize(("does", "ops"), _STACKED)
def test_the_axis_is_behind_the_batch(
    does: Callable[[Tensor], Tensor], ops: list[str]
) -> None:
    net = Net(does)
    result = import_network(net, "net", {"x": (3, 8, 8)})
    assert result.passed, (result.refused, result.proof)
    assert not result.remarks
    assert all(f'"{op}"' in result.text for op in ops)
    space: dict[str, type[Net]] = {}
    exec(compiled(tomllib.loads(result.text), "net").source, space)
    made = space["Net"]().eval()  # pyright: ignore[reportCallIssue]
    made.load_state_dict(net.state_dict())
    given = torch.randn(2, 3, 9, 6)
    torch.testing.assert_close(made(given), net.eval()(given))


@pytest.mark.parametrize(
    "does",
    [
        lambda x: torch.stack([x, x.exp()]).softmax(2).sum(0),
        lambda x: torch.stack([x, x.exp()]).transpose(0, 2).sum(0),
        lambda x: (torch.stack([x, x.exp()]) * x).sum(0),
        lambda x: torch.stack([x, x.exp()]).sum(1),
        lambda x: torch.stack([x, x.exp()]).softmax(0).flatten(0, 1),
        _kept,
    ],
)
def test_along_other_axes_samples_are_joined(does: Callable[[Tensor], Tensor]) -> None:
    (refusal,) = import_network(Net(does), "net", {"x": (3, 8, 8)}).refused
    assert refusal.line

"""Networks whose keys stand in lists, held to timm's, where it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archc import load

HERE = Path(__file__).with_name("timm")


def _built(name: str) -> nn.Module:
    return load(HERE / f"{name}.toml").module().eval()


def _randomised(module: nn.Module) -> nn.Module:
    """Norms with statistics of their own; those that they start with hide a slip."""
    generator = torch.Generator().manual_seed(0)
    for value in module.state_dict().values():
        if value.is_floating_point() and value.dim() <= 1:
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    return module.eval()


@pytest.fixture(scope="module")
def timm() -> Any:
    return pytest.importorskip("timm")


@torch.no_grad()
def test_res2net_fills_two_lists_in_turn(timm: Any) -> None:
    theirs = _randomised(timm.create_model("res2net50_26w_4s"))
    ours = _built("res2net50_26w_4s")
    ours.load_state_dict(theirs.state_dict(), strict=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    x = torch.randn(2, 3, 96, 96)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.train()(x), theirs.train()(x))


@torch.no_grad()
def test_hrnet_has_lists_in_lists(timm: Any) -> None:
    network = _randomised(timm.create_model("hrnet_w18_small"))
    theirs: Any = network.get_submodule("stage3.0")
    ours = _built("hrnet_module")
    state = theirs.state_dict(prefix="stage3.0.")
    ours.load_state_dict(state, strict=True)
    assert list(ours.state_dict()) == list(state)
    given = [torch.randn(2, 16 * 2**n, 32 // 2**n, 32 // 2**n) for n in range(3)]
    found: tuple[Tensor, ...] = ours(*given)
    # it writes to the list that it is given
    for one, other in zip(found, theirs(list(given)), strict=True):
        assert torch.equal(one, other)

"""timm is the oracle of the networks that have its keys."""

from __future__ import annotations

import pytest
import timm
import torch

import archc
from tests.networks import ROOT, editions, generated, macs, params, randomize
from tests.networks.conftest import one_thread  # noqa: F401

NAMES = sorted(editions("timm"))


def pair(name: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Both networks with timm's state, each tensor with values of its own."""
    torch.manual_seed(1)
    with torch.device("meta"):  # no time for initialisations that are overwritten
        ours = generated(f"timm/{name}")
    theirs = timm.create_model(name)
    randomize(theirs)
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    return ours, theirs


def loaded(name: str) -> archc.Network:
    return archc.load(ROOT / "specs" / "timm" / f"{name}.toml")


@pytest.mark.parametrize("name", NAMES)
def test_takes_timms_weights_with_logits_equal_to_the_bit(name: str):
    ours, theirs = pair(name)
    x = torch.randn(1, *loaded(name).input_shape)
    with torch.no_grad():
        mine, reference = ours.eval()(x), theirs.eval()(x)
    assert reference.isfinite().all()
    assert reference.std() > 0
    assert torch.equal(mine, reference)


@pytest.mark.parametrize("name", NAMES)
def test_trains_as_timms_does(name: str):
    results: list[tuple[torch.Tensor, ...]] = []
    for model in pair(name):
        torch.manual_seed(1)
        x = torch.randn(2, 3, 96, 96).requires_grad_()
        y = model.requires_grad_(False).train()(x)
        results.append((y.detach(), *torch.autograd.grad(y.square().sum(), x)))
    (mine, gradient), (reference, expected) = results
    assert torch.equal(mine, reference)
    # where paths meet, gradients may be summed in another order
    scale = expected.abs().max()
    torch.testing.assert_close(gradient / scale, expected / scale, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_counts_agree(name: str):
    network = loaded(name)
    assert network.params == params(timm.create_model(name))
    assert network.macs == macs(lambda: timm.create_model(name), network.input_shape)

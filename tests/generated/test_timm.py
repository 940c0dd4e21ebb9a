"""timm is the oracle of the networks that have its keys."""

from __future__ import annotations

import pytest
import timm
import torch

import archc
from tests.networks import ROOT, editions, generated, macs, params, randomize
from tests.networks.conftest import one_thread  # noqa: F401

NAMES = sorted(editions("timm"))
LARGER = {"inception_v4": 160, "inception_resnet_v2": 160, "mixer_b16_224": 224}
"""Which are not for maps of the size at which the others are trained."""


def peer(name: str) -> torch.nn.Module:
    return timm.create_model("legacy_xception" if name == "xception" else name)


def loaded(name: str) -> archc.Network:
    return archc.load(ROOT / "specs" / "timm" / f"{name}.toml")


@pytest.fixture(scope="module", params=NAMES)
def pair(
    request: pytest.FixtureRequest,
) -> tuple[str, torch.nn.Module, torch.nn.Module]:
    """A name, and both networks with timm's state, each tensor with its own values."""
    name: str = request.param
    torch.manual_seed(1)
    with torch.device("meta"):  # no time for initialisations that are overwritten
        ours, theirs = generated(f"timm/{name}"), peer(name)
    theirs.to_empty(device="cpu")
    randomize(theirs)
    # buffers are written to in training, and are not to be one
    ours.to_empty(device="cpu").load_state_dict(theirs.state_dict(), strict=True)
    return name, ours, theirs


def test_takes_timms_weights_with_logits_equal_to_the_bit(
    pair: tuple[str, torch.nn.Module, torch.nn.Module],
):
    name, ours, theirs = pair
    x = torch.randn(1, *loaded(name).input_shape)
    with torch.no_grad():
        mine, reference = ours.eval()(x), theirs.eval()(x)
    assert reference.isfinite().all()
    assert reference.std() > 0
    assert torch.equal(mine, reference)


def test_trains_as_timms_does(pair: tuple[str, torch.nn.Module, torch.nn.Module]):
    name, *models = pair
    size = LARGER.get(name, 96)
    results: list[tuple[torch.Tensor, ...]] = []
    for model in models:
        torch.manual_seed(1)
        x = torch.randn(2, 3, size, size).requires_grad_()
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
    with torch.device("meta"):
        assert network.params == params(peer(name))
    assert network.macs == macs(lambda: peer(name), network.input_shape)

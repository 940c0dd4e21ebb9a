"""torchvision is the oracle of its own editions: names, weights, logits, counts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision

import archc
from tests.generated.test_segmentation import PEERS
from tests.networks import (
    ROOT,
    editions,
    generated,
    macs,
    outputs_of,
    params,
    randomize,
)
from tests.networks.conftest import one_thread  # noqa: F401

NAMES = sorted(editions("torchvision") - PEERS.keys())
HEADS_TOO = {"inception_v3"}
"""Of whose published parameters those of the auxiliary heads are part."""
TRAINED = {
    "alexnet": (3, 64, 64),
    "convnext_tiny": (3, 64, 64),
    "densenet121": (3, 64, 64),
    "efficientnet_b0": (3, 64, 64),
    "inception_v3": (3, 299, 299),
    "mnasnet0_5": (3, 64, 64),
    "mobilenet_v2": (3, 64, 64),
    "mobilenet_v3_small": (3, 64, 64),
    "r2plus1d_18": (3, 8, 32, 32),
    "r3d_18": (3, 8, 32, 32),
    "regnet_y_400mf": (3, 64, 64),
    "resnet18": (3, 64, 64),
    "shufflenet_v2_x0_5": (3, 64, 64),
    "squeezenet1_0": (3, 64, 64),
    "vgg11_bn": (3, 64, 64),
}
"""One of each family, and what it is trained on here."""


def peer(name: str) -> torch.nn.Module:
    arguments: dict[str, Any] = {"weights": None}
    if name == "googlenet":
        arguments["aux_logits"] = True
    if name.startswith(("googlenet", "inception", "vgg")):
        # a slow initialisation that is not needed here
        arguments["init_weights"] = False
    make = torchvision.models.get_model_builder(name)
    if name.startswith("regnet"):
        with torch.device("cpu"):  # its widths are computed in tensors
            return make(**arguments).to("meta")
    return make(**arguments)


def pair(name: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Both networks with torchvision's state, each tensor with values of its own."""
    torch.manual_seed(1)
    with torch.device("meta"):  # no time for initialisations that are overwritten
        ours, theirs = generated(f"torchvision/{name}"), peer(name)
    theirs.to_empty(device="cpu")
    randomize(theirs)
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    return ours, theirs


def loaded(name: str) -> archc.Network:
    return archc.load(ROOT / "specs" / "torchvision" / f"{name}.toml")


def published(name: str) -> dict[str, Any]:
    """What torchvision says of its first weights."""
    return next(iter(torchvision.models.get_model_weights(name))).meta


@pytest.mark.parametrize("name", NAMES)
def test_takes_torchvision_weights_with_logits_equal_to_the_bit(name: str):
    ours, theirs = pair(name)
    x = torch.randn(1, *loaded(name).input_shape)
    with torch.no_grad():
        mine, reference = ours.eval()(x), theirs.eval()(x)
    assert reference.isfinite().all()
    assert reference.std() > 0
    assert torch.equal(mine, reference)


@pytest.mark.parametrize("name", NAMES)
def test_counts_agree_with_the_published_ones(name: str):
    network, meta = loaded(name), published(name)
    params = network.params_with_heads if name in HEADS_TOO else network.params
    assert params == meta["num_params"]
    # torchvision prints GFLOPS, fused multiply-adds counted once, with three decimals
    assert round(network.macs / 1e9, 3) == meta["_ops"]


@pytest.mark.parametrize("name", NAMES)
def test_macs_agree_with_torchs_counter_exactly(name: str):
    network = loaded(name)
    assert network.macs == macs(lambda: peer(name), network.input_shape)


@pytest.mark.parametrize("name", TRAINED)
def test_trains_as_torchvisions_does(name: str):
    """Dropout, stochastic depth, batch statistics, heads and gradients."""
    results: list[tuple[torch.Tensor, ...]] = []
    for model in pair(name):
        torch.manual_seed(1)
        x = torch.randn(2, *TRAINED[name]).requires_grad_()
        y = model.requires_grad_(False).train()(x)
        y = torch.cat(y, dim=1) if isinstance(y, tuple) else y
        results.append((y.detach(), *torch.autograd.grad(y.square().sum(), x)))
    (mine, gradient), (reference, expected) = results
    assert torch.equal(mine, reference)
    # where paths meet, gradients may be summed in another order
    scale = expected.abs().max()
    torch.testing.assert_close(gradient / scale, expected / scale, rtol=0, atol=1e-5)


def test_no_network_up_to_densenet_is_missing():
    families = ("alexnet", "vgg", "googlenet", "resnet", "resnext", "densenet")
    models = torchvision.models.list_models(module=torchvision.models)
    assert {n for n in models if n.startswith(families)} <= {*NAMES}
    assert "wide_resnet50_2" in NAMES


def test_googlenet_heads_train_as_torchvisions_do():
    ours, theirs = pair("googlenet")
    assert params(ours) == 13_004_888
    for module in (*ours.modules(), *theirs.modules()):
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0  # two models draw different masks
    heads = outputs_of(theirs, "aux1", "aux2")
    x = torch.randn(2, 3, 224, 224)
    mine, reference = ours.train()(x), theirs.train()(x)
    assert mine._fields == ("logits", "aux1", "aux2")
    assert torch.equal(mine.logits, reference.logits)
    assert torch.equal(mine.aux1, heads["aux1"])
    assert torch.equal(mine.aux2, heads["aux2"])

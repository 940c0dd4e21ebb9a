"""torchvision is the oracle of its own editions: names, weights, logits, counts."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch.utils.flop_counter import FlopCounterMode

import archc

ROOT = Path(__file__).parents[2]
NAMES = sorted(p.stem for p in (ROOT / "specs" / "torchvision").glob("*.toml"))


def generated(name: str) -> torch.nn.Module:
    """The network of the committed file, built without arguments."""
    path = ROOT / "generated" / "torchvision" / f"{name}.py"
    module = runpy.run_path(str(path))
    network = module[module["__all__"][0]]()
    assert isinstance(network, torch.nn.Module)
    return network


def peer(name: str) -> torch.nn.Module:
    arguments: dict[str, Any] = {"weights": None}
    if name == "googlenet":
        # its slow truncated-normal initialisation is not needed here
        arguments |= {"aux_logits": True, "init_weights": False}
    return getattr(torchvision.models, name)(**arguments)


def published(name: str) -> dict[str, Any]:
    weights = torchvision.models.get_model_weights(name)
    return next(w for w in weights if w.name == "IMAGENET1K_V1").meta


@pytest.mark.parametrize("name", NAMES)
def test_takes_torchvision_weights_with_logits_equal_to_the_bit(name: str):
    torch.manual_seed(1)
    ours, theirs = generated(name).eval(), peer(name).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(ours(x), theirs(x))


@pytest.mark.parametrize("name", NAMES)
def test_counts_agree_with_the_published_ones(name: str):
    network = archc.load(ROOT / "specs" / "torchvision" / f"{name}.toml")
    meta = published(name)
    assert network.params == meta["num_params"]
    # torchvision prints GFLOPS, fused multiply-adds counted once, with three decimals
    assert round(network.macs / 1e9, 3) == meta["_ops"]


@pytest.mark.parametrize("name", NAMES)
def test_macs_agree_with_torchs_counter_exactly(name: str):
    with torch.device("meta"):
        theirs = peer(name).eval()
        x = torch.empty(1, 3, 224, 224)
    with FlopCounterMode(display=False) as counter:
        theirs(x)
    network = archc.load(ROOT / "specs" / "torchvision" / f"{name}.toml")
    # the counter counts a multiplication and an addition as two
    assert 2 * network.macs == counter.get_total_flops()


def test_googlenet_heads_train_as_torchvisions_do():
    torch.manual_seed(1)
    ours, theirs = generated("googlenet").train(), peer("googlenet").train()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    for module in (*ours.modules(), *theirs.modules()):
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0  # two models draw different masks
    x = torch.randn(2, 3, 224, 224)
    mine, reference = ours(x), theirs(x)
    assert mine._fields == ("logits", "aux1", "aux2")
    assert torch.equal(mine.logits, reference.logits)
    # torchvision lists its heads the other way round
    assert torch.equal(mine.aux1, reference.aux_logits1)
    assert torch.equal(mine.aux2, reference.aux_logits2)

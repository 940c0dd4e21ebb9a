"""torchvision's networks that give maps: segmentation, and a detector's backbone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torchvision.models import segmentation
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

import archc
from tests.networks import ROOT, generated, macs, params, randomize
from tests.networks.conftest import one_thread  # noqa: F401

PEERS: dict[str, Callable[[], nn.Module]] = {
    "fcn_resnet50": lambda: segmentation.fcn_resnet50(
        weights_backbone=None, aux_loss=True
    ),
    "deeplabv3_resnet50": lambda: segmentation.deeplabv3_resnet50(
        weights_backbone=None, aux_loss=True
    ),
    "resnet50_fpn": lambda: resnet_fpn_backbone(
        backbone_name="resnet50", weights=None, norm_layer=nn.BatchNorm2d
    ),
}


@pytest.mark.parametrize("name", PEERS)
def test_maps_are_equal_to_the_bit_whatever_the_size(name: str):
    """Dropout included; one size is odd, so that maps are no multiples of others."""
    with torch.device("meta"):  # no time for initialisations that are overwritten
        ours, theirs = generated(f"torchvision/{name}"), PEERS[name]()
    torch.manual_seed(1)
    theirs.to_empty(device="cpu")
    randomize(theirs)
    ours.to_empty(device="cpu").load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 3, 101, 64)
    for training in (False, True):
        torch.manual_seed(1)
        with torch.no_grad():
            mine = ours.train(training)(x)
        torch.manual_seed(1)
        with torch.no_grad():
            reference = theirs.train(training)(x)
        assert len(mine) == len(reference)
        for map_, expected in zip(mine, reference.values(), strict=True):
            assert expected.isfinite().all()
            assert expected.std() > 0
            assert torch.equal(map_, expected)


@pytest.mark.parametrize("name", PEERS)
def test_counts_agree(name: str):
    network = archc.load(ROOT / "specs" / "torchvision" / f"{name}.toml")
    with torch.device("meta"):
        assert network.params == params(PEERS[name]())
    assert network.macs == macs(PEERS[name], network.input_shape)

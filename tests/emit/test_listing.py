"""The lines of a layer are those in which it is called and built."""

from __future__ import annotations

from pathlib import Path

import pytest

from archc.diagnostics.model import Sink
from archc.emit.listing import listing
from archc.emit.module import emit
from archc.ops.reshape.identity import Identity
from archc.pipeline import analyse
from archc.spec.load import Loader

SPECS = Path(__file__).parents[2] / "specs"
NAMES = (
    "googlenet", "resnet152", "densenet121", "unet_plus_plus", "siamese_net", "wavenet",
    "torchvision/convnext_tiny", "torchvision/shufflenet_v2_x1_0", "timm/dla34",
    "timm/hrnet_w18_small", "timm/res2net50_26w_4s",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_has_its_lines(name: str) -> None:
    sink = Sink()
    analysis = analyse(SPECS / f"{name}.toml", Loader(sink), sink)
    assert analysis is not None
    network = analysis.network
    found = listing(network)
    assert found.source == emit(network)
    text = found.source.split("\n")
    for layer, (called, built) in found.layers.items():
        assert called or isinstance(layer.op, Identity), layer.path
        if not layer.parameters() or layer.op.bare_parameter:
            continue
        first, last = built[0]
        wanted = layer.op.module(layer.input_shape()).function
        assert wanted in "\n".join(text[first - 1 : last]), layer.path

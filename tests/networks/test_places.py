"""Networks on several devices: AlexNet's towers (Krizhevsky et al. 2012, Fig. 2)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from archc.diagnostics.model import Sink
from archc.emit.execution import execution
from archc.measure.memory import footprint
from archc.pipeline import analyse
from archc.spec.load import Loader
from tests.networks import generated

SPEC = Path("specs/alexnet_two_gpus.toml")
TOWERS = ("top", "bottom")
PEERS = ("alexnet_two_gpus",)


def laid_out(grouped: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of the grouped edition as the two towers have them."""
    found: dict[str, Tensor] = {}
    for kind in ("weight", "bias"):
        for number, tower in enumerate(TOWERS):
            for name in ("conv1", "conv2"):
                half = grouped[f"{name}.{kind}"].chunk(2)[number]
                found[f"{tower}.{name}.{kind}"] = half
            for name in ("conv3", "conv4", "conv5"):
                half = grouped[f"{name}.{kind}"].chunk(2)[number]
                found[f"{tower}_high.{name}.{kind}"] = half
            for name in ("fc6", "fc7"):
                half = grouped[f"{name}.{kind}"].chunk(2)[number]
                found[f"{tower}_{name}.fc.{kind}"] = half
        found[f"fc8.{kind}"] = grouped[f"fc8.{kind}"]
    return found


def apart(norm: nn.Module) -> nn.Module:
    """Response normalisation over the maps of one GPU, as the towers have it."""

    class Halves(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([norm(half) for half in x.chunk(2, dim=1)], dim=1)

    return Halves()


def test_two_towers_are_the_grouped_edition() -> None:
    torch.manual_seed(0)
    grouped = generated("alexnet").eval()
    for name in ("conv1", "conv2"):  # a signal that is not lost on the way
        nn.init.kaiming_normal_(grouped.get_submodule(name).weight)
    for name in ("norm1", "norm2"):
        setattr(grouped, name, apart(grouped.get_submodule(name)))
    towers = generated("alexnet_two_gpus").eval()
    state = laid_out(grouped.state_dict())
    towers.load_state_dict(state, strict=True)
    devices = {"gpu0": "cpu", "gpu1": torch.device("cpu", 0)}
    placed = type(towers)(devices=devices).eval()
    placed.load_state_dict(state, strict=True)
    x = torch.randn(2, 3, 227, 227)
    with torch.no_grad():
        wanted = grouped(x)
        # sums over half as many channels at a time round otherwise
        torch.testing.assert_close(towers(x), wanted, rtol=1e-4, atol=1e-6)
        assert torch.equal(placed(x), towers(x))


def test_parts_are_put_where_the_spec_says() -> None:
    kind = type(generated("alexnet_two_gpus"))
    model = kind(devices={"gpu0": "cpu", "gpu1": "meta"})
    for name, parameter in model.named_parameters():
        on = "meta" if name.startswith("bottom") else "cpu"
        assert parameter.device.type == on, name


def test_each_place_has_its_part_of_the_memory() -> None:
    sink = Sink()
    analysis = analyse(SPEC, Loader(sink), sink)
    assert analysis is not None
    network = analysis.network
    memory = footprint(network, execution(network), device="cpu").at(16)
    assert [at.place for at in memory.places] == ["gpu0", "gpu1"]
    # conv1 to conv5 and the halves of fc6 and fc7 of a tower, and fc8 beside the first
    convs = 48 * (3 * 11 * 11 + 1) + 128 * (48 * 25 + 1)
    convs += 192 * (256 * 9 + 1) + 192 * (192 * 9 + 1) + 128 * (192 * 9 + 1)
    tower = convs + 2048 * (9216 + 1) + 2048 * (4096 + 1)
    assert [at.parameters // 4 for at in memory.places] == [
        tower + 1000 * 4097,
        tower,
    ]
    for at in memory.places:
        # either holds less than one device with all of it would
        assert at.parameters < at.peak.total < memory.peak.total
    assert sum(at.peak.total for at in memory.places) > memory.peak.total

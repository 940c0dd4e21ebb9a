"""Networks on several devices: AlexNet's towers (Krizhevsky et al. 2012, Fig. 2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archc.diagnostics.model import Sink
from archc.emit.execution import execution
from archc.measure.memory import footprint
from archc.network.places import places
from archc.pipeline import analyse
from archc.spec.load import Loader
from tests.emit.live import compiled
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


@pytest.mark.parametrize("case", ["places_inside", "places_by_number"])
def test_each_parameter_is_put_where_its_layer_lives(case: str) -> None:
    analysis, source = compiled(Path(f"tests/emit/cases/{case}.toml"))
    module: dict[str, Any] = {"__name__": case}
    exec(source, module)
    made = module[module["__all__"][0]](devices={"gpu0": "cpu", "gpu1": "meta"})
    wanted = {layer.path: place for layer, place in places(analysis.network).items()}
    found = {name: p.device.type for name, p in made.named_parameters()}
    assert {"cpu", "meta"} == set(found.values())
    for name, on in found.items():
        # a parameter of its own has the path of its layer
        path = name if name in wanted else name.rpartition(".")[0]
        assert on == {"gpu0": "cpu", "gpu1": "meta"}[wanted[path]], name


def test_what_moves_a_value_changes_nothing_on_one_device() -> None:
    _, source = compiled(Path("tests/emit/cases/places_inside.toml"))
    module: dict[str, Any] = {"__name__": "places_inside"}
    exec(source, module)
    plain = module["PlacesInside"]().eval()
    placed = module["PlacesInside"](devices={"gpu0": "cpu", "gpu1": "cpu"}).eval()
    placed.load_state_dict(plain.state_dict(), strict=True)
    torch.manual_seed(0)
    given = torch.randn(2, 3, 8, 8), torch.randn(2, 8, 8, 8)
    with torch.no_grad():
        assert torch.equal(plain(*given), placed(*given))

"""Loops of a network are repetitions of its spec, whatever their turns read."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

pytest.importorskip("torch")

import torch.nn.functional as F
from torch import Tensor, nn

from archc.run.importing.session import import_network


def _spec(module: nn.Module, **inputs: tuple[int, ...]) -> dict[str, Any]:
    result = import_network(module, "net", inputs or {"x": (8, 8, 8)})
    assert result.passed, (result.refused, result.proof)
    assert result.proof.outputs == result.proof.training == "equal"
    return tomllib.loads(result.text)


class Recursive(nn.Module):
    """One unit, applied to its own output and what it began with, as in DRRN."""

    def __init__(self, turns: int) -> None:
        super().__init__()
        self.turns = turns
        self.stem = nn.Conv2d(8, 8, 1)
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        first = x = self.stem(x)
        for _ in range(self.turns):
            x = self.conv(x).relu() + first
        return x


_APPLIED = [{"op": "relu"}, {"from": ["prev", "stem"], "op": "add"}]


def test_a_recursion_is_a_repetition() -> None:
    _, *layers = _spec(Recursive(5))["network"]["layers"]
    first, *rest, last = layers
    assert first["name"] == "conv"
    assert rest == _APPLIED
    assert last == {"repeat": 4, "layers": [{"share": "conv"}, *_APPLIED]}


def test_two_turns_of_a_recursion_are_skips() -> None:
    _, skip = _spec(Recursive(2))["network"]["layers"]
    assert [node.get("skip") for node in (skip, skip["layers"][0])] == ["add"] * 2


class Styled(nn.Module):
    """Two lists of modules, one of which reads something else too in every turn."""

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.style = nn.InstanceNorm2d(8), nn.Linear(8, 8)

        def forward(self, x: Tensor, style: Tensor) -> Tensor:
            return self.norm(x) * self.style(style)[..., None, None]

    def __init__(self) -> None:
        super().__init__()
        self.mapping, self.stem = nn.Linear(8, 8), nn.Conv2d(8, 8, 1)
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(4))
        self.scaled = nn.ModuleList(self.Scaled() for _ in range(4))

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        style, x = self.mapping(z), self.stem(x)
        for conv, scaled in zip(self.convs, self.scaled, strict=True):
            x = F.leaky_relu(scaled(conv(x), style), 0.2)
        return x


def test_what_each_turn_reads_from_before_them_all_is_read_in_a_repetition() -> None:
    *_, repeat = _spec(Styled(), x=(8, 8, 8), z=(8,))["network"]["layers"]
    assert repeat["repeat"] == 4
    assert [node.get("name") for node in repeat["layers"][:2]] == [
        "convs.{i}", "scaled.{i}"
    ]  # fmt: skip
    assert repeat["layers"][1]["from"] == ["prev", "mapping"]


class Dense(nn.Module):
    """Each turn reads the one before the last too, so that no two are alike."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        before = x
        for conv in self.convs:
            before, x = x, conv(x) * before.sigmoid()
        return x


def test_what_a_turn_reads_of_another_one_is_no_repetition() -> None:
    assert not any("repeat" in node for node in _spec(Dense())["network"]["layers"])


class Factorised(nn.Module):
    """Kernels along one axis at a time, dilated alike, as in ERFNet."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        d = dilation
        self.down = nn.Conv2d(8, 8, (3, 1), padding=(d, 0), dilation=(d, 1))
        self.across = nn.Conv2d(8, 8, (1, 3), padding=(0, d), dilation=(1, d))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.across(self.down(x).relu()) + x)


def test_what_differs_along_one_axis_is_one_number() -> None:
    net = nn.Sequential(Factorised(1), nn.ReLU(), Factorised(2), Factorised(5))
    (block,) = _spec(net)["blocks"].values()
    assert [*block.get("params", ()), *block.get("defaults", {})] == ["padding"]
    skip = block["layers"][0]["layers"]
    assert [skip[n]["padding"] for n in (0, 2)] == [["padding", 0], [0, "padding"]]
    assert [skip[n]["dilation"] for n in (0, 2)] == [["padding", 1], [1, "padding"]]


class Wide(nn.Module):
    """A sequence and a projection, which is a sequence too, or has nothing in it."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )  # fmt: skip
        self.shortcut = nn.Sequential()
        if channels != width:
            self.shortcut.append(nn.Conv2d(channels, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.residual(x) + self.shortcut(x)


def test_a_projection_in_a_sequence_is_a_shortcut() -> None:
    net = nn.Sequential(Wide(8, 16), Wide(16, 16), Wide(16, 32), Wide(32, 32))
    (block,) = _spec(net)["blocks"].values()
    (node,) = block["layers"]
    assert node["skip"] == "add"
    assert node["shortcut"]["when"] == "in_channels != width"


class Twice(nn.Module):
    """One encoder for two inputs, whose second output has a name as well."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 1))

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.encoder(x), self.encoder(y), x


def test_what_is_applied_again_is_named_after_it() -> None:
    network = _spec(Twice(), x=(8, 8, 8), y=(8, 8, 8))["network"]
    assert [*network["outputs"].values()] == ["encoder", "encoder_2", "identity"]


def test_a_whole_factor_is_written_as_one() -> None:
    net = nn.Sequential(nn.Conv2d(8, 4, 1), nn.Upsample(scale_factor=2))
    assert _spec(net)["network"]["layers"][-1]["scale_factor"] == 2
    assert "2.0" not in str(_spec(net))


def test_maps_that_are_padded_by_what_they_lack_are_trained_on_as_they_are() -> None:
    class Lacking(nn.Module):
        """Maps of 100 pixels are padded by 4, smaller ones by nothing."""

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 4, 4, 4)

        def forward(self, x: Tensor) -> Tensor:
            height, width = (-size % 8 for size in x.shape[2:])
            return self.conv(F.pad(x, [0, width, 0, height])).sum((2, 3))

    spec = _spec(Lacking(), x=(2, 100, 100))
    assert spec["network"]["layers"][0]["padding"] == [0, 4, 0, 4]

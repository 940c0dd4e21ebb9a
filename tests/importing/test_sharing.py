"""Modules that are applied more than once."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

pytest.importorskip("torch")

from torch import Tensor, nn

from archc.run.importing.session import import_network


class Polynomial(nn.Module):
    """A convolution that each use normalises by a norm of its own."""

    def __init__(self, width: int, uses: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(uses))

    def forward(self, x: Tensor, use: int) -> Tensor:
        return self.norms[use](self.conv(x)).relu()


class Polynomials(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.unit = Polynomial(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for use in range(3):
            x = self.unit(x, use)
        return x


class Joining(nn.Module):
    """A module that reads two values, twice."""

    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(8, 8, 1)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return self.conv(x) + y

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.both = self.Joined()

    def forward(self, x: Tensor) -> Tensor:
        y = self.stem(x)
        first = self.both(y.relu(), y)
        return self.both(first, y)


class Emptied(nn.Module):
    """A module of which the second use gives another of its values."""

    class Halves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

        def forward(self, x: Tensor, *, short: bool) -> Tensor:
            x = self.first(x)
            return x if short else self.second(x)

    def __init__(self) -> None:
        super().__init__()
        self.halves = self.Halves()

    def forward(self, x: Tensor) -> Tensor:
        return self.halves(self.halves(x, short=False), short=True)


def _nodes(module: nn.Module) -> list[dict[str, Any]]:
    result = import_network(module, "net", {"x": (3, 8, 8)})
    assert result.passed, (result.refused, result.proof)
    assert result.proof.outputs == "equal"
    return tomllib.loads(result.text)["network"]["layers"]


def test_a_module_with_a_norm_for_each_use_shares_the_rest() -> None:
    (*first, again) = _nodes(Polynomials())
    named = [node["name"] for node in first if "name" in node]
    assert named == ["stem", "unit.conv", "unit.norms.0"]
    assert again == {
        "repeat": 2,
        "layers": [
            {"share": "unit.conv"},
            {"name": "unit.norms.{i + 1}", "op": "batch_norm2d"},
            {"op": "relu"},
        ],
    }


@pytest.mark.parametrize("module", [Joining(), Emptied()])
def test_parts_are_shared_where_the_whole_is_not(module: nn.Module) -> None:
    text = str(_nodes(module))
    assert text.count("'share'") == 1


class Repeating(nn.Module):
    """A tower of equal layers, on two maps."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.tower = nn.Sequential(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(4)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.stem(x)
        return self.tower(x), self.tower(x.relu())


class Single(Repeating):
    """A sequence of one layer, on two maps."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1))


@pytest.mark.parametrize("module", [Repeating(), Single()])
def test_a_repetition_that_is_shared_stands_in_a_group(module: nn.Module) -> None:
    tower = next(node for node in _nodes(module) if node.get("name") == "tower")
    assert "repeat" not in tower
    assert len(tower["layers"]) == 1

"""What a network computes for nothing is computed by its spec too."""

from __future__ import annotations

import tomllib

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn

from archc.run.importing.session import Result, import_network


class Unit(nn.Module):
    """What the next unit reads, and what all of them add up to."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.on, self.norm = nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8)
        self.out = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.conv(x).tanh()
        return x + self.norm(self.on(y)), self.out(y)


class Skipping(nn.Module):
    """Nothing reads what the last unit hands on, as in WaveNet."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.units = nn.ModuleList(Unit() for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        total: Tensor | float = 0.0
        for unit in self.units:
            x, out = unit(x)
            total = out + total
        assert isinstance(total, Tensor)
        return total


def _imported(module: nn.Module) -> Result:
    return import_network(module, "net", {"x": (3, 8, 8)})


def test_what_is_computed_for_nothing_has_its_tensors() -> None:
    result = _imported(Skipping())
    assert result.passed, (result.refused, result.proof)
    assert result.proof.outputs == result.proof.training == "equal"
    spec = tomllib.loads(result.text)
    units = [n for n in spec["network"]["layers"] if n.get("block") == "unit"]
    assert [unit["name"] for unit in units] == ["units.0", "units.1", "units.2"]
    assert [*spec["blocks"]] == ["unit"]
    (remark,) = result.remarks
    said = "units.2.on.weight, units.2.on.bias, units.2.norm.weight, …"
    assert remark == f"nothing that it gives depends on {said}"


class Aside(nn.Module):
    """A module of which what is made is let go, or that is not called at all."""

    def __init__(self, *, called: bool) -> None:
        super().__init__()
        self.conv, self.spare = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 4, 1)
        self.called = called

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.called:
            self.spare(x).relu()
        return x.exp()


def test_a_module_is_called_for_nothing() -> None:
    result = _imported(Aside(called=True))
    assert result.passed, (result.refused, result.proof)
    names = [n.get("name") for n in tomllib.loads(result.text)["network"]["layers"]]
    assert "spare" in names
    assert "spare.weight" in result.remarks[0]


def test_what_is_never_called_is_refused() -> None:
    (refusal,) = _imported(Aside(called=False)).refused
    assert "spare.weight" in refusal.reason


def test_what_no_op_does_is_refused_there_too() -> None:
    class Sorting(Aside):
        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            torch.sort(self.spare(x))
            return x.exp()

    (refusal,) = _imported(Sorting(called=True)).refused
    assert "torch.sort" in refusal.reason and refusal.line


def test_what_is_computed_always_and_given_in_training_is_a_head() -> None:
    class Auxiliary(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.aux = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 4, 1)
            self.last = nn.Conv2d(8, 4, 3)

        def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
            x = self.conv(x)
            aux = self.aux(x)
            x = self.last(x)
            return (x, aux) if self.training else x

    result = _imported(Auxiliary())
    assert result.passed, (result.refused, result.proof)
    assert [h["name"] for h in tomllib.loads(result.text)["heads"]] == ["aux"]

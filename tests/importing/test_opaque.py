"""With `--opaque`, what no spec can say stays what it is, and the rest is a spec."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from typing import Any

import pytest

pytest.importorskip("torch")

from torch import Tensor, nn

import archc
from archc.run.importing.constructing import watching
from archc.run.importing.session import Result, import_network
from tests.importing import modules


class Mixer(nn.Module):
    """Attention over the pixels of a map."""

    def __init__(self, width: int, heads: int = 2, bias: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Conv2d(width, width * 3, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(x).unflatten(1, (3, self.heads, -1)).flatten(-2)
        q, k, v = parts.unbind(1)
        weights = (q.transpose(-2, -1) @ k).softmax(-1)
        return (v @ weights).reshape(x.shape)


class Chooser(nn.Module):
    """What it computes depends on the data."""

    def __init__(
        self, channels: int, out: int, act: Callable[[], nn.Module] = nn.ReLU
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, 2, 1)
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.conv(x))
        return y * 2 if y.sum() > 0 else y


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width)
        self.mixer = Mixer(width, heads)
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.mixer(self.norm(x))
        return x + self.conv(x)


class Net(nn.Module):
    def __init__(self, act: Callable[[], nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.first = nn.Sequential(Block(8, 2), Block(8, 2))
        self.down = Chooser(8, 16, act)
        self.second = nn.Sequential(Block(16, 4), Block(16, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.down(self.first(self.stem(x))))


def _imported(make: Callable[[], nn.Module], *, watched: bool = True) -> Result:
    if not watched:
        return import_network(make(), "net", {"x": (3, 8, 8)}, opaque=True)
    with watching():
        module = make()
    return import_network(module, "net", {"x": (3, 8, 8)}, opaque=True)


def test_the_rest_is_a_spec() -> None:
    result = _imported(Net)
    assert result.passed, result.refused
    assert result.proof.outputs == "equal"
    spec = tomllib.loads(result.text)
    assert [*spec["ops"]] == ["mixer", "chooser"]
    mixer, chooser = spec["ops"].values()
    assert mixer["module"] == f"{__name__}.Mixer"
    # 8 channels have 2 heads, and 16 have 4
    assert mixer["arguments"]["width"] == "in_channels"
    assert "heads" in mixer["arguments"]
    assert chooser["output"] == [16, 4, 4]
    assert list(spec["blocks"]) == ["block"]
    assert len(result.remarks) == 2


def test_what_learns_otherwise_is_not_kept() -> None:
    """One of two would be, and nothing would show the other."""
    net = nn.Sequential(modules.Louder(), nn.Conv2d(8, 3, 1), modules.Louder())
    (refusal,) = _imported(lambda: net).refused
    assert "in training" in refusal.reason


def test_what_cannot_be_made_again_is_refused_with_all_reasons() -> None:
    result = _imported(lambda: Net(nn.GELU))
    assert not result.text
    said = [refusal.reason for refusal in result.refused]
    assert any("attention" in reason for reason in said)
    assert any("(bool)" in reason for reason in said)
    assert "a spec holds numbers, texts and lists of them alone" in said[-1]
    # nobody watched, and no attribute tells it
    said = [r.reason for r in _imported(Net, watched=False).refused]
    assert any("nothing tells what its constructor was given" in r for r in said)


class Plain(nn.Module):
    """All that its constructor is given are attributes of these names."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.width = width
        self.conv = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).cumsum(1)


def test_from_python() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), Plain(4), nn.ReLU())
    with pytest.raises(archc.ImportRefused, match="cumsum"):
        archc.import_module(network, (3, 8, 8))
    text = archc.import_module(network, (3, 8, 8), name="net", opaque=True)
    assert tomllib.loads(text)["ops"]["plain"]["arguments"] == {"width": "in_channels"}


def test_modules_of_torch_can_stay_what_they_are() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Threshold(0.5, 2.0))
    result = import_network(network, "net", {"x": (3, 8, 8)}, opaque=True)
    assert result.proof.outputs == "equal", result.refused
    assert 'module = "torch.nn.Threshold"' in result.text


class Settings(nn.Module):
    """Its constructor is given all that a spec can say."""

    def __init__(
        self,
        width: int,
        mode: str = "up",
        steps: Sequence[Sequence[int]] = (),
        flag: bool = False,
        limit: float | None = 1.0,
        label: str = "a",
    ) -> None:
        super().__init__()
        self.mode, self.flag, self.limit = mode, flag, limit
        self.total = sum(sum(step) for step in steps)
        self.conv = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).cumsum(1 if self.mode == "up" else 2)
        x = x + self.total if self.flag else x
        return x if self.limit is None else x.clamp(max=self.limit)


def test_texts_lists_and_none_are_said() -> None:
    steps = ((1, 2), (3, 4))
    result = _imported(
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 1),
            Settings(4, "down", steps, flag=True, limit=None, label="b c"),
            Settings(4, "up", steps, flag=True, limit=None, label="b c"),
            Settings(4, "down", steps, limit=0.5, label="b c"),
        )
    )
    assert result.proof.outputs == "equal", result.refused
    first, second = tomllib.loads(result.text)["ops"].values()
    assert first["params"] == ["mode"]
    assert first["arguments"] == {
        "width": "in_channels", "mode": "mode", "steps": [[1, 2], [3, 4]],
        "flag": True, "limit": "None", "label": "'b c'",
    }  # fmt: skip
    assert second["arguments"]["mode"] == "'down'"


@pytest.mark.parametrize("label", ["it's", "two\nlines", None, ("a", None)])
def test_what_no_spec_can_say_is_refused(label: Any) -> None:
    result = _imported(lambda: nn.Sequential(Settings(3, label=label)))
    if label is None:
        assert result.passed
        return
    assert any("`" in r.reason and "label" in r.reason for r in result.refused)

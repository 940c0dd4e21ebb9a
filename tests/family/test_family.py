"""Networks as others would write them, held against torchvision's editions."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.emit.module import emit
from archc.pipeline import Analysis, analyse
from archc.spec.load import Loader
from archc.spec.overrides import input_shape, parameters
from tests import strict
from tests.emit.holding import hold

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Edition:
    """One network of torchvision's that a spec here describes."""

    name: str
    size: int = 64
    """Height and width at which logits are compared."""
    training_size: int = 32
    options: tuple[tuple[str, Any], ...] = ()
    rename: tuple[str, str] | None = None
    """Pattern and replacement for torchvision's keys that no spec can have."""

    def random(self, batch: int, size: int) -> Tensor:
        return torch.randn(batch, 3, size, size)

    def build(self) -> nn.Module:
        make = torchvision.models.get_model_builder(self.name)
        return make(weights=None, **dict(self.options))

    def published(self) -> dict[str, Any]:
        return torchvision.models.get_model_weights(self.name).DEFAULT.meta

    def state(self, model: nn.Module) -> dict[str, Tensor]:
        """The model's state under the spec's names."""
        state = model.state_dict()
        if self.rename is None:
            return state
        return {re.sub(*self.rename, key): value for key, value in state.items()}


EDITIONS = (
    Edition("resnet18"),
    Edition("wide_resnet50_2"),
    Edition("vgg16_bn", options=(("init_weights", False),)),
    Edition("vgg11", options=(("init_weights", False),)),
    # torchvision's LayerNorm2d is an nn.LayerNorm with permutes inside its own forward;
    # of ops, it is a module that has the nn.LayerNorm as a child
    Edition(
        "convnext_tiny",
        rename=(
            r"^(features\.(?:0\.1|[246]\.0)|classifier\.0)\.",
            r"\1.norm.",
        ),
    ),
    Edition("densenet161"),
)
PLAIN = (
    "cifar_resnet", "lenet", "m5", "nin", "se_resnet50", "unet", "unet_loop",
)  # fmt: skip
SMALL: dict[str, dict[str, Any]] = {
    "cifar_resnet": {"n": 1},
    "se_resnet50": {"depths": [2, 1, 1, 1]},
    "unet": {"width": 16},
    "unet_loop": {"width": 8},
}
SMALL_INPUT = {
    "m5": (1, 4_000),
    "se_resnet50": (3, 32, 32),
    "unet": (1, 32, 32),
    "unet_loop": (1, 32, 32),
}


def compiled(
    name: str, *, small: bool = False
) -> tuple[Analysis, Callable[[], nn.Module]]:
    """A spec's facts and the class generated for it; `small` makes it quick to run."""
    sink = Sink()
    overlays = (
        parameters(SMALL.get(name, {}), "the test", sink) if name in SMALL else None,
        input_shape(SMALL_INPUT[name], sink) if name in SMALL_INPUT else None,
    )
    analysis = analyse(
        HERE / f"{name}.toml",
        Loader(sink, anywhere=True),  # some of them extend one of the project's own
        sink,
        tuple(o for o in overlays if small and o is not None),
    )
    assert analysis is not None, render_text(sink)
    assert not list(sink), render_text(sink)
    module = ModuleType(name)
    exec(emit(analysis.network), vars(module))
    return analysis, getattr(module, module.__all__[0])


def randomize(model: nn.Module) -> None:
    """Gives every vector and scale a value of its own, so that none can be mixed up."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.dtype.is_floating_point and tensor.squeeze().ndim < 2:
            nn.init.uniform_(tensor, 0.5, 1.5)


@dataclass(frozen=True)
class Pair:
    edition: Edition
    analysis: Analysis
    ours: nn.Module
    theirs: nn.Module


@pytest.fixture(scope="module", params=EDITIONS, ids=lambda e: e.name)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """The generated module with the state of torchvision's, and torchvision's own."""
    torch.manual_seed(0)
    edition: Edition = request.param
    analysis, make = compiled(edition.name)
    theirs = edition.build().eval()
    with torch.device("meta"):
        ours = make()
    with torch.no_grad():
        randomize(theirs)
    ours.load_state_dict(edition.state(theirs), strict=True, assign=True)
    yield Pair(edition, analysis, ours.eval(), theirs)


def test_logits_are_equal_to_the_bit(pair: Pair) -> None:
    x = pair.edition.random(1, pair.edition.size)
    with torch.no_grad():
        ours, theirs = pair.ours(x), pair.theirs(x)
    assert torch.isfinite(theirs).all()
    assert torch.equal(ours, theirs)


def test_counts_are_the_published_ones(pair: Pair) -> None:
    published = pair.edition.published()
    facts = pair.analysis.facts
    assert facts.params_with_heads == published["num_params"]
    assert round(facts.macs / 1e9, 3) == published["_ops"]


def test_training_is_the_same_to_the_bit(pair: Pair) -> None:
    """Dropout, stochastic depth, batch statistics and auxiliary heads included."""
    x = pair.edition.random(2, pair.edition.training_size)
    outputs: list[tuple[Tensor, ...]] = []
    for model in (pair.ours, pair.theirs):
        torch.manual_seed(1)
        with torch.no_grad():
            y = model.train()(x)
        model.eval()
        outputs.append(y if isinstance(y, tuple) else (y,))
    ours, theirs = outputs
    assert len(ours) == len(theirs) == 1 + len(pair.analysis.network.heads)
    assert all(map(torch.equal, ours, theirs))


def test_macs_are_those_of_torchvision(pair: Pair) -> None:
    assert pair.analysis.facts.macs == counted_macs(pair.theirs, pair.analysis)


def counted_macs(model: nn.Module, analysis: Analysis) -> int:
    shape = analysis.network.input.shape
    assert shape is not None
    with FlopCounterMode(display=False) as counter:
        model.to("meta")(torch.empty(1, *shape.dims, device="meta"))
    return counter.get_total_flops() // 2


def test_generated_files_are_clean(tmp_path: Path) -> None:
    for name in (*PLAIN, *(e.name for e in EDITIONS)):
        analysis, _ = compiled(name)
        (tmp_path / f"{name}.py").write_text(emit(analysis.network))
    config = tmp_path / "pyrightconfig.json"
    config.write_text(strict.settings())
    rules = ["--config", str(ROOT / "pyproject.toml")]
    for command in (
        ["ruff", "check", *rules, str(tmp_path)],
        ["ruff", "format", "--check", *rules, str(tmp_path)],
        ["pyright", "--pythonpath", sys.executable, "-p", str(config)],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", PLAIN)
def test_plain_networks_compute_what_their_specs_say(name: str) -> None:
    """Held against an interpreter of the network, layer by layer."""
    compiled(name)  # with its claims; at another size none is checked
    analysis, _ = compiled(name, small=True)
    hold(analysis, emit(analysis.network))

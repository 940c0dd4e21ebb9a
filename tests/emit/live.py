"""A generated module held against torch and against the network it was written from."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.emit.module import emit
from archc.network.graph import Layer, Network, Region, Value
from archc.pipeline import Analysis, analyse
from archc.spec.load import Loader
from tests import strict
from tests.ops import live

ROOT = Path(__file__).parents[2]
RANDOM = frozenset({"dropout", "dropout2d", "stochastic_depth"})


def compiled(path: Path) -> tuple[Analysis, str]:
    """The analysed spec and its generated source; the spec must be free of errors."""
    sink = Sink()
    analysis = analyse(path, Loader(sink), sink)
    assert analysis is not None, render_text(sink)
    return analysis, emit(analysis.network)


def hold(analysis: Analysis, source: str) -> None:
    """Everything that the generated module must have in common with the network."""
    network = analysis.network
    namespace = ModuleType(network.name)
    exec(source, namespace.__dict__)
    torch.manual_seed(0)
    model: nn.Module = getattr(namespace, namespace.__all__[0])()
    _hold_state(model, network)
    trainable = sum(p.numel() for p in model.parameters())
    assert trainable == analysis.facts.params_with_heads
    for parameter in model.parameters():
        # batch normalisation starts at weight one and bias zero, which hides a mix-up
        nn.init.uniform_(parameter, -0.5, 0.5)
    shape = network.input.shape
    assert shape is not None
    # in double precision the order of a sum does not show
    model.double()
    x = torch.rand(2, *shape.dims, dtype=torch.double)
    _hold_outputs(model.eval(), network, x)
    with FlopCounterMode(display=False) as counter:
        model(x)
    # two operations for a multiply-add, two samples
    assert counter.get_total_flops() == 4 * analysis.facts.macs
    _hold_training(model.train(), network, x)


def layers_of(network: Network) -> Iterator[Layer]:
    yield from network.layers()
    for head in network.heads:
        yield from head.region.layers()


def _hold_state(model: nn.Module, network: Network) -> None:
    expected: dict[str, tuple[int, ...]] = {}
    for layer in layers_of(network):
        x = layer.input_shape()
        for name, dims in (layer.op.parameters(x) | layer.op.buffers(x)).items():
            key = layer.path if layer.op.bare_parameter else f"{layer.path}.{name}"
            assert key not in expected
            expected[key] = tuple(dims)
    assert {k: tuple(v.shape) for k, v in model.state_dict().items()} == expected


def _hold_outputs(model: nn.Module, network: Network, x: Tensor) -> None:
    """Values equal those of the layers run one by one, and every module's shape too."""
    expected = run(network, model, x)
    seen: dict[str, list[Any]] = {}
    hooks = [
        module.register_forward_hook(
            lambda _, __, y, path=path: seen.setdefault(path, []).append(y)
        )
        for path, module in model.named_modules()
    ]
    with torch.no_grad():
        y = model(x)
    for hook in hooks:
        hook.remove()
    wanted = network.output.shape
    assert wanted is not None
    assert y.shape == (2, *wanted.dims)
    torch.testing.assert_close(y, expected[network.output], equal_nan=True)
    for path, value in _places(network):
        if path not in seen:
            continue
        assert len(seen[path]) == 1, f"{path} ran {len(seen[path])} times"
        shown = seen[path][0]
        shown = shown[0] if isinstance(shown, tuple) else shown
        assert value.shape is not None
        assert shown.shape == (2, *value.shape.dims), path


def _places(network: Network) -> Iterator[tuple[str, Value]]:
    """Paths that can be modules, with what such a module returns."""
    stack: list[Layer | Region] = [network.body]
    while stack:
        part = stack.pop()
        if isinstance(part, Region):
            stack.extend(part.parts)
            if part.kind in ("block", "group") and part.path:
                yield part.path, part.output
        elif not part.op.merges and not part.op.bare_parameter:
            yield part.path, part.output


def _hold_training(model: nn.Module, network: Network, x: Tensor) -> None:
    expected = None
    if not any(layer.op.op in RANDOM for layer in layers_of(network)):
        expected = run(network, model, x)
    x = x.requires_grad_()
    result = model(x)
    outputs = list(result) if network.heads else [result]
    values = [network.output, *(h.region.output for h in network.heads)]
    for output, value in zip(outputs, values, strict=True):
        assert value.shape is not None
        assert output.shape == (2, *value.shape.dims)
        if expected is not None:
            torch.testing.assert_close(output, expected[value], equal_nan=True)
    loss = sum(o.square().mean() for o in outputs)
    assert isinstance(loss, Tensor)
    loss.backward()
    # a product of many layers may be beyond all numbers
    for name, parameter in model.named_parameters():
        if loss.isfinite() and parameter.grad is not None:
            assert parameter.grad.isfinite().all(), name
    if network.heads:
        fields = [f for f in result._fields][1:]
        assert fields == [h.name for h in network.heads]
        assert model.loss_weights == {h.name: h.loss_weight for h in network.heads}


def run(network: Network, model: nn.Module, x: Tensor) -> dict[Value, Tensor]:
    """The layers of the network one by one, with the parameters of `model`."""
    state = {k: v.detach().clone() for k, v in model.state_dict().items()}
    values = {network.input: x.detach()}
    for layer in layers_of(network):
        shape = layer.input_shape()
        made = None if layer.op.merges else live.module(layer.op, shape)
        if isinstance(made, nn.Parameter):
            made = state[layer.path]
        elif made is not None:
            own = {
                name: state[f"{layer.path}.{name}"]
                for name in (*layer.op.parameters(shape), *layer.op.buffers(shape))
            }
            made.double().load_state_dict(own, strict=True)
            made.train(model.training)
        inputs = [values[v] for v in layer.inputs]
        with torch.no_grad():
            values[layer.output] = live.run(layer.op, made, shape, *inputs)
    return values


def ruff(*arguments: str) -> str:
    """What Ruff says, with the project's own settings; empty if nothing."""
    ruff = Path(sys.executable).with_name("ruff")
    config = ROOT / "pyproject.toml"
    command = [str(ruff), *arguments, "--config", str(config), "--no-cache", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def pyright(folder: Path) -> str:
    """What pyright says in strict mode; empty if nothing."""
    (folder / "pyrightconfig.json").write_text(strict.settings())
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    done = subprocess.run(
        [*command, "-p", str(folder)], capture_output=True, text=True, check=False
    )
    found = [line.strip() for line in done.stdout.splitlines() if "error" in line]
    return "" if done.returncode == 0 else "\n".join(found) or done.stdout


def fingerprint(text: str) -> str:
    """Text without what tells two like mistakes apart."""
    return re.sub(r"\d+", "N", text)

"""One training step of a generated module on fake tensors, its memory by torch.

Fake tensors have shapes and storages but no numbers, so that real input sizes cost
nothing. What autograd keeps is read off its own hooks; the peak is that of torch's
memory tracker.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.emit.module import emit
from archc.network.graph import Network
from archc.pipeline import analyse
from archc.spec.load import Loader

mem_tracker = pytest.importorskip(
    "torch.distributed._tools.mem_tracker", reason="torch has it from 2.5 on"
)

BATCH = 2
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Case:
    """A network and its generated source."""

    network: Network
    source: str

    @property
    def dims(self) -> tuple[int, ...]:
        assert self.network.input.shape is not None
        return self.network.input.shape.dims


@dataclass(frozen=True)
class Tracked:
    """Bytes by torch's account."""

    saved: int
    """Storages that autograd keeps at the end of the forward pass, each once, without
    parameters, buffers, input and labels."""
    peak: int
    """The most at once over forward, backward and step."""


class _Tracker(mem_tracker.MemTracker):
    """Torch's tracker without its account of every module, which takes most time."""

    def _pre_fw_hook(self, module: Any, inputs: Any) -> None: ...

    def _post_fw_hook(self, module: Any, inputs: Any, outputs: Any) -> None: ...

    def _pre_bw_hook(self, module: Any, args: Any) -> None: ...

    def _post_bw_hook(self, module: Any, args: Any) -> None: ...


def read(path: Path) -> Case:
    """The spec at `path`, which must be free of errors."""
    sink = Sink()
    analysis = analyse(path, Loader(sink, anywhere=True), sink)
    assert analysis is not None, render_text(sink)
    return Case(analysis.network, emit(analysis.network))


def fakes_a_gpu() -> bool:
    """Whether torch makes fake tensors of a GPU that is not there."""
    try:
        with FakeTensorMode():
            torch.empty(1, device="cuda").uniform_()
    except RuntimeError:
        return False
    return True


def saved(
    case: Case, device: str, precision: str, batch: int = BATCH, *, fake: bool = True
) -> int:
    """What autograd keeps of a forward pass with its loss."""
    with FakeTensorMode() if fake else nullcontext():
        model = _build(case.source, device)
        x = torch.zeros(batch, *case.dims, device=device)
        return _forward(model, x, device, precision)[1]


def step(
    case: Case,
    optimizer: str = "none",
    precision: str = "fp32",
    *,
    batch: int = BATCH,
    foreach: bool = False,
) -> Tracked:
    """A training step on the CPU, the second one: the optimizer's state is there.

    `foreach` steps as torch does on a GPU.
    """
    with FakeTensorMode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = _build(case.source, "cpu")
        x = torch.empty(batch, *case.dims)
        stepper = _optimizer(model, optimizer, foreach)
        if stepper is not None:
            for p in model.parameters():
                p.grad = torch.empty_like(p)
            stepper.step()
            stepper.zero_grad()
        tracker = _Tracker()
        tracker.track_external(model, x)
        if stepper is not None:
            tracker.track_external(stepper)
        with tracker:
            loss, kept, held = _forward(model, x, "cpu", precision)
            torch.autograd.backward(loss)
            del loss
            if stepper is not None:
                stepper.step()
        # a training loop holds outputs and labels until the next step
        del held
        peak = tracker.get_tracker_snapshot("peak")[torch.device("cpu")]
    return Tracked(kept, peak["Total"])


def _build(source: str, device: str) -> nn.Module:
    module = ModuleType("generated")
    exec(source, vars(module))
    make = vars(module)[vars(module)["__all__"][0]]
    # initialising by truncated numbers looks at them, and there are none
    with torch.device(device), mock.patch("torch.nn.init.trunc_normal_"):
        return make()


def _optimizer(
    model: nn.Module, name: str, foreach: bool
) -> torch.optim.Optimizer | None:
    if name == "none":
        return None
    if name == "adam":
        return torch.optim.Adam(model.parameters(), foreach=foreach)
    momentum = 0.9 if name == "momentum" else 0.0
    return torch.optim.SGD(model.parameters(), momentum=momentum, foreach=foreach)


def _forward(
    model: nn.Module, x: Tensor, device: str, precision: str
) -> tuple[Tensor, int, Any]:
    """The loss, what is kept for its backward pass, outputs and labels."""
    own = model.state_dict(keep_vars=True).values()
    known = {_storage(tensor)[0] for tensor in (*own, x)}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        key, size = _storage(tensor)
        if key not in known:
            kept[key] = size
        return tensor

    with (
        _autocast(device, precision),
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
    ):
        result = model(x)
        several = isinstance(result, tuple)
        outputs = cast("tuple[Tensor, ...]", result if several else (result,))
        labels = [_labels(output) for output in outputs]
        known |= {_storage(label)[0] for label in labels}
        losses = [F.cross_entropy(o, y) for o, y in zip(outputs, labels, strict=True)]
        loss = losses[0]
        for other in losses[1:]:
            loss = loss + 0.3 * other
    return loss, sum(kept.values()), (outputs, labels)


def _storage(tensor: Tensor) -> tuple[int, int]:
    """What tells a storage from others, and its bytes."""
    storage = tensor.untyped_storage()
    return storage._cdata, storage.nbytes()  # pyright: ignore[reportPrivateUsage]


def _labels(output: Tensor) -> Tensor:
    size = (output.shape[0], *output.shape[2:])
    return torch.zeros(size, dtype=torch.long, device=output.device)


@contextmanager
def _autocast(device: str, precision: str) -> Generator[None]:
    """As `torch.autocast`, which refuses the GPU where there is none."""
    if precision == "fp32":
        yield
        return
    before = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)
    torch.set_autocast_dtype(device, _DTYPES[precision])
    torch.set_autocast_enabled(device, True)
    torch.autocast_increment_nesting()
    try:
        yield
    finally:
        if torch.autocast_decrement_nesting() == 0:
            torch.clear_autocast_cache()
        torch.set_autocast_enabled(device, before[0])
        torch.set_autocast_dtype(device, before[1])

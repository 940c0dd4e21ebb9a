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
from weakref import WeakSet

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.emit.execution import execution
from archc.emit.module import emit
from archc.measure.memory import Footprint, footprint
from archc.measure.summary import shapes_of
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
    def dims(self) -> list[tuple[int, ...]]:
        """Of each input."""
        return list(shapes_of(self.network.inputs).values())

    def module(self) -> nn.Module:
        """A module on the CPU."""
        return _build(self.source, "cpu")

    def footprint(self, **settings: Any) -> Footprint:
        """What archc predicts, with the settings of `footprint`."""
        return footprint(self.network, execution(self.network), **settings)


@dataclass(frozen=True)
class Tracked:
    """Bytes by torch's account."""

    saved: int
    """Storages that autograd keeps at the end of the forward pass, each once, without
    parameters, buffers, input and labels."""
    peak: int
    """The most at once over forward, backward and step."""


class _NoModules:
    """In place of the tracker's account of every module, which takes most time, and
    whose hooks keep parts of the graph alive that nothing else holds."""

    parents = frozenset({"Global"})
    is_bw = False

    def register_user_hooks(self, *hooks: Any) -> None: ...

    def clear_user_hooks(self) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *args: object) -> None: ...


class _Tracker(mem_tracker.MemTracker):
    """Torch's tracker, of the whole step alone."""

    def __init__(self) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self._mod_tracker = _NoModules()


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
        for part in model.modules() if fake else ():
            # fake tensors have no number that counts the batches
            if getattr(part, "momentum", 0.1) is None:
                part.momentum = 0.1
        given = [torch.zeros(batch, *dims, device=device) for dims in case.dims]
        return _forward(model, given, _labels(case, given[0]), precision)[1]


def step(
    case: Case,
    optimizer: str = "none",
    precision: str = "fp32",
    *,
    batch: int = BATCH,
    foreach: bool = False,
    fake: bool = True,
) -> Tracked:
    """A training step on the CPU, the second one: the optimizer's state is there.

    `foreach` steps as torch does on a GPU. Tensors that are not fake have the layouts
    of real kernels, which differ in places.
    """
    with FakeTensorMode() if fake else nullcontext(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = _build(case.source, "cpu")
        given = [torch.empty(batch, *dims) for dims in case.dims]
        labels = _labels(case, given[0])
        stepper = _optimizer(model, optimizer, foreach)
        if stepper is not None:
            torch.autograd.backward(_forward(model, given, labels, precision)[0])
            stepper.step()
            stepper.zero_grad()
        tracker = _Tracker()
        tracker.track_external(model, *given, *labels)
        if stepper is not None:
            tracker.track_external(stepper)
        with tracker:
            loss, kept, held = _forward(model, given, labels, precision)
            torch.autograd.backward(loss)
            del loss
            if stepper is not None:
                stepper.step()
        # a training loop holds outputs until the next step
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


class _Kept:
    """What autograd keeps, for as long as it does: it goes with its part of the
    graph."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def _forward(
    model: nn.Module, given: list[Tensor], labels: list[Tensor], precision: str
) -> tuple[Tensor, int, Any]:
    """The loss, what is kept for its backward pass, and the outputs."""
    own = model.state_dict(keep_vars=True).values()
    known = {_storage(tensor)[0] for tensor in (*own, *given, *labels)}
    packed: WeakSet[_Kept] = WeakSet()

    def pack(tensor: Tensor) -> _Kept:
        # a view of its own, or an output would keep itself
        kept = _Kept(tensor.detach())
        packed.add(kept)
        return kept

    def unpack(kept: _Kept) -> Tensor:
        return kept.tensor

    with (
        _autocast(given[0].device.type, precision),
        torch.autograd.graph.saved_tensors_hooks(pack, unpack),
    ):
        result = model(*given)
        several = isinstance(result, tuple)
        outputs = cast("tuple[Tensor, ...]", result if several else (result,))
        losses = [F.cross_entropy(o, y) for o, y in zip(outputs, labels, strict=True)]
        loss = losses[0]
        for other in losses[1:]:
            loss = loss + 0.3 * other
    sizes = dict(_storage(kept.tensor) for kept in packed)
    return loss, sum(n for key, n in sizes.items() if key not in known), outputs


def _storage(tensor: Tensor) -> tuple[int, int]:
    """What tells a storage from others, and its bytes."""
    storage = tensor.untyped_storage()
    return storage._cdata, storage.nbytes()  # pyright: ignore[reportPrivateUsage]


def _labels(case: Case, x: Tensor) -> list[Tensor]:
    """The right classes for each output, as a data loader has them."""
    network = case.network
    shapes = [output.shape.sizes[1:] for output in network.results() if output.shape]
    return [
        torch.zeros([len(x), *sizes], dtype=torch.long, device=x.device)
        for sizes in shapes
    ]


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

"""Measures this machine: how fast it computes each kind of layer, forward and back."""

from __future__ import annotations

import platform
from collections.abc import Callable
from statistics import fmean, median
from time import perf_counter, process_time
from typing import Any

import torch
from torch import Tensor, nn

from archc.measure.speed.device import Device

_ROUNDS = 7
_LEAST = 0.02
"""Seconds that one measurement takes at least."""


def _layers() -> dict[str, list[tuple[nn.Module, tuple[int, ...]]]]:
    """For each kind of work layers of sizes that networks have, and what they read."""
    return {
        "dense": [
            (nn.Conv2d(64, 64, 3, padding=1, bias=False), (4, 64, 56, 56)),
            (nn.Conv2d(128, 128, 3, padding=1, bias=False), (4, 128, 28, 28)),
            (nn.Conv2d(256, 256, 3, padding=1, bias=False), (4, 256, 14, 14)),
        ],
        "few channels": [
            (nn.Conv2d(3, 64, 7, stride=2, padding=3), (4, 3, 224, 224)),
            (nn.Conv2d(3, 32, 3, padding=1), (4, 3, 112, 112)),
        ],
        "pointwise": [
            (nn.Conv2d(256, 64, 1, bias=False), (4, 256, 56, 56)),
            (nn.Conv2d(128, 512, 1, bias=False), (4, 128, 28, 28)),
            (nn.Conv2d(1024, 256, 1, bias=False), (4, 1024, 14, 14)),
        ],
        "grouped": [
            (nn.Conv2d(256, 256, 3, padding=1, groups=32), (4, 256, 28, 28)),
            (nn.Conv2d(128, 128, 3, padding=1, groups=8), (4, 128, 28, 28)),
        ],
        "depthwise": [
            (nn.Conv2d(144, 144, 3, padding=1, groups=144), (4, 144, 56, 56)),
            (nn.Conv2d(384, 384, 3, padding=1, groups=384), (4, 384, 14, 14)),
        ],
        "linear": [
            (nn.Linear(2048, 1000), (4, 2048)),
            (nn.Linear(4096, 4096), (4, 4096)),
        ],
        "normalization": [
            (nn.BatchNorm2d(256), (4, 256, 28, 28)),
            (nn.BatchNorm2d(64), (4, 64, 56, 56)),
        ],
        "activation": [
            (nn.ReLU(), (4, 256, 28, 28)),
            (nn.ReLU(), (4, 64, 112, 112)),
        ],
        "pooling": [
            (nn.MaxPool2d(3, stride=2, padding=1), (4, 64, 112, 112)),
            (nn.AvgPool2d(2), (4, 128, 56, 56)),
        ],
        "dropout": [(nn.Dropout(), (4, 256, 28, 28))],
        "merge": [(_Sum(), (4, 256, 28, 28)), (_Joined(), (4, 256, 28, 28))],
        "reshape": [(_Turned(), (4, 256, 28, 28))],
    }


class _Sum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + x.detach()


class _Joined(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, x.detach()], dim=1)


class _Turned(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2).contiguous()


def calibrate(tell: Callable[[int, int], None] = lambda done, of: None) -> Device:
    """This machine's CPU, with as many threads as torch uses now; a few seconds."""
    threads = torch.get_num_threads()
    layers = _layers()
    rates: dict[str, float] = {}
    backward: dict[str, float] = {}
    best = 0.0
    for number, (kind, cases) in enumerate(layers.items()):
        forward_rates: list[float] = []
        backward_rates: list[float] = []
        for module, shape in cases:
            seconds, seconds_back, amount = _measured(module, shape)
            forward_rates.append(amount[0] / seconds)
            backward_rates.append(amount[1] / seconds_back)
        rates[kind] = median(forward_rates)
        backward[kind] = median(backward_rates)
        if kind in ("dense", "pointwise"):
            best = max(best, *forward_rates)
        tell(number + 1, len(layers))
    ahead, back = _calls()
    return Device(
        name="this",
        source=f"{platform.processor() or platform.machine()}, torch"
        f" {torch.__version__}, {threads} thread{'s' if threads > 1 else ''}",
        memory=0,
        bandwidth=_bandwidth(),
        peak={"fp32": best},
        rates=rates,
        backward=backward,
        call=ahead,
        call_back=back,
    )


def _measured(
    module: nn.Module, shape: tuple[int, ...]
) -> tuple[float, float, tuple[int, int]]:
    """Seconds ahead and back, and what was done in them: operations, or bytes."""
    x = torch.randn(shape, requires_grad=True)
    y: Tensor = module(x)
    gradient = torch.randn_like(y)
    parameters = list(module.parameters())
    ahead = _seconds(lambda: module(x))

    def both() -> None:
        x.grad = None
        module(x).backward(gradient)

    back = max(_seconds(both) - ahead, ahead / 10)
    weights = sum(p.numel() for p in parameters)
    if isinstance(module, nn.Conv2d | nn.Linear):
        places = y[0, 0].numel() if isinstance(module, nn.Conv2d) else 1
        operations = 2 * module.weight.numel() * places * shape[0]
        return ahead, back, (operations, 2 * operations)
    reads = 2 if isinstance(module, _Sum | _Joined) else 1
    read = 4 * (reads * x.numel() + weights)
    written = 4 * y.numel()
    return ahead, back, (read + written, written + 2 * read)


def _seconds(run: Callable[[], Any]) -> float:
    """Of one run: the least of several measurements.

    With one thread it is the time of the processor, which other processes do not
    lengthen.
    """
    clock = process_time if torch.get_num_threads() == 1 else perf_counter
    run()
    start = clock()
    run()
    times = max(1, int(_LEAST / max(clock() - start, 1e-7)))
    found: list[float] = []
    for _ in range(_ROUNDS):
        start = clock()
        for _ in range(times):
            run()
        found.append((clock() - start) / times)
    return median(sorted(found)[: _ROUNDS // 2 + 1])


def _bandwidth() -> float:
    """Bytes a second of a sum that is larger than the caches."""
    x = torch.ones(2**24)
    y = torch.empty_like(x)
    return 3 * 4 * x.numel() / _seconds(lambda: torch.add(x, x, out=y))


def _calls() -> tuple[float, float]:
    """Seconds of a call that has hardly anything to do, ahead and back."""
    ahead: list[float] = []
    back: list[float] = []
    for module in (nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU()):
        one, other, _ = _measured(module, (1, 4, 4, 4))
        ahead.append(one)
        back.append(other)
    return fmean(ahead), fmean(back)

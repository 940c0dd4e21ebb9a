# pyright: basic
"""Predicted against real times on this machine's CPU, network by network.

    python tests/benchmarks/speed.py [NAME...] > docs/results/speed.txt

Calibrates first. With one thread (OMP_NUM_THREADS=1) times are the processor's, which
other processes hardly lengthen; else the machine must have nothing else to do.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import torch
from torch.nn import functional as F

import archc
from archc.catalog import files
from archc.diagnostics.model import Sink
from archc.measure.speed.roofline import predict
from archc.pipeline import analyse
from archc.run.calibration import calibrate
from archc.spec.load import Loader

BATCH = 4
LONGEST = 1.5
"""Seconds of a predicted step above which a network is left out."""


def _least(run: Callable[[], Any]) -> float:
    clock = process_time if torch.get_num_threads() == 1 else perf_counter
    run()
    found: list[float] = []
    for _ in range(2):
        start = clock()
        run()
        found.append(clock() - start)
    return min(found)


def real(name: str) -> tuple[float, float]:
    """Seconds of a forward pass in evaluation, and of a training step."""
    network = archc.load(name)
    model = network.module()
    inputs = [torch.randn(BATCH, *s) for s in network.input_shapes.values()]
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)

    def losses(value: Any) -> Any:
        outputs = value if isinstance(value, tuple) else (value,)
        given: list[Any] = [x for x in outputs if isinstance(x, torch.Tensor)]
        targets = [torch.zeros(BATCH, *x.shape[2:], dtype=torch.long) for x in given]
        return sum(F.cross_entropy(x, t) for x, t in zip(given, targets, strict=True))

    def step() -> None:
        optimizer.zero_grad()
        losses(model(*inputs)).backward()
        optimizer.step()

    model.train()
    training = _least(step)
    model.eval()
    with torch.no_grad():
        return _least(lambda: model(*inputs)), training


def _ranks(values: list[float]) -> list[float]:
    order = sorted(values)
    return [float(order.index(v)) for v in values]


def main() -> None:
    device = calibrate()
    print(f"# {device.source}; batch {BATCH}, fp32")
    print(f"# load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"# {'network':32} {'forward':>9} {'real':>9} {'step':>9} {'real':>9}")
    rows: list[tuple[float, float, float, float]] = []
    for name in sys.argv[1:] or [entry.key for entry in files()]:
        sink = Sink()
        path = next(e.path for e in files() if e.key == name)
        analysis = analyse(Path(path), Loader(sink), sink)
        if analysis is None:
            continue
        speed = predict(analysis.network, device, batch=BATCH, precision="fp32")
        if speed.step > LONGEST:
            continue
        forward, step = real(name)
        rows.append((speed.forward, forward, speed.step, step))
        shown = " ".join(f"{value:9.4f}" for value in rows[-1])
        print(f"  {name:32} {shown}", flush=True)
    for what, ours, theirs in (("forward", 0, 1), ("step", 2, 3)):
        errors = sorted(abs(r[ours] / r[theirs] - 1) for r in rows)
        a, b = _ranks([r[ours] for r in rows]), _ranks([r[theirs] for r in rows])
        quartiles = statistics.quantiles(errors, n=4)
        first, middle, third = quartiles
        print(
            f"# {what}: {len(rows)} networks; error median {middle:.1%}, quartiles"
            f" {first:.1%} and {third:.1%}, largest {errors[-1]:.1%};"
            f" rank correlation {statistics.correlation(a, b):.3f}"
        )


if __name__ == "__main__":
    main()

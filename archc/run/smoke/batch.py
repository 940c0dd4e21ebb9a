"""How many images of a smoke test fit into memory."""

from __future__ import annotations

import gc
from contextlib import suppress
from dataclasses import replace

import torch

from archc.emit.execution import execution
from archc.measure.memory import Footprint, footprint
from archc.measure.refusal import smallest_batch
from archc.run.device import gpus
from archc.run.smoke.settings import Settings, Sized
from archc.run.smoke.trial import Trial
from archc.run.subject import BrokenModule

_TAKEN = 0.8
"""Of a GPU's free memory: the rest is for what convolutions work in, what the checks
hold beside a step, and what the allocator leaves."""
_RATE = 1e-3
"""A step's memory is the same at any."""


def step_footprint(size: Sized, settings: Settings) -> Footprint:
    """The memory of one of its steps, for any batch."""
    network = size.subject.network
    return footprint(
        network,
        execution(network),
        optimizer="adam",
        precision=settings.precision,
        device=settings.device,
    )


def affordable(size: Sized, settings: Settings) -> Sized:
    """With fewer images where nobody said how many, and memory is not enough."""
    if settings.device == "cpu" or settings.batch is not None:
        return size
    free, _ = torch.cuda.mem_get_info()
    fits = step_footprint(size, settings).largest(int(_TAKEN * free)) or 1
    smallest, _ = smallest_batch(size.subject.network, training=True)
    return replace(size, batch=max(min(size.batch, fits), smallest))


def fitting(size: Sized, settings: Settings) -> int | None:
    """The batch that fits, halved as often as it takes; None if not even one does."""
    batch = size.batch // 2
    smallest, _ = smallest_batch(size.subject.network, training=True)
    while batch >= smallest:
        tidy()
        with suppress(RuntimeError, MemoryError, BrokenModule):
            Trial(replace(size, batch=batch), settings, _RATE).step()
            return batch
        batch //= 2
    return None


def tidy() -> None:
    """Gives back what nobody holds any more."""
    gc.collect()
    if gpus():
        # a GPU that was lost has nothing to give back
        with suppress(RuntimeError):
            torch.cuda.empty_cache()

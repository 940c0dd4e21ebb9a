"""The processes that train together, and the device of this one."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from archc.run.device import gpus, trouble
from archc.run.train.errors import CannotTrain

_PATIENCE = timedelta(hours=2)
"""How long processes wait for another, such as the first while it reads a data set; by
itself NCCL gives up after ten minutes."""


@dataclass(frozen=True, slots=True)
class World:
    """This process among those that torchrun started; alone without it."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and talks."""
        return self.rank == 0

    def total(self, values: list[float]) -> list[float]:
        """Sums over the processes."""
        if self.size == 1:
            return values
        summed: Any = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(summed)
        return summed.tolist()

    def any(self, flag: bool) -> bool:
        """Whether one of the processes says so."""
        return self.total([float(flag)])[0] > 0

    def gathered(self, value: Any) -> list[Any]:
        """The values of all processes, by rank."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    @contextmanager
    def first_alone(self) -> Generator[None, None, None]:
        """A part that the first process does before the others."""
        if not self.leads:
            self.wait()
        yield
        if self.leads:
            self.wait()

    def wait(self) -> None:
        """Until all processes are here."""
        self.total([0.0])

    def share_buffers(self, model: nn.Module) -> None:
        """Gives all processes the first one's running statistics."""
        if self.size > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, 0)


@contextmanager
def joined(device: str) -> Generator[World, None, None]:
    """The world of this process; `device` is auto, cpu or cuda.

    Raises:
        CannotTrain: if there is no such device.
    """
    rank, size = (
        int(os.environ.get(k, d)) for k, d in (("RANK", 0), ("WORLD_SIZE", 1))
    )
    place = place_of(device, int(os.environ.get("LOCAL_RANK", 0)))
    if size == 1:
        yield World(place)
        return
    if place.type == "cuda":
        torch.cuda.set_device(place)
    backend = "nccl" if place.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield World(place, rank, size)
    finally:
        dist.destroy_process_group()


def place_of(name: str, local_rank: int = 0) -> torch.device:
    """The device that auto, cpu or cuda means.

    Raises:
        CannotTrain: if there is no such device, or it cannot be used.
    """
    found = gpus()
    if name == "cpu" or (name == "auto" and not found):
        return torch.device("cpu")
    if not found:
        raise CannotTrain("there is no GPU here that PyTorch can use: --device cpu")
    if local_rank >= found:
        raise CannotTrain(
            f"there are {found} GPUs here and more processes:"
            f" torchrun --nproc-per-node {found}"
        )
    place = torch.device("cuda", local_rank)
    reason = trouble(place)
    if reason is not None:
        raise CannotTrain(f"the GPU here cannot be used ({reason}): --device cpu")
    return place

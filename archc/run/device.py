"""What torch can compute on here."""

from __future__ import annotations

import torch


def gpus() -> int:
    """How many GPUs torch can use."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def described(device: str) -> str:
    """A device as a report names it."""
    return torch.cuda.get_device_name() if device == "cuda" else device


def version() -> str:
    """Of PyTorch, without how it was built."""
    return torch.__version__.partition("+")[0]


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the GPU or on the CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)

"""What torch can compute on here."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

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


_EMPTY = (
    "DefaultCPUAllocator",
    # of what is beside torch's own memory, the libraries and the driver ask by
    # themselves
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""How torch says that memory ran out where its type of error does not."""


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the GPU or on the CPU."""
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(e in str(error) for e in _EMPTY)


@contextmanager
def without_tf32() -> Generator[None]:
    """On a GPU torch lets convolutions in fp32 round what they read to ten bits; not
    here."""
    known = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = known


def trouble(place: torch.device | None = None) -> str | None:
    """What a GPU says, by default the current one, if it does not compute; else None.

    Torch may know no code for it, or another program have it for itself, or all of its
    memory. After an assertion on it, as of an index out of range, it never answers this
    process again.
    """
    try:
        torch.ones(1, device=place or "cuda").add_(1)
        torch.cuda.synchronize(place)
    # of which type depends on torch's version
    except RuntimeError as error:
        return str(error).strip().partition("\n")[0]
    return None

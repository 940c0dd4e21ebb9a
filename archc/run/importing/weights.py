"""The tensors of an imported network, as files have them."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

ENDINGS = (".safetensors", ".pt", ".pth")


def weights_file(state: Mapping[str, Tensor], path: Path) -> bytes:
    """What a file of that name holds of a `state_dict`: safetensors, or what
    `torch.load` reads."""
    held = {key: tensor.detach().contiguous() for key, tensor in state.items()}
    if path.suffix == ".safetensors":
        from safetensors.torch import save

        return save(held)
    written = BytesIO()
    torch.save(held, written)
    return written.getvalue()

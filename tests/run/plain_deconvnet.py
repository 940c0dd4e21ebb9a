"""A deconvolutional network written out, for networks without branches.

It knows nothing of archc but the names in a `state_dict`. Steps are tuples: what, and
with what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

State = Mapping[str, Tensor]
Steps = Sequence[tuple[Any, ...]]

LENET: Steps = (
    ("conv", "c1", 1, 0, 1), ("act", torch.tanh), ("avg", 2),
    ("conv", "c3", 1, 0, 1), ("act", torch.tanh), ("avg", 2),
    ("conv", "c5", 1, 0, 1),
)  # fmt: skip
CAFFE_LENET: Steps = (
    ("conv", "conv1", 1, 0, 1), ("max", 2, 2),
    ("conv", "conv2", 1, 0, 1),
)  # fmt: skip
ALEXNET: Steps = (
    ("conv", "conv1", 4, 0, 1), ("act", F.relu), ("lrn",), ("max", 3, 2),
    ("conv", "conv2", 1, 2, 2), ("act", F.relu), ("lrn",), ("max", 3, 2),
    ("conv", "conv3", 1, 1, 1), ("act", F.relu),
    ("conv", "conv4", 1, 1, 2), ("act", F.relu),
    ("conv", "conv5", 1, 1, 2),
)  # fmt: skip


def vgg(paths: Sequence[str]) -> Steps:
    """VGG-11's convolutions by their names, with a pooling behind these of them."""
    steps: list[tuple[Any, ...]] = []
    for i, path in enumerate(paths):
        steps += [("conv", path, 1, 1, 1), ("act", F.relu)]
        if i in (0, 1, 3, 5):
            steps.append(("max", 2, 2))
    return steps[:-1]


def project(steps: Steps, state: State, x: Tensor, channel: int) -> Tensor:
    """The projection of the largest activation of a channel of the last step."""
    seen: list[Any] = []
    for kind, *how in steps:
        before = x
        if kind == "conv":
            path, stride, padding, groups = how
            weight, bias = state[f"{path}.weight"], state[f"{path}.bias"]
            x = F.conv2d(x, weight, bias, stride, padding, 1, groups)
            seen.append(before.shape)
        elif kind == "act":
            x = how[0](x)
            seen.append(None)
        elif kind == "lrn":
            # Section 3.3 of the paper, whose alpha is for each of five maps
            x = F.local_response_norm(x, 5, 5e-4, 0.75, 2.0)
            seen.append(None)
        elif kind == "max":
            x, switches = F.max_pool2d(x, *how, return_indices=True)
            seen.append((before.shape, switches))
        else:
            x = F.avg_pool2d(x, how[0])
            seen.append(None)
    own = x[0, channel]
    place = own.argmax()
    back = torch.zeros_like(x)
    back[0, channel].view(-1)[place] = own.max().clamp_min(0)
    for (kind, *how), kept in zip(reversed(steps), reversed(seen), strict=True):
        if kind == "conv":
            path, stride, padding, groups = how
            weight = state[f"{path}.weight"]
            beyond = [
                size - ((out - 1) * stride - 2 * padding + weight.shape[2])
                for size, out in zip(kept[2:], back.shape[2:], strict=True)
            ]
            back = F.conv_transpose2d(
                back, weight, None, stride, padding, beyond, groups
            )
        elif kind == "act":
            back = back.clamp_min(0)
        elif kind == "max":
            shape, switches = kept
            # windows overlap: what several of them took from one place is added there
            unpooled = torch.zeros(*shape[:2], shape[2] * shape[3], dtype=x.dtype)
            unpooled.scatter_add_(2, switches.flatten(2), back.flatten(2))
            back = unpooled.view(shape)
        elif kind == "avg":
            side = how[0]
            back = back.repeat_interleave(side, 2).repeat_interleave(side, 3) / side**2
    return back

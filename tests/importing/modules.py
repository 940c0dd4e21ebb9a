"""Small networks that people could have written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """A unit whose skip is projected where shapes differ."""

    def __init__(self, before: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.project = None
        if stride != 1 or before != width:
            self.project = nn.Sequential(
                nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        way = x if self.project is None else self.project(x)
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = self.bn2(self.conv2(x))
        x += way
        return x.relu_()


class ResidualNet(nn.Module):
    """Three stages of them."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        widths = [8, 16, 32]
        self.stages = nn.ModuleList(
            nn.Sequential(
                Residual(max(width // 2, 8), width, 1 if width == 8 else 2),
                *(Residual(width, width) for _ in range(2)),
            )
            for width in widths
        )
        self.fc = nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.fc(x.mean((2, 3)))


class Gate(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
        self.down = nn.Conv2d(width, width // 4, 1)
        self.up = nn.Conv2d(width // 4, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        weight = F.adaptive_avg_pool2d(x, 1)
        weight = torch.sigmoid(self.up(F.relu(self.down(weight))))
        return x * weight


class Shared(nn.Module):
    """One convolution, three times."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 1)
        self.again = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for _ in range(3):
            x = torch.tanh(self.again(x))
        return x


class InPlace(nn.Module):
    """What is read again was overwritten on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.other = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        y = F.relu(x, inplace=True)
        return self.other(y) - x  # x is y


class View(nn.Module):
    """A view is overwritten, and what it is of is read."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        part = x[:, :4]
        part.relu_()
        return x


class Whole(nn.Module):
    """A view of all is overwritten, and only that is read."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 8 * 8, 4)

    def forward(self, x: Tensor) -> Tensor:
        flat = self.conv(x).view(x.size(0), -1)
        flat.relu_()
        return self.fc(flat)


class Pair(NamedTuple):
    fine: Tensor
    coarse: Tensor


class Pyramid(nn.Module):
    """Two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(3, 8, 3, padding=1)
        self.c2 = nn.Conv2d(8, 8, 3, 2, 1)

    def forward(self, x: Tensor) -> Pair:
        fine = self.c1(x)
        coarse = self.c2(fine)
        return Pair(fine + F.interpolate(coarse, scale_factor=2.0), coarse)


class Two(nn.Module):
    """Two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.color = nn.Conv2d(3, 8, 3, padding=1)
        self.shape = nn.Conv2d(1, 8, 3, padding=1)

    def forward(self, image: Tensor, depth: Tensor) -> dict[str, Tensor]:
        both = torch.cat([self.color(image), self.shape(depth)], 1)
        return {"both": both, "depth": F.relu(both[:, 8:])}


class Auxiliary(nn.Module):
    """A classifier in the middle, for training."""

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(3, 8, 3)
        self.c2 = nn.Conv2d(8, 8, 3)
        self.fc = nn.Linear(8, 4)
        self.aux = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))

    def forward(self, x: Tensor) -> Any:
        x = self.c1(x)
        aux = self.aux(x) if self.training else None
        out = self.fc(F.relu(self.c2(x)).mean((2, 3)))
        return (out, aux) if self.training else out


class Hooked(nn.Module):
    """A hook changes what a part gives."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.conv.register_forward_hook(lambda part, args, out: F.relu(out))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


# ---- what no spec can say


class Branching(nn.Module):
    """What it computes depends on the data, twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if x.sum() > 0:  # line of the branch
            x = F.relu(x)
        return x if x.mean().item() > 0 else x * 2


class Looping(nn.Module):
    """A loop over the samples."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.conv(sample[None])[0] for sample in x])


class Counting(nn.Module):
    """It does something else each time."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.seen: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(1)
        x = self.conv(x)
        return F.relu(x) if len(self.seen) % 2 else torch.sigmoid(x)


class Constant(nn.Module):
    """A tensor that is neither parameter nor buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.factor = torch.rand(8, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) * self.factor.to(x.device)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q = nn.Conv2d(3, 8, 1)
        self.k = nn.Conv2d(3, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, k = self.q(x).flatten(2), self.k(x).flatten(2)
        return (q @ k.transpose(1, 2)).softmax(-1)


class Tied(nn.Module):
    """Two modules have one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.two = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.two.weight = self.one.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.two(F.relu(self.one(x)))


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.left = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Mixing(nn.Module):
    """Samples of a batch take part in each other's results."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x - x.mean(0, keepdim=True)


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x[x < 0] = 0
        return x


class Louder(nn.Module):
    """In training its outputs are larger."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x * 2 if self.training else x


class Remembering(nn.Module):
    """It has statistics that it never takes in."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        norm = self.norm
        return F.batch_norm(
            self.conv(x), norm.running_mean, norm.running_var, norm.weight, norm.bias
        )


class Alternative(nn.Module):
    """In training it computes something else."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.extra = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.extra(x) if self.training else x


class Fused(nn.Module):
    """Ways of several steps, of which only the last has no activation."""

    def __init__(self) -> None:
        super().__init__()
        self.ways = nn.ModuleList(
            nn.Sequential(*(_step(4, turn < last) for turn in range(last + 1)))
            for last in (1, 2, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        first, second, third = (way(x[:, :4]) for way in self.ways)
        return torch.cat((third, first, second), 1)


def _step(width: int, active: bool) -> nn.Sequential:
    after = [nn.ReLU()] if active else []
    conv = nn.Conv2d(width, width, 3, padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(width), *after)


class Inception(nn.Module):
    """Branches of other widths."""

    def __init__(self, before: int, reduced: int, width: int) -> None:
        super().__init__()
        self.small = nn.Conv2d(before, reduced, 1)
        self.wide = nn.Sequential(
            nn.Conv2d(before, reduced + 1, 1), nn.Conv2d(reduced + 1, width, 3, 1, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.small(x), self.wide(x)), 1)


class Reparameterised(nn.Module):
    """Two ways, and a third one where the map stays as it is."""

    def __init__(self, before: int, width: int, stride: int = 1) -> None:
        super().__init__()
        same = stride == 1 and before == width
        self.identity = nn.BatchNorm2d(before) if same else None
        self.small = nn.Conv2d(before, width, 1, stride)
        self.large = nn.Conv2d(before, width, 3, stride, 1)

    def forward(self, x: Tensor) -> Tensor:
        out = self.small(x) + self.large(x)
        if self.identity is not None:
            out = out + self.identity(x)
        return F.relu(out)


class Calling(nn.Module):
    """A convolution, and a function that uses it."""

    def __init__(self, function: Callable[[Calling, Tensor], Any]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self._function = function

    def forward(self, x: Tensor) -> Any:
        return self._function(self, x)

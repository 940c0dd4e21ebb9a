"""What a module computes is recorded, whatever it does with its memory."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn

from archc.importing.trace import BATCH
from archc.run.importing.session import import_network
from archc.run.importing.tracer import trace
from archc.run.importing.values import apart, shown


class Peaks(nn.Module):
    """Reads numbers of each sample and writes others into a part of it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        for sample in range(len(x)):
            if int(x[sample, 0, 0, 0]) > 0:
                x[sample, 0] += 1
            x[sample, 1] += x[sample, 2]
        return x


def test_a_loop_over_samples_ends_soon() -> None:
    found = trace(Peaks(), "net", {"x": (3, 4, 4)})
    assert len(found.calls) < BATCH
    (refusal,) = [r for r in found.refused if "asks for the numbers" in r.reason]
    assert refusal.file == __file__


def test_memory_that_was_overwritten_whole_is_one_value_for_all_who_show_it() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            same = x.view_as(x)
            x.mul_(2)
            same.add_(1)
            return x + same.relu()

    result = import_network(Twice(), "net", {"x": (3, 4, 4)})
    assert result.passed, (result.refused, result.proof)
    assert result.proof.outputs == "equal"


class Halves(nn.Module):
    """One part is overwritten, another one is read; they may overlap."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self.conv, self.start = nn.Conv2d(3, 8, 1), start

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        one, other = x[:, :4], x[:, self.start :]
        return torch.cat([one.relu_(), other], 1)


@pytest.mark.parametrize(("start", "passes"), [(4, True), (3, False)])
def test_parts_that_have_nothing_in_common_are_two_values(
    start: int, passes: bool
) -> None:
    assert import_network(Halves(start), "net", {"x": (3, 8, 8)}).passed == passes


def test_parts_that_are_said_to_be_apart_are() -> None:
    draw = random.Random(0)
    base = torch.arange(2 * 6 * 4 * 4).reshape(2, 6, 4, 4)

    def part() -> Tensor:
        x = base if draw.random() < 0.7 else base.permute(0, 2, 3, 1)
        for axis, size in enumerate(x.shape):
            start = draw.randrange(size)
            stop, step = draw.randrange(start + 1, size + 1), draw.choice([1, 1, 2])
            if draw.random() < 0.6:
                x = x[(slice(None),) * axis + (slice(start, stop, step),)]
        return x

    found = 0
    for _ in range(2000):
        one, other = part(), part()
        if apart(shown(one), shown(other)):
            found += 1
            assert not {*one.flatten().tolist()} & {*other.flatten().tolist()}
    assert found > 20

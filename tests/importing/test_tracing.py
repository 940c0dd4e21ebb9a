"""What a module computes is recorded, whatever it does with its memory."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from torch import Tensor, nn

from archc.importing.trace import BATCH
from archc.run.importing.session import import_network
from archc.run.importing.tracer import trace


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

"""What the steps of an epoch add up to."""

from __future__ import annotations

from dataclasses import dataclass

from archc.run.train.world import World


@dataclass(slots=True)
class Sums:
    """Over the steps of an epoch so far."""

    loss: float = 0.0
    correct: float = 0.0
    count: float = 0.0

    def add(self, loss: float, correct: float, count: int) -> None:
        """What a step has found; its loss is the mean over its images."""
        self.loss += loss * count
        self.correct += correct
        self.count += count

    def means(self, world: World) -> tuple[float, float]:
        """Loss and accuracy over all processes."""
        loss, correct, count = world.total([self.loss, self.correct, self.count])
        return loss / count, correct / count

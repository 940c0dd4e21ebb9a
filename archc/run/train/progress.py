"""What is shown while a training runs: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol

import click

from archc.run.train.record import Row
from archc.run.train.sums import Sums

_PATIENCE = 30.0
"""Seconds without a line, where there is no bar."""


class Progress(Protocol):
    """One who is told."""

    def say(self, line: str) -> None: ...

    def advance(self, epoch: int, step: int, sums: Sums, speed: float) -> None:
        """Of `epoch` and `step`, counted from one, as many are done."""
        ...


class Silent:
    """For the processes that do not lead."""

    def say(self, line: str) -> None:
        pass

    def advance(self, epoch: int, step: int, sums: Sums, speed: float) -> None:
        pass


class Lines:
    """A line now and then."""

    def __init__(self, per_epoch: int) -> None:
        self._per_epoch = per_epoch
        self._last = perf_counter()

    def say(self, line: str) -> None:
        self._last = perf_counter()
        click.echo(line)

    def advance(self, epoch: int, step: int, sums: Sums, speed: float) -> None:
        if perf_counter() - self._last > _PATIENCE:
            self.say(
                f"epoch {epoch}  step {step}/{self._per_epoch}  {so_far(sums, speed)}"
            )


@contextmanager
def bar(epochs: int, per_epoch: int) -> Generator[Progress, None, None]:
    """A bar over the steps of an epoch."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Rich

    text = TextColumn("{task.description}")
    columns = (
        text,
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[now]}"),
    )
    with Rich(*columns, console=Console(), transient=True) as shown:
        task = shown.add_task("", total=per_epoch, now="")

        class Bar:
            def say(self, line: str) -> None:
                shown.console.out(line, highlight=False)

            def advance(self, epoch: int, step: int, sums: Sums, speed: float) -> None:
                shown.update(
                    task,
                    description=f"epoch {epoch}/{epochs}",
                    completed=step,
                    now=so_far(sums, speed),
                )

        yield Bar()


def so_far(sums: Sums, speed: float) -> str:
    """Of an epoch that is not over."""
    count = max(sums.count, 1)
    return (
        f"loss {sums.loss / count:.4f}  accuracy {sums.correct / count:.4f}"
        f"  {speed:,.0f} images/s"
    )


def line(row: Row, epochs: int) -> str:
    """Of an epoch."""
    return (
        f"epoch {row.epoch:>{len(str(epochs))}}/{epochs}  lr {row.lr:.4g}"
        f"  loss {row.train_loss:.4f}  accuracy {row.train_accuracy:.4f}"
        f"  test loss {row.test_loss:.4f}  test accuracy {row.test_accuracy:.4f}"
        f"  {row.images_per_second:,.0f} images/s"
    )

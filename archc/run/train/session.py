"""A training from its first checks to its result."""

from __future__ import annotations

import os
import platform
import random
import signal
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from time import perf_counter
from types import FrameType
from typing import Any

import torch

from archc.output import Output, write
from archc.run.subject import Subject
from archc.run.train import checkpoint, checks, curve, progress, record, remarks
from archc.run.train.batches import steps_per_epoch
from archc.run.train.data import Data, Wanted, load
from archc.run.train.errors import CannotTrain, Interrupted
from archc.run.train.settings import Recipe, Settings
from archc.run.train.trainer import Trainer
from archc.run.train.world import World, joined


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What does not change the result."""

    directory: Path
    """For all that is written."""
    resume: bool
    save_every: int | None
    """Steps between checkpoints; those after each epoch apart."""
    tensorboard: bool
    workers: int
    live: bool
    """Whether to show a bar."""


def train(subject: Subject, recipe: Recipe, wanted: Wanted, habits: Habits) -> None:
    """Trains a network and writes checkpoint, log, curve, weights and result.

    Raises:
        CannotTrain: if something is missing or does not fit.
        Diverged: if the loss is no number any more.
        Interrupted: if Ctrl-C, or a SIGTERM, ended it.
        BrokenModule: if the generated module does not run.
        OSError: if something cannot be written.
    """
    outputs = checks.outputs(subject)
    with joined(recipe.device) as world:
        _check_place(habits, world)
        with world.first_alone():
            data = load(wanted, subject.input_shape, outputs)
        settings = checks.settled(subject, recipe, wanted.name, data, world)
        _Session(subject, settings, data, habits, world).run()


def _check_place(habits: Habits, world: World) -> None:
    kept = ("checkpoint.pt", "best.pt", "model.pt", "result.json")
    there = any(os.path.lexists(habits.directory / name) for name in kept)
    if not habits.resume and there:
        raise CannotTrain(
            f"{habits.directory} holds a training: --resume goes on with it, --output"
            " names a place for another one"
        )
    # all have looked before one writes
    world.wait()


class _Session:
    def __init__(
        self,
        subject: Subject,
        settings: Settings,
        data: Data,
        habits: Habits,
        world: World,
    ) -> None:
        self._subject = subject
        self._settings = settings
        self._habits = habits
        self._world = world
        random.seed(settings.seed)
        seed: Any = torch.manual_seed  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        seed(settings.seed)
        model = subject.module()
        if world.rank:
            # the weights are the first one's; dropout shall not be the same everywhere
            seed(settings.seed + world.rank)
        shape = subject.input_shape
        self._trainer = Trainer(model, data, shape, settings, world, habits.workers)
        self._checkpoint = habits.directory / "checkpoint.pt"
        # on a GPU, looking at a loss waits for it
        self._stride = 1 if world.device.type == "cpu" else 20

    def run(self) -> None:
        resumed = self._habits.resume and self._checkpoint.exists()
        before = self._settings.epochs
        if resumed:
            before = checkpoint.restore(self._trainer, self._checkpoint)
        with self._world.first_alone():
            _make(self._habits.directory)
        with ExitStack() as stack:
            events = None
            if self._habits.tensorboard and self._world.leads:
                folder = self._habits.directory / "tensorboard"
                events = record.board(folder, self._trainer.epoch)
                stack.callback(events.close)
            told = stack.enter_context(self._progress())
            for line in remarks.heading(self._subject, self._trainer):
                told.say(line)
            if self._habits.resume:
                told.say(
                    remarks.resuming(self._trainer, self._checkpoint, resumed, before)
                )
            asked = stack.enter_context(_interruption(self._world))
            while not self._over():
                self._epoch(told, asked)
                row = self._trainer.history[-1]
                told.say(progress.line(row, self._settings.epochs))
                if events is not None:
                    record.add(events, row)
                self._report()
            if self._trainer.epoch < self._settings.epochs:
                told.say(remarks.early(self._trainer))
        if self._world.leads:
            self._finish()

    def _over(self) -> bool:
        """Whether all epochs are done, or as many as patience has brought nothing."""
        rows, settings = self._trainer.history, self._settings
        if not rows or not settings.patience:
            return self._trainer.epoch >= settings.epochs
        waited = self._trainer.epoch - record.best(rows).epoch
        # an epoch that has begun is ended
        impatient = waited >= settings.patience and not self._trainer.step
        return self._trainer.epoch >= settings.epochs or impatient

    @contextmanager
    def _progress(self) -> Generator[progress.Progress, None, None]:
        per_epoch = steps_per_epoch(self._settings)
        if not self._world.leads:
            yield progress.Silent()
        elif self._habits.live:
            with progress.bar(self._settings.epochs, per_epoch) as shown:
                yield shown
        else:
            yield progress.Lines(per_epoch)

    def _epoch(self, told: progress.Progress, asked: list[int]) -> None:
        """The rest of an epoch, and its checkpoints."""
        trainer, started, images = self._trainer, perf_counter(), 0
        speed = 0.0
        for count in trainer.steps():
            images += count
            last = trainer.step == trainer.per_epoch
            if last or trainer.step % self._stride == 0:
                trainer.settle()
                speed = images / (perf_counter() - started)
                told.advance(trainer.epoch + 1, trainer.step, trainer.sums, speed)
                if self._world.any(bool(asked)):
                    checkpoint.save(trainer, self._checkpoint)
                    told.say(remarks.stopped(self._trainer, self._checkpoint))
                    raise Interrupted
            every = self._habits.save_every
            if every and trainer.step % every == 0:
                checkpoint.save(trainer, self._checkpoint)
        row = trainer.close_epoch(speed, started)
        # before the checkpoint: one that is killed in between does the epoch once more
        if self._world.leads and record.best(trainer.history) is row:
            path = self._habits.directory / "best.pt"
            write([Output(path, checkpoint.best(trainer))])
        checkpoint.save(trainer, self._checkpoint)

    def _report(self) -> None:
        """Log and curve of the epochs so far."""
        rows, folder = self._trainer.history, self._habits.directory
        if self._world.leads:
            title = f"{self._subject.label}, {self._settings.data}"
            write(
                [
                    Output(folder / "log.csv", record.as_csv(rows).encode()),
                    Output(folder / "curve.svg", curve.draw(title, rows).encode()),
                ]
            )

    def _finish(self) -> None:
        rows, folder = self._trainer.history, self._habits.directory
        about = {
            "spec": self._subject.label,
            "settings": self._settings.as_dict(),
            "parameters": self._subject.facts.params_with_heads,
            **checkpoint.about_images(self._trainer),
            "device": remarks.device(self._world),
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
            },
        }
        weights = checkpoint.packed(self._trainer.learned.state_dict())
        write(
            [
                Output(folder / "model.pt", weights),
                Output(folder / "result.json", record.as_json(about, rows).encode()),
            ]
        )
        self._report()


def _make(directory: Path) -> None:
    """The directory for all that is written, before time is spent.

    Raises:
        CannotTrain: if nothing can be written there.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise CannotTrain(
            f"cannot write to {directory}: {error.strerror or error}"
        ) from error


@contextmanager
def _interruption(world: World) -> Generator[list[int], None, None]:
    """Signals that ask for an end go into a list; a second Ctrl-C ends at once.

    Not among several processes: torchrun sends them one more when it has got one.
    """
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if world.size == 1:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, ask) for number in numbers]
    try:
        yield asked
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)

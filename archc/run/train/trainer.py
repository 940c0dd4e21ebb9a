"""A model and how it learns, one step at a time."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from archc.run.device import out_of_memory
from archc.run.loss import check_scores, cross_entropy, loss, parts
from archc.run.subject import BrokenModule
from archc.run.train.augment import mixing
from archc.run.train.batches import Batches, steps_per_epoch
from archc.run.train.data import Data
from archc.run.train.errors import Diverged
from archc.run.train.optimizer import freeze, optimizer
from archc.run.train.preprocessing import preprocessing
from archc.run.train.record import Row
from archc.run.train.schedule import rate
from archc.run.train.settings import Settings
from archc.run.train.sums import Sums
from archc.run.train.world import World

_DIVERGED = 1e6
"""A loss that no training comes back from; a network that knows nothing starts with the
logarithm of its classes."""
_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class _Step:
    """One whose loss nobody has looked at."""

    step: int
    loss: Tensor
    right: Tensor
    count: int


class Trainer:
    """One process's part; what it does next depends on its state alone."""

    def __init__(
        self,
        model: nn.Module,
        data: Data,
        shape: tuple[int, ...],
        settings: Settings,
        world: World,
        workers: int = 0,
    ) -> None:
        """Takes the model over: it is moved, and compiled if the settings say so."""
        self.settings = settings
        self.world = world
        self._layout = (
            torch.channels_last if settings.channels_last else torch.contiguous_format
        )
        # the overloads of torch know no device with a memory format
        moved: Any = cast(Any, model).to(world.device, memory_format=self._layout)
        self.model: nn.Module = moved
        self._still = freeze(self.model, settings.freeze) if settings.freeze else []
        self.average: nn.Module | None = None
        """The moving average of the weights."""
        if settings.ema:
            mean = cast(Any, get_ema_multi_avg_fn)(settings.ema)
            self._averaged = AveragedModel(
                self.model, multi_avg_fn=mean, use_buffers=True
            )
            self.average = self._averaged.module
        if settings.compile:
            self.model.compile()  # pyright: ignore[reportUnknownMemberType]
        self._replica: nn.Module = self.model
        if world.size > 1:
            self._replica = DistributedDataParallel(self.model)
        self.optimizer = optimizer(self.model.parameters(), settings)
        self.scaler = torch.amp.GradScaler(
            world.device.type, enabled=settings.precision == "fp16"
        )
        self.data = data
        self.preprocessing = preprocessing(data, shape)
        self._batches = Batches(data, shape, settings, world, workers)
        self._prepare = self.preprocessing.on_batches()
        self._classes = data.classes
        self._mix = mixing(settings.augment, data.classes)
        self.per_epoch = steps_per_epoch(settings)
        self.epoch = 0
        """Those that are over."""
        self.step = 0
        """Steps of this epoch that are over."""
        self.sums = Sums()
        self.history: list[Row] = []
        self._open: list[_Step] = []

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self._rate(self.step)

    def _rate(self, step: int) -> float:
        done = self.epoch * self.per_epoch
        return rate(self.settings, done + step, self.per_epoch)

    def steps(self) -> Iterator[int]:
        """Does the steps that are left of this epoch; gives the images of each.

        Their losses are known after `settle`.
        """
        self.model.train()
        for part in self._still:
            part.eval()
        for pixels, labels in self._batches.training(self.epoch, self.step):
            with self._running():
                found, right = self.gradients(pixels, labels)
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate
            self.scaler.step(self.optimizer)
            self.scaler.update()
            if self.average is not None:
                self._averaged.update_parameters(self.model)
            self._open.append(_Step(self.step, found, right, len(labels)))
            self.step += 1
            yield len(labels) * self.world.size

    def gradients(self, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Those of a batch, in the parameters; returns the loss, and how many answers
        are right: of a mixed image, the class of its larger part."""
        answers = labels = labels.to(self.world.device, non_blocking=True)
        x = self._read(pixels)
        if self._mix is not None:
            x, labels = self._mix(x, labels)
            answers = labels.argmax(1)
        output = self._forward(self._replica, x)
        with self._autocast():
            found = loss(output, labels, self.model, self.settings.label_smoothing)
        self.optimizer.zero_grad()
        cast(Any, self.scaler.scale(found)).backward()
        logits = output if isinstance(output, Tensor) else output[0]
        return found.detach(), _correct(logits.detach(), answers)

    def kept(self, parameter: Tensor) -> dict[str, Any]:
        """What the optimizer keeps of a parameter after a step, zeros in it."""
        probe = torch.zeros_like(parameter, requires_grad=True)
        probe.grad = torch.zeros_like(parameter)
        own = optimizer([probe], self.settings)
        own.step()
        return own.state[probe]

    def settle(self) -> None:
        """Counts the steps since the last time in.

        On a GPU this waits for them, so it is not done after each step.

        Raises:
            Diverged: if one of their losses is no finite number.
        """
        if not self._open:
            return
        losses = _numbers([step.loss for step in self._open])
        rights = _numbers([step.right for step in self._open])
        for done, found, right in zip(self._open, losses, rights, strict=True):
            if not found < _DIVERGED:
                place = f"step {done.step + 1} of epoch {self.epoch + 1}"
                raise Diverged(
                    f"the loss is {found:.4g} in {place}, at a learning rate of"
                    f" {self._rate(done.step):.4g}: try a smaller --lr or a --warmup"
                )
            self.sums.add(found, right, done.count)
        self._open.clear()

    def close_epoch(self, images_per_second: float, started: float) -> Row:
        """Tests, and begins the next epoch.

        Raises:
            Diverged: if a loss is no finite number.
        """
        self.settle()
        train_loss, train_accuracy = self.sums.means(self.world)
        lr = self._rate(self.step - 1)
        test_loss, test_accuracy, test_top5 = self.evaluate()
        if not test_loss < _DIVERGED:
            raise Diverged(
                f"the test loss is {test_loss:.4g} after epoch {self.epoch + 1}: try a"
                " smaller --lr or a --warmup"
            )
        self.epoch, self.step, self.sums = self.epoch + 1, 0, Sums()
        row = Row(
            epoch=self.epoch,
            lr=lr,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            test_top5=test_top5,
            images_per_second=images_per_second,
            seconds=perf_counter() - started,
        )
        self.history.append(row)
        return row

    def evaluate(self) -> tuple[float, float, float]:
        """Mean loss, accuracy, and how often the class is among five, on the test
        images, without smoothing and heads; of the average, where there is one."""
        model = self.learned
        self.world.share_buffers(model)
        model.eval()
        sums, five = Sums(), 0.0
        with torch.no_grad():
            for pixels, labels in self._batches.testing():
                labels = labels.to(self.world.device, non_blocking=True)
                with self._running():
                    output = self._forward(model, self._read(pixels))
                    found = cross_entropy(output.float(), labels)
                sums.add(found.item(), _correct(output, labels).item(), len(labels))
                five += _among_five(output, labels).item()
        loss, accuracy = sums.means(self.world)
        five, count = self.world.total([five, sums.count])
        return loss, accuracy, five / count

    @property
    def learned(self) -> nn.Module:
        """What the training is for: the average, or the model itself."""
        return self.model if self.average is None else self.average

    @contextmanager
    def _running(self) -> Generator[None, None, None]:
        """Around what the module does.

        Raises:
            BrokenModule: if it fails, for want of memory apart.
        """
        try:
            yield
        # whatever a file that people edit may raise
        except Exception as error:
            if out_of_memory(error):
                raise
            reason = (str(error).strip() or "no reason").splitlines()[0]
            raise BrokenModule(
                f"the module fails in step {self.step + 1} of epoch {self.epoch + 1}:"
                f" {type(error).__name__}: {reason}"
            ) from error

    def _read(self, pixels: Tensor) -> Tensor:
        """What the network reads of a batch of images."""
        return self._prepare(pixels.to(self.world.device, non_blocking=True))

    def _forward(self, model: nn.Module, x: Tensor) -> Any:
        with self._autocast():
            output = model(x.contiguous(memory_format=self._layout))
        for part in parts(output):
            check_scores(part, self._classes)
        return output

    def _autocast(self) -> torch.autocast:
        mixed = self.settings.precision != "fp32"
        kind = _TYPES[self.settings.precision] if mixed else None
        return torch.autocast(self.world.device.type, kind, enabled=mixed)

    def averaged_before(self, steps: int) -> None:
        """Tells the moving average how many steps it has seen."""
        self._averaged.n_averaged.fill_(steps)

    def randomness(self) -> dict[str, Any]:
        """The state of what this process draws random numbers from."""
        state: dict[str, Any] = {
            "python": random.getstate(),
            "torch": torch.get_rng_state(),
        }
        if self.world.device.type == "cuda":
            state["cuda"] = torch.cuda.get_rng_state(self.world.device)
        return state

    def restore_randomness(self, state: dict[str, Any]) -> None:
        random.setstate(state["python"])
        torch.set_rng_state(state["torch"])
        if "cuda" in state:
            torch.cuda.set_rng_state(state["cuda"], self.world.device)


def _numbers(tensors: list[Tensor]) -> list[float]:
    return cast(Any, torch.stack(tensors)).tolist()


def _correct(output: Tensor, labels: Tensor) -> Tensor:
    return output.argmax(1).eq(labels).sum()


def _among_five(output: Tensor, labels: Tensor) -> Tensor:
    best = output.topk(min(5, output.shape[1]), 1).indices
    return best.eq(labels.unsqueeze(1)).any(1).sum()

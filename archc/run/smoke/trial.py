"""A model, one batch of random data, and how it learns that."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, cast

import torch
from torch import Tensor, nn

from archc.run.loss import parts, weighted
from archc.run.smoke.settings import Settings, Sized
from archc.run.smoke.task import Task

SEED = 0
_KINDS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Trial:
    """A new model, made from a seed, in training.

    Dropout is on, with the same masks in each step, so that it is one function whose
    loss must fall. The optimizer is Adam: its steps do not depend on the size of the
    gradients, which differ by many orders from the first to the last layer of deep
    networks without normalisation. Its `eps` is below any of them.
    """

    def __init__(
        self, size: Sized, settings: Settings, rate: float, seed: int = SEED
    ) -> None:
        self.settings = settings
        self.rate = rate
        self.device = torch.device(settings.device)
        layouts = {3: torch.channels_last, 4: torch.channels_last_3d}
        self._layouts = layouts if settings.channels_last else {}
        rank = len(size.subject.input_shape)
        layout = self._layouts.get(rank, torch.contiguous_format)
        _seed(seed)
        built = size.subject.module(self.device)
        # the overloads of torch know no memory format alone
        self.model: nn.Module = cast(Any, built).to(memory_format=layout).train()
        self._called: Any = torch.compile(self.model) if settings.compile else built
        self.size = size
        self.task = Task(size.subject.network)
        self._own = len(size.subject.network.outputs)
        self._classes: Tensor | None = None
        self.images, self._kinds = self._batch(SEED)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(),
            lr=rate,
            eps=1e-12,
            fused=True if self.device.type == "cpu" else None,
        )
        # when a scale is too large it must not take many steps to find that out
        self.scaler = torch.amp.GradScaler(
            self.device.type,
            backoff_factor=1 / 16,
            enabled=settings.precision == "fp16",
        )

    def _batch(self, seed: int) -> tuple[tuple[Tensor, ...], Tensor]:
        images, kinds = self.task.images(self.size.batch, seed)
        return tuple(map(self._moved, images)), kinds

    def _moved(self, images: Tensor) -> Tensor:
        layout = self._layouts.get(images.dim() - 1, torch.contiguous_format)
        return images.to(self.device).contiguous(memory_format=layout)

    @property
    def labels(self) -> Tensor:
        """The classes of the fixed batch, known from its first loss on."""
        return self._labelled(self._kinds)

    def _labelled(self, kinds: Tensor) -> Tensor:
        assert self._classes is not None
        return self._classes[kinds].to(self.device)

    def samples(self, seed: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """Another batch of the same classes, and which these are."""
        images, kinds = self._batch(seed)
        return images, self._labelled(kinds)

    def autocast(self) -> torch.autocast:
        mixed = self.settings.precision != "fp32"
        kind = _KINDS[self.settings.precision] if mixed else None
        return torch.autocast(self.device.type, kind, enabled=mixed)

    def output(self, images: tuple[Tensor, ...], seed: int = SEED) -> Any:
        """What the model gives, not compiled, with the random numbers of a seed."""
        _seed(seed)
        with self.autocast():
            return self.model(*images)

    def losses(self, output: Any, labels: Tensor) -> list[Tensor]:
        """Of the parts of an output."""
        with self.autocast():
            return self.task.losses(parts(output), labels)

    def weighted(self, output: Any, labels: Tensor) -> Tensor:
        """Their sum, those of heads with the module's weights."""
        losses = self.losses(output, labels)
        return weighted(losses, output, self.model, self._own)

    def main(self, output: Any) -> Tensor:
        """The network's own outputs as one tensor, to compare it with another."""
        own = parts(output)[: self._own]
        if len(own) == 1:
            return own[0].float()
        return torch.cat([part.float().flatten() for part in own])

    def loss(self) -> Tensor:
        """Of the fixed batch."""
        _seed(SEED)
        with self.autocast():
            output = self._called(*self.images)
        if self._classes is None:
            given = [part.detach() for part in parts(output)]
            self._classes = self.task.classes(given, self._kinds)
        return self.weighted(output, self.labels)

    def gradients(self) -> float:
        """Those of the fixed batch, in the parameters; returns the loss.

        In fp16 the scale is lowered until they are finite, or it is one.
        """
        while True:
            self.optimizer.zero_grad()
            found = self.loss()
            cast(Any, self.scaler.scale(found)).backward()
            self.scaler.unscale_(self.optimizer)
            if self.scaler.get_scale() <= 1 or not self.spoiled():
                return found.item()
            self.scaler.update()

    def spoiled(self) -> list[str]:
        """The parameters whose gradient is not finite."""
        return [
            name
            for name, parameter in self.model.named_parameters()
            if parameter.grad is not None and not parameter.grad.isfinite().all()
        ]

    def step(self, gradients: Callable[[], float] | None = None) -> tuple[float, float]:
        """Learns once; the loss before that, and the seconds it took.

        `gradients` may stand in for the method, to look at them before they are used.
        """
        started = perf_counter()
        found = (gradients or self.gradients)()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return found, perf_counter() - started

    def rest(self) -> None:
        """Lets go of all that only learning needs."""
        self.optimizer.zero_grad()
        self.optimizer.state.clear()


def _seed(seed: int) -> None:
    """Of weights and dropout masks, on all devices."""
    cast(Any, torch).manual_seed(seed)

"""What decides the weights that a training ends with."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from archc.source.kinds import is_list
from archc.spec.expressions import is_tuple

Optimizer = Literal["sgd", "adam", "adamw"]
Schedule = Literal["constant", "cosine", "step"]
Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a user chooses."""

    epochs: int
    batch: int
    """Images in a step, over all processes."""
    lr: float
    optimizer: Optimizer
    momentum: float
    weight_decay: float
    schedule: Schedule
    milestones: tuple[float, ...]
    """Epochs after which the schedule `step` divides the rate by ten."""
    warmup: float
    """Epochs in which the rate rises from zero."""
    label_smoothing: float
    augment: tuple[str, ...]
    precision: Precision
    device: str
    """auto, cpu or cuda; in `Settings` not auto."""
    seed: int
    compile: bool
    channels_last: bool
    nesterov: bool = False
    """Of sgd with momentum."""
    no_bias_decay: bool = False
    """Whether biases and normalisation are left out of the weight decay."""
    ema: float = 0.0
    """How much of the moving average of the weights a step keeps; 0 for none."""
    freeze: tuple[str, ...] = ()
    """The names, with `*`, of parameters that stay as they are."""
    patience: int = 0
    """Epochs without a better test accuracy after which it ends; 0 for all epochs."""
    weights: str = ""
    """Where the weights are from that it starts with; empty for the module's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Recipe):
    """Two trainings with equal settings give equal weights, on one machine's CPU.

    Where the data lies, how many workers read it, and what is logged is not among them.
    """

    network: str
    code: str
    """A digest of the module's source."""
    input: tuple[int, ...]
    data: str
    train_images: int
    test_images: int
    processes: int
    smallest_batch: int = 1
    """Images of one process that a training step can normalise."""
    smallest_test_batch: int = 1
    """The same in evaluation."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON and checkpoints hold it."""
        return {k: _listed(v) for k, v in asdict(self).items()}

    def longer(self, stored: dict[str, Any]) -> bool:
        """Whether this is a training with stored settings for more epochs."""
        before = stored.get("epochs")
        return type(before) is int and 0 < before < self.epochs

    def differences(self, stored: dict[str, Any]) -> list[str]:
        """How these settings differ from stored ones, in words; more epochs, and the
        milestones that go with them, are no difference."""
        own = self.as_dict()
        grown = ("epochs", "milestones") if self.longer(stored) else ()
        found: list[str] = []
        for name in (field.name for field in fields(self)):
            was, now = stored.get(name), own[name]
            if was != now and name not in grown:
                label = name.replace("_", " ")
                # digests say nothing to a reader
                found.append(
                    "the network's code has changed"
                    if name == "code"
                    else f"{label} was {_shown(was)} and is {_shown(now)}"
                )
        return found


def _shown(value: Any) -> str:
    several: list[Any] = value if is_list(value) else [value]
    return ",".join(map(str, several)) or "nothing"


def _listed(value: Any) -> Any:
    return list(value) if is_tuple(value) else value

"""What a training says of itself, in lines."""

from __future__ import annotations

from pathlib import Path

import torch

from archc.measure.refusal import smallest_batch
from archc.run.layers import bound
from archc.run.subject import Subject
from archc.run.train import record
from archc.run.train.batches import joins
from archc.run.train.trainer import Trainer
from archc.run.train.world import World


def heading(subject: Subject, trainer: Trainer) -> list[str]:
    """What is trained on what; what is done otherwise than one may think, and what may
    be a mistake."""
    settings, facts, world = trainer.settings, subject.facts, trainer.world
    processes = f", {world.size} processes" if world.size > 1 else ""
    said = [
        f"{subject.label}: {facts.params_with_heads:,} parameters,"
        f" {settings.data}: {settings.train_images:,} images and"
        f" {settings.test_images:,} to test on, {device(world)}{processes}"
    ]
    weights = subject.weights
    if weights is not None:
        said.append(f"starting with the weights of {weights.weights.source}")
        said += [
            f"{path} starts anew: the weights are of another number of classes"
            for path in weights.anew
        ]
    if settings.freeze:
        parameters = list(trainer.model.parameters())
        still = [p.numel() for p in parameters if not p.requires_grad]
        said.append(
            f"{len(still)} of {len(parameters)} tensors are frozen, {sum(still):,}"
            " parameters"
        )
    if joins(settings):
        _, layer = smallest_batch(subject.network, training=True)
        assert layer is not None
        said.append(
            "the last batch of an epoch would be a single image, which"
            f" {layer.path} cannot normalise: it joins the batch before"
        )
    limit = bound(subject.network.outputs["output"])
    if limit is not None and limit.probabilities:
        said.append(f"note: {limit.advice}")
    return said


def resuming(trainer: Trainer, checkpoint: Path, resumed: bool, before: int) -> str:
    """Where it goes on; `before` are the epochs that it was to have."""
    if not resumed:
        return f"there is no {checkpoint}: from the beginning"
    settings, more = trainer.settings, ""
    if settings.epochs > before:
        more = f", for {settings.epochs} epochs instead of {before}"
        if settings.schedule != "constant":
            more += f", by the schedule of {settings.epochs} from here on"
    return (
        f"going on after epoch {trainer.epoch}, step {trainer.step}"
        f" of {trainer.per_epoch}{more}"
    )


def stopped(trainer: Trainer, checkpoint: Path) -> str:
    """After a signal."""
    done = f"step {trainer.step} of epoch {trainer.epoch + 1}"
    return (
        f"stopped after {done}, which {checkpoint} holds: the same command"
        " with --resume goes on from there"
    )


def early(trainer: Trainer) -> str:
    """After epochs that brought nothing."""
    row, patience = record.best(trainer.history), trainer.settings.patience
    epochs = "an epoch" if patience == 1 else f"{patience} epochs"
    return (
        f"no better test accuracy in {epochs}: the best,"
        f" {row.test_accuracy:.4f} after epoch {row.epoch}, is in best.pt"
    )


def device(world: World) -> str:
    """What it runs on."""
    if world.device.type == "cuda":
        return torch.cuda.get_device_name(world.device)
    return f"CPU ({torch.get_num_threads()} threads)"

"""Whether `train()` and `eval()` differ where they must, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from archc.network.graph import Layer
from archc.run.loss import parts
from archc.run.smoke.checks import close
from archc.run.smoke.report import Check
from archc.run.smoke.trial import SEED, Trial

_SEEDS = range(SEED + 1, SEED + 9)
"""Further draws of dropout masks, for outputs that may be equal by chance."""


def modes(trial: Trial) -> Check:
    """Compares outputs in both modes, and buffers before and after."""
    network = trial.size.subject.network
    random = [layer for layer in network.layers() if layer.op.is_random]
    tracking = [layer for layer in network.all_layers() if layer.op.updates_statistics]
    problem = (
        _heads(trial)
        or _evaluation(trial, random)
        or _training(trial, random, tracking)
    )
    if problem is not None:
        detail, layer = problem
        return Check("modes", "failed", detail, layer)
    kinds = sorted({layer.op.op for layer in (*random, *tracking)})
    kinds += ["heads"] if network.heads else []
    if not kinds:
        return Check("modes", "passed", "equal: nothing here depends on the mode")
    return Check("modes", "passed", f"they differ by {', '.join(kinds)}")


Problem = tuple[str, str | None]
"""What is wrong, and the layer."""


def _heads(trial: Trial) -> Problem | None:
    trial.model.eval()
    with torch.no_grad():
        output = trial.output(trial.images)
    network = trial.size.subject.network
    if isinstance(output, Tensor) != bool(network.spec.outputs) and (
        len(parts(output)) == len(network.outputs)
    ):
        return None
    return "eval() gives more than the network's output: heads are for training", None


def _main(trial: Trial, seed: int, *, train: bool) -> Tensor:
    """The network's own outputs."""
    trial.model.train(train)
    with torch.no_grad():
        output = trial.output(trial.images, seed)
    return trial.main(output)


def _evaluation(trial: Trial, random: Sequence[Layer]) -> Problem | None:
    """Evaluation must be the same each time, and leave no trace."""
    before = {name: b.clone() for name, b in trial.model.named_buffers()}
    a, b = (_main(trial, seed, train=False) for seed in (SEED, SEED + 1))
    for name, buffer in trial.model.named_buffers():
        if not torch.equal(buffer, before[name]):
            return f"eval() changes {name}", name.rpartition(".")[0]
    if close(trial, a, b):
        return None
    return f"eval() is random: {_one_of(random)} stays on", _first(random)


def _training(
    trial: Trial, random: Sequence[Layer], tracking: Sequence[Layer]
) -> Problem | None:
    evaluated = _main(trial, SEED, train=False)
    before = {name: b.clone() for name, b in trial.model.named_buffers()}
    first = _main(trial, SEED, train=True)
    after = dict(trial.model.named_buffers())
    for layer in tracking:
        name = f"{layer.path}.running_mean"
        if name in after and torch.equal(after[name], before[name]):
            return f"train() does not move the statistics of {layer.path}", layer.path
    # what must differ may do so by less than rounding, as dropout beside a small scale
    same = torch.equal if random else partial(close, trial)
    varies = any(
        not same(_main(trial, seed, train=True), first)
        for seed in (_SEEDS if random else _SEEDS[:1])
    )
    if varies and not random:
        return "train() is random, and the network has no dropout", None
    if random and not varies:
        return f"train() is not random: {_one_of(random)} is off", _first(random)
    if (random or tracking) != [] and torch.equal(first, evaluated):
        layer = _first((*random, *tracking))
        return f"train() and eval() agree in spite of {layer}", layer
    if not (random or tracking) and not close(trial, first, evaluated):
        return "train() and eval() differ, and nothing in the network does", None
    return None


def _first(layers: Sequence[Layer]) -> str | None:
    return layers[0].path if layers else None


def _one_of(layers: Sequence[Layer]) -> str:
    return " or ".join(layer.path for layer in layers) or "something"

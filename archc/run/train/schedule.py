"""The learning rate, as a function of how far the training is."""

from __future__ import annotations

from math import cos, pi

from archc.run.train.settings import Settings


def rate(settings: Settings, step: int, per_epoch: int) -> float:
    """The learning rate of a step, counted from zero; `per_epoch` are in an epoch.

    It has no state: a training that is resumed asks for the same number. The warm-up
    is on top of the schedule, not before it.
    """
    epoch = step / per_epoch
    factor = 1.0
    if settings.schedule == "cosine":
        factor = (1 + cos(pi * epoch / settings.epochs)) / 2
    elif settings.schedule == "step":
        factor = 0.1 ** sum(epoch >= milestone for milestone in settings.milestones)
    warm = settings.warmup * per_epoch
    # the first step shall move something too
    return settings.lr * factor * min((step + 1) / warm if warm else 1.0, 1.0)

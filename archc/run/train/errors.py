"""What ends a training."""

from __future__ import annotations


class CannotTrain(Exception):
    """What was asked for cannot be done; one line that says what to do about it."""


class Diverged(Exception):
    """The loss is no finite number any more."""


class Interrupted(Exception):
    """Somebody asked to stop; what was done is in a checkpoint."""

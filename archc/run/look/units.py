"""Units by name: a layer and one of its channels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from archc.diagnostics.suggest import did_you_mean
from archc.escaping import visible
from archc.network.graph import Layer
from archc.run.subject import Subject
from archc.run.train.errors import CannotTrain


@dataclass(frozen=True, slots=True)
class Unit:
    """A channel of what a layer gives, before any activation that comes after it."""

    layer: Layer
    channel: int
    """From 0."""

    @property
    def name(self) -> str:
        return f"{self.layer.path}:{self.channel}"


def named(subject: Subject, name: str) -> tuple[Layer, int | None]:
    """The layer and the channel that `conv5:17` means; `conv5` is all of a layer.

    Raises:
        CannotTrain: if there is none.
    """
    path, colon, number = name.rpartition(":")
    if not colon:
        path, number = name, ""
    layer = _layer(subject, path)
    count = channels(layer)
    if not colon:
        return layer, None
    if not (number.isascii() and number.isdigit() and int(number[:18]) < count):
        raise CannotTrain(
            f"{visible(name)}: the channels of {visible(path)} are 0 to {count - 1}"
        )
    return layer, int(number)


def _layer(subject: Subject, path: str) -> Layer:
    layers = list(subject.network.layers())
    found = next((layer for layer in layers if layer.path == path), None)
    if found is None:
        meant = did_you_mean(path, [layer.path for layer in layers])
        help = f": {meant}" if meant else f"; archc summary {subject.label} lists them"
        raise CannotTrain(
            f"{subject.label} has no layer {visible(path) or 'without a name'}{help}"
        )
    return found


def channels(layer: Layer) -> int:
    """How many a layer gives.

    Raises:
        CannotTrain: if no axis holds them.
    """
    shape = layer.output_shape()
    if shape.channel_axis is None:
        raise CannotTrain(
            f"{layer.path} gives {shape}, of which no axis holds channels"
        )
    return shape.sizes[shape.channel_axis]


def by_channel(layer: Layer, value: Tensor) -> Tensor:
    """N x channels x positions of what a layer gives."""
    axis = layer.output_shape().channel_axis
    assert axis is not None
    return (
        value.movedim(1 + axis, 1).flatten(2) if value.dim() > 2 else value[..., None]
    )


def strongest_position(unit: Unit, value: Tensor) -> tuple[Tensor, Tensor]:
    """Of each image the largest activation of a unit, and a tensor as `value` in which
    nothing but this one is left."""
    axis = unit.layer.output_shape().channel_axis
    assert axis is not None
    own = value.select(1 + axis, unit.channel)
    flat = own.reshape(len(own), -1)
    most, where = flat.max(1)
    left = torch.zeros_like(flat).scatter_(1, where[:, None], most[:, None])
    alone = torch.zeros_like(value)
    alone.select(1 + axis, unit.channel).copy_(left.view_as(own))
    return most, alone

"""Batches that a network cannot be trained with.

A normalisation over the batch of which a channel has one value gives zero whatever the
value is, and torch refuses that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archc.network.graph import Layer, Network


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a batch is refused, and the least that is not."""

    layer: str
    op: str
    least: int

    def __str__(self) -> str:
        return (
            f"`{self.layer}` ({self.op}) would have one value for each channel, and"
            f" torch refuses that; the least batch is {self.least}"
        )


def refusal(network: Network, batch: int) -> Refusal | None:
    """The first layer that refuses a batch of this size in training; None if none."""
    for layer in _layers(network):
        least = layer.op.smallest_batch(layer.input_shape(), training=True)
        if batch < least:
            return Refusal(layer.path, layer.op.op, least)
    return None


def _layers(network: Network) -> Iterator[Layer]:
    yield from network.layers()
    for head in network.heads:
        yield from head.region.layers()

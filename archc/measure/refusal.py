"""Batches that a network cannot be trained with.

A normalisation over the batch of which a channel has one value gives zero whatever the
value is, and torch refuses that.
"""

from __future__ import annotations

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


def smallest_batch(network: Network, *, training: bool) -> tuple[int, Layer | None]:
    """The samples that PyTorch wants in a batch, and the first layer that wants them.

    The layer is None where a single sample will do.
    """
    smallest, blamed = 1, None
    for layer in network.all_layers() if training else network.layers():
        wanted = layer.op.smallest_batch(layer.input_shape(), training=training)
        if wanted > smallest:
            smallest, blamed = wanted, layer
    return smallest, blamed


def refusal(network: Network, batch: int) -> Refusal | None:
    """The layer that refuses a batch of this size in training; None if none does."""
    least, layer = smallest_batch(network, training=True)
    if layer is None or batch >= least:
        return None
    return Refusal(layer.path, layer.op.op, least)

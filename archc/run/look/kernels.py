"""The kernels of convolutions."""

from __future__ import annotations

from torch import Tensor, nn

from archc.network.graph import Layer
from archc.run.look import paint
from archc.run.look.album import Grid, Tile
from archc.run.look.layered import Layered

_FIRST = 256
"""Kernels of a first layer that are shown."""
_MAPS = 16
"""Rows and columns that are shown of a deeper one."""


def has_kernels(layer: Layer, whole: Layered) -> bool:
    """Whether it has windows with a weight for each place."""
    weight = _weight(layer, whole)
    return weight is not None and weight.dim() == 4 and max(weight.shape[2:]) > 1


def _weight(layer: Layer, whole: Layered) -> Tensor | None:
    made = whole.part(layer).made
    known = isinstance(made, nn.Module) and layer.op.category == "convolution"
    found = getattr(made, "weight", None) if known else None
    return found if isinstance(found, Tensor) else None


def reads_image(layer: Layer, whole: Layered) -> bool:
    """Whether no other convolution stands before it, so that three channels are
    colours."""
    before = whole.cone(layer.inputs)
    return not any(each.op.category == "convolution" for each in before)


def kernels(layer: Layer, whole: Layered) -> Grid:
    """The kernels of a convolution over two axes, each scaled by itself.

    Those that read an image are shown in its colours. Of a deeper layer a row is an
    output channel, and a column one of the channels that it reads.
    """
    weight = _weight(layer, whole)
    assert weight is not None
    # a transposed one has its inputs first
    if getattr(whole.part(layer).made, "transposed", False):
        weight = weight.transpose(0, 1)
    outputs, inputs, height, width = weight.shape
    grey = "zero is grey, dark below and bright above, each scaled by itself"
    size = max((8 if outputs <= 32 else 4) * max(height, width), 28)
    if inputs == 1 or (inputs == 3 and reads_image(layer, whole)):
        shown = weight[:_FIRST]
        tiles = tuple(
            Tile(paint.signed(kernel), f"{i}") for i, kernel in enumerate(shown)
        )
        what = "in the colours of the image, " if inputs == 3 else ""
        columns = 16 if outputs > 32 else 8
        note = f"{_of(len(shown), outputs)} kernels of {height} x {width}: {what}{grey}"
        return Grid(
            "kernels", layer.path, f"kernels of {layer.path}", note, tiles, columns,
            size,
        )  # fmt: skip
    shown = weight[:_MAPS, :_MAPS]
    tiles = tuple(
        Tile(paint.signed(kernel[None], row.abs().max()))
        for row in shown
        for kernel in row
    )
    note = (
        f"{height} x {width}; a row is an output channel,"
        f" {_of(len(shown), outputs)}, a column a channel that it reads,"
        f" {_of(shown.shape[1], inputs)}: zero is grey, each row scaled by itself"
    )
    return Grid(
        "kernels", layer.path, f"kernels of {layer.path}", note, tiles, shown.shape[1],
        28,
    )  # fmt: skip


def _of(shown: int, there: int) -> str:
    return f"the first {shown} of {there:,}" if shown < there else f"all {there}"

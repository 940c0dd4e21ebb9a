"""The inputs nearest to a network's own at which all that is merged has one size."""

from __future__ import annotations

from archc.diagnostics.model import Sink
from archc.network.arguments import Arguments
from archc.network.inputs import input_shapes, parameters
from archc.network.smallest import advised, fits
from archc.ops.attributes import plain
from archc.ops.sizes import MAX_SIZE
from archc.spec.model import Spec

MISMATCHES = ("merge-mismatch", "skip-mismatch")
_WRONG = (*MISMATCHES, "window-too-large")
_REACH = 64
"""How far from the given size is looked: six halvings."""
_VISITS = 40_000
"""How many nodes may be walked in all."""


def with_fitting_inputs(spec: Spec, found: Sink, visits: int) -> Sink:
    """The diagnostics, those of sizes that differ naming the inputs that fit.

    `visits` is how many nodes one walk takes.
    """
    arguments = Arguments(Sink())
    # of several inputs nobody knows which ones go together
    (shape, *others) = input_shapes(
        spec, parameters(spec, arguments), arguments
    ).values()
    if others or shape is None or len(shape.dims) < 2:
        return found
    fitting = [
        f"input = {plain(dims)}"
        for step in (-1, 1)
        if (dims := _nearest(spec, shape.sizes, step, visits)) is not None
    ]
    if not fitting:
        return found
    return advised(found, MISMATCHES, f"{' or '.join(fitting)} fits", "; or ")


def _nearest(
    spec: Spec, dims: tuple[int, ...], step: int, visits: int
) -> tuple[int, ...] | None:
    """The nearest input that fits, down or up; None if none was found.

    The axes go their own ways, so each is looked for on a square of its size.
    """
    channels, *sizes = dims
    tries = min(_REACH, _VISITS // max(4 * visits, 1))
    found: dict[int, int] = {}
    for size in {*sizes}:
        for at in range(size, size + step * (tries + 1), step):
            if not size <= 2 * at <= 2 * MAX_SIZE:
                break
            if fits(spec, (channels, *(at for _ in sizes)), _WRONG):
                found[size] = at
                break
        else:
            return None
    if found.keys() != {*sizes}:
        return None
    nearest = channels, *(found[size] for size in sizes)
    return nearest if fits(spec, nearest, _WRONG) else None

"""The smallest input on which every window of a network fits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from archc.diagnostics.model import Sink
from archc.network.arguments import Arguments
from archc.network.elaborator import Elaborator
from archc.network.inputs import input_shapes, parameters
from archc.network.walk import TooLarge
from archc.spec.model import Spec

LARGEST_TRIED = 4096
_TOO_SMALL = ("window-too-large",)


def with_smallest_input(spec: Spec, found: Sink) -> Sink:
    """The diagnostics, those of windows that do not fit naming the smallest input."""
    arguments = Arguments(Sink())
    # of several inputs nobody knows which ones go together
    (shape, *others) = input_shapes(
        spec, parameters(spec, arguments), arguments
    ).values()
    if others or shape is None or len(shape.dims) < 2:
        return found
    smallest = smallest_input(spec, shape.sizes)
    if smallest is None:
        return found
    advice = f"the smallest input that works is {' x '.join(map(str, smallest))}"
    return advised(found, _TOO_SMALL, advice, "; ")


def smallest_input(spec: Spec, dims: tuple[int, ...]) -> tuple[int, ...] | None:
    """The smallest input in the given proportions that fits; None if none was found."""
    channels, *sides = dims
    shortest = min(sides)

    def scaled(size: int) -> tuple[int, ...]:
        return channels, *(side * size // shortest for side in sides)

    low = high = shortest
    while not fits(spec, scaled(high), _TOO_SMALL):
        low, high = high, high * 2
        if high > LARGEST_TRIED:
            return None
    while low + 1 < high:
        middle = (low + high) // 2
        if fits(spec, scaled(middle), _TOO_SMALL):
            high = middle
        else:
            low = middle
    return scaled(high)


def fits(spec: Spec, dims: tuple[int, ...], codes: Collection[str]) -> bool:
    """Whether a network of this input is without mistakes of these codes."""
    sink = Sink()
    try:
        Elaborator(spec, sink, dims).run()
    except TooLarge:
        return False
    return not any(d.code in codes for d in sink)


def advised(found: Sink, codes: Collection[str], advice: str, joint: str) -> Sink:
    """The diagnostics, those of these codes with advice before their own help."""
    told = Sink()
    for diagnostic in found:
        if diagnostic.code in codes:
            own = f"{joint}{diagnostic.help}" if diagnostic.help else ""
            diagnostic = replace(diagnostic, help=advice + own)
        told.report(diagnostic)
    return told

"""What slides over a map, with padding that may differ by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from archc.importing.trace import Sizes
from archc.spec.expressions import is_sequence


@dataclass(frozen=True, slots=True)
class Window:
    """How a kernel slides along each axis of a map."""

    kernel: list[int]
    stride: list[int]
    dilation: list[int]
    before: list[int]
    behind: list[int]

    @property
    def is_even(self) -> bool:
        """Whether both sides of each axis are padded alike."""
        return self.before == self.behind

    @property
    def keeps_edges(self) -> bool:
        """Whether each window that reaches beyond the map has the map's edge in it, so
        that the edge, repeated there, changes no maximum."""
        sides = zip(self.kernel, self.dilation, self.before, self.behind, strict=True)
        return all(d == 1 and max(a, b) < k for k, d, a, b in sides)

    @property
    def bare(self) -> Window:
        """The same without padding."""
        none = [0] * len(self.kernel)
        return replace(self, before=none, behind=none)

    @property
    def sides(self) -> list[int]:
        """The padding as torch has it, the last axis first."""
        pairs = zip(reversed(self.before), reversed(self.behind), strict=True)
        return [side for pair in pairs for side in pair]


def one(sizes: Any) -> Any:
    """One number in place of the same for each axis."""
    if is_sequence(sizes) and len({*sizes}) == 1:
        return sizes[0]
    return sizes


def counts(sizes: Sizes, window: Window, ceil: bool) -> list[int]:
    """How many windows are seen along each axis; torch and onnxruntime leave out those
    that begin behind the map."""
    found: list[int] = []
    for n, size in enumerate(sizes):
        reach = window.dilation[n] * (window.kernel[n] - 1) + 1
        free = size + window.before[n] + window.behind[n] - reach
        stride = window.stride[n]
        count = (-(-free // stride) if ceil else free // stride) + 1
        if ceil and (count - 1) * stride >= size + window.before[n]:
            count -= 1
        found.append(count)
    return found


def rounding(
    spatial: Sizes, window: Window, wanted: list[int], up: bool = False
) -> tuple[bool, list[int]]:
    """How a pooling of torch's, which pads both sides alike, has at least as many
    windows, and how many: those behind are cut off. Its padding does not count in what
    it gives. It rounds `up` where it has to, or where that does as well.

    Raises:
        ValueError: if it cannot; why, in a sentence.
    """
    if any(2 * b > k for b, k in zip(window.before, window.kernel, strict=True)):
        raise ValueError("it pads by more than half of its kernel")
    alike = replace(window, behind=window.before)
    for ceil in (up, not up):
        seen = counts(spatial, alike, ceil)
        if all(a >= b for a, b in zip(seen, wanted, strict=True)):
            return ceil, seen
    raise ValueError("no op pools with so much padding behind the map")

"""What the parts of a stage are, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from archc.draw import labels
from archc.draw.figure import Box, Leaf, Node
from archc.draw.runs import total
from archc.draw.windows import of_one_block, windows

_T = TypeVar("_T")
Outer = Node | Box
"""What remains after joining: a leaf stands in a node."""
_MOST_PARTS = 3
"""Up to how many kinds of parts of a stage are all told."""


def shared(found: Sequence[_T]) -> _T | None:
    """What all of them are; None if they differ, or there are none."""
    return found[0] if found and all(one == found[0] for one in found) else None


def windows_of(boxes: Sequence[Box], reads: Mapping[Leaf, Sequence[Leaf]]) -> str:
    """What all of some boxes convolve with, with strides where they agree in these."""
    for strides in (True, False):
        found = shared([windows(box, reads, strides=strides) for box in boxes])
        if found:
            return found
    return ""


def _block_of(box: Box) -> str:
    """The blocks that it repeats, or what else it has names for."""
    boxes = [part for part in box.children if isinstance(part, Box)]
    return box.block or ", ".join(dict.fromkeys(x.block or x.name for x in boxes))


def repeats(box: Box, reads: Mapping[Leaf, Sequence[Leaf]]) -> list[str]:
    """How often those of its parts come that are repeated, and what they convolve with:
    `bottleneck ×6: 1×1, 3×3, 1×1`."""
    found: dict[str, list[Outer]] = {}
    for part in box.children:
        if isinstance(part, Box | Node):
            found.setdefault(repeated(part), []).append(part)
    again = {n: any(x.count not in ("", "1") for x in found[n]) for n in found}
    if not any(again.values()) and not of_one_block(box):
        return []
    if len(found) > _MOST_PARTS:  # what is repeated says the most
        found = {name: parts for name, parts in found.items() if again[name]}
    counts = {name: total(*(x.count or "1" for x in found[name])) for name in found}
    lines: list[str] = []
    for name, parts in found.items():
        boxes = [part for part in parts if isinstance(part, Box)]
        inside = windows_of(boxes, reads)
        nodes = [x for x in parts if isinstance(x, Node)]
        told = all(x.lead.category in ("convolution", "pooling") for x in nodes)
        if not name or not (told or again[name]):
            continue
        times = "" if counts[name] == "1" else f" ×{counts[name]}"
        if inside and not any(map(_block_of, boxes)):
            # a repetition without a name is what it convolves with
            line = f"({inside}){times}" if "," in inside else f"{inside}{times}"
        else:
            line = ": ".join(filter(None, (f"{name}{times}".strip(), inside)))
        lines.append(line)
    return lines


def repeated(item: Outer) -> str:
    """What is repeated: its block, or else what it has that is most of its own."""
    if isinstance(item, Node):
        return labels.said(item.lead)
    if block := _block_of(item):
        return block
    nodes = [part for part in item.children if isinstance(part, Node)]
    learned = [x for x in nodes if x.lead.category in ("convolution", "linear")]
    return next((labels.said(x.lead) for x in (*learned, *nodes)), "")

"""Channels and pixels in another order, written out as axes that are split, turned
about and joined again."""

from __future__ import annotations

from math import prod
from typing import Any

from archc.importing.nodes import Graph, Node
from archc.importing.trace import Sizes
from archc.ops.registry import OPS

_SPLIT = frozenset({"reshape", "unflatten"})
_JOIN = frozenset({"reshape", "flatten"})
Turn = tuple[str, dict[str, Any]]
"""An op with its attributes."""


def turns(chain: list[Node], graph: Graph) -> list[Turn]:
    """The ops that a split, a turn and a join are together; none, if they are none."""
    if len(chain) < 3 or chain[0].op not in _SPLIT or chain[2].op not in _JOIN:
        return []
    first, turn, last = chain
    source, split = graph.shapes[graph.value(first.reads[0])], graph.shapes[first.makes]
    joined = graph.shapes[last.makes]
    if source.channel_axis != 0 or len(joined.dims) != len(source.dims):
        return []
    sizes = source.sizes, split.sizes, joined.sizes
    if turn.op == "transpose":
        axes = {turn.attributes["dim0"], turn.attributes["dim1"]}
        return _shuffled(*sizes) if axes == {1, 2} else []
    order: list[int] = turn.attributes["dims"] if turn.op == "permute" else []
    if order[:3] == [0, 2, 1] and order == [0, 2, 1, *range(3, len(order))]:
        return _shuffled(*sizes)
    return _blocks(*sizes, order) if len(source.dims) == 3 else []


def _shuffled(source: Sizes, split: Sizes, joined: Sizes) -> list[Turn]:
    """Channels of several groups, interleaved; the map may lie in a row in between."""
    whole = split[2:] in (source[1:], (prod(source[1:]),))
    if not whole or joined != source:
        return []
    return [("channel_shuffle", {"groups": split[0]})]


def _blocks(source: Sizes, split: Sizes, joined: Sizes, order: list[int]) -> list[Turn]:
    """Squares of pixels that become channels, or come of them."""
    channels, height, width = source
    if len(split) != 5 or height == joined[1]:
        return []
    if height < joined[1]:
        by = joined[1] // height
        shuffle: Turn = "pixel_shuffle", {"upscale_factor": by}
        larger = (channels // by**2, height * by, width * by)
        if joined != larger:
            return []
        if (split, order) == ((larger[0], by, by, height, width), [0, 1, 4, 2, 5, 3]):
            return [shuffle]
        if (split, order) == ((by, by, larger[0], height, width), [0, 3, 4, 1, 5, 2]):
            return [("channel_shuffle", {"groups": by * by}), shuffle]
        return []
    by = height // joined[1]
    smaller = (height // by, width // by)
    if joined != (channels * by**2, *smaller) or split != (
        channels, smaller[0], by, smaller[1], by
    ):  # fmt: skip
        return []
    unshuffle: Turn = "pixel_unshuffle", {"downscale_factor": by}
    if order == [0, 1, 3, 5, 2, 4]:
        return [unshuffle]
    if order == [0, 3, 5, 1, 2, 4]:
        return [unshuffle, ("channel_shuffle", {"groups": channels})]
    return []


def say(turned: list[Turn], chain: list[Node], graph: Graph) -> list[Node]:
    """Makes the last ops of a chain these; the others, which are needed no more."""
    kept = chain[-len(turned) :]
    read = chain[0].reads
    for node, (op, attributes) in zip(kept, turned, strict=True):
        node.op, node.attributes, node.reads = op, attributes, read
        shape = graph.shapes[graph.value(read[0])]
        graph.shapes[node.makes] = OPS[op](**attributes).infer(shape)
        read = (node.makes,)
    return chain[: -len(turned)]

"""Parts of a value along its axes."""

from __future__ import annotations

from typing import Any

from archc.importing.onnx.drawing import Computed
from archc.importing.onnx.rules import Reading, rule
from archc.importing.trace import Unsaid, Value

_MOST_RUNS = 16
"""Channels in an order that is cut into more parts are refused."""


@rule("Split")
def _split(node: Reading) -> None:
    at = node.axis(node.attribute("axis", 0))
    held = node.computed()
    axis, sizes = held.axes[at], node.drawing.sizes[held.number]
    parts = tuple(made[at] for made in node.made)
    if len(parts) == 1:
        node.same()
        return
    outs = [(*sizes[:axis], part, *sizes[axis + 1 :]) for part in parts]
    settings = {"input": Value(held.number), "split_size_or_sections": parts,
                "dim": axis}  # fmt: skip
    first = node.drawing.call("torch.split", settings, *outs)
    node.results = [Computed(first + n, held.axes) for n in range(len(parts))]


@rule("Slice")
def _slice(node: Reading) -> None:
    held, rank = node.computed(), len(node.sizes())
    starts, ends = node.setting("starts", 1), node.setting("ends", 2)
    along = node.setting("axes", 3) or list(range(len(starts)))
    steps = node.setting("steps", 4) or [1] * len(starts)
    sizes = list(node.drawing.sizes[held.number])
    index: list[Any] = [("slice", None, None, None)] * rank
    for start, end, axis, step in zip(starts, ends, along, steps, strict=True):
        place = held.axes[node.axis(int(axis))]
        found = range(sizes[place])[int(start) : int(end) : int(step)]
        if step < 1:
            raise Unsaid("it turns an axis around")
        if found == range(sizes[place]):
            continue
        if place == 0 or not len(found):
            raise Unsaid("it takes a part of the batch, or nothing")
        index[place] = ("slice", found.start, found.stop, found.step)
        sizes[place] = len(found)
    if all(part == ("slice", None, None, None) for part in index):
        node.same()
        return
    settings = {"input": Value(held.number), "index": tuple(index)}
    number = node.drawing.call("torch.Tensor.__getitem__", settings, sizes)
    node.results = [Computed(number, held.axes)]


@rule("Gather")
def _gather(node: Reading) -> None:
    """What stands at places along an axis, taken in runs."""
    places = node.constant(1, "places")
    held, at = node.computed(), node.axis(node.attribute("axis", 0))
    axis, sizes = held.axes[at], node.drawing.sizes[held.number]
    if places.ndim > 1 or axis == 0 or not places.size:
        raise Unsaid("it takes samples of a batch, or places of several axes")
    found = [int(n) % sizes[axis] for n in places.reshape(-1)]
    runs = _runs(found)
    if len(runs) > _MOST_RUNS:
        raise Unsaid("it takes channels in an order of its own")
    parts = [_taken(node, held, axis, run) for run in runs]
    number = parts[0]
    if len(parts) > 1:
        made = [*sizes[:axis], len(found), *sizes[axis + 1 :]]
        settings = {"tensors": tuple(map(Value, parts)), "dim": axis}
        number = node.drawing.call("torch.cat", settings, made)
    if places.ndim:
        node.results = [Computed(number, held.axes)]
        return
    made = [size for n, size in enumerate(sizes) if n != axis]
    settings = {"input": Value(number), "shape": (-1, *made[1:])}
    number = node.drawing.call("torch.reshape", settings, made)
    left = [n - (n > axis) for n in held.axes if n != axis]
    node.results = [Computed(number, tuple(left))]


def _runs(places: list[int]) -> list[range]:
    """Places as parts of an axis, each in its order."""
    found: list[range] = []
    for place in places:
        if found and found[-1].stop == place:
            found[-1] = range(found[-1].start, place + 1)
        else:
            found.append(range(place, place + 1))
    return found


def _taken(node: Reading, held: Computed, axis: int, run: range) -> int:
    """One part of a value along an axis of the trace."""
    sizes = list(node.drawing.sizes[held.number])
    if run == range(sizes[axis]):
        return held.number
    index: list[Any] = [("slice", None, None, None)] * len(sizes)
    index[axis] = ("slice", run.start, run.stop, 1)
    sizes[axis] = len(run)
    settings = {"input": Value(held.number), "index": tuple(index)}
    return node.drawing.call("torch.Tensor.__getitem__", settings, sizes)

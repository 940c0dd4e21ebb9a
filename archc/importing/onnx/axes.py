"""Axes: in another order, joined, parted, cut, gone."""

from __future__ import annotations

from typing import Any

from archc.importing.onnx.drawing import Computed, Known
from archc.importing.onnx.rules import Reading, rule
from archc.importing.trace import Unsaid, Value


@rule("Transpose")
def _transpose(node: Reading) -> None:
    held, rank = node.computed(), len(node.sizes())
    order = node.attribute("perm", None) or list(reversed(range(rank)))
    node.results = [Computed(held.number, tuple(held.axes[n] for n in order))]


@rule("Identity", "Dropout")
def _same(node: Reading) -> None:
    if any(node.readers[name] for name in node.node.makes[1:]):
        raise Unsaid("somebody reads which numbers it drops (`mask`)")
    if node.has(2) and node.constant(2, "`training_mode`"):
        raise Unsaid("it drops numbers at random in evaluation (`training_mode`)")
    node.same()


@rule("Cast")
def _cast(node: Reading) -> None:
    if node.attribute("to") != 1:
        raise Unsaid("it makes other numbers than float32 of what it reads")
    node.same()


@rule("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def _reshape(node: Reading) -> None:
    made, held = node.made[0], node.computed()
    sizes = node.drawing.sizes[held.number]
    behind = [held.axes[n] for n in range(len(held.axes)) if node.sizes()[n] != 1]
    if behind == sorted(behind):
        # only axes of size 1 stand elsewhere: the numbers are in one order
        number = held.number
    else:
        number = node.plain()
        sizes = node.sizes()
    if tuple(made) == tuple(sizes):
        node.results = [Computed(number, tuple(range(len(made))))]
        return
    if not made or made[0] != node.drawing.batch:
        raise Unsaid("it lays samples of a batch out on other axes")
    settings = {"input": Value(number), "shape": (-1, *made[1:])}
    number = node.drawing.call("torch.reshape", settings, made)
    node.results = [Computed(number, tuple(range(len(made))))]


@rule("Concat")
def _concat(node: Reading) -> None:
    if any(isinstance(held, Known) for held in node.held):
        raise Unsaid("it joins a constant to computed values")
    if len(node.held) == 1:
        node.same()
        return
    at = node.axis(node.attribute("axis", 1))
    numbers, axes = node.along()
    axis = axes[at]
    sizes = [node.drawing.sizes[number] for number in numbers]
    made = list(sizes[0])
    made[axis] = sum(each[axis] for each in sizes)
    settings = {"tensors": tuple(map(Value, numbers)), "dim": axis}
    number = node.drawing.call("torch.cat", settings, made)
    node.results = [Computed(number, axes)]


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


@rule("ReduceMean", "ReduceSum", "ReduceMax")
def _reduce(node: Reading) -> None:
    held, rank = node.computed(), len(node.sizes())
    given = node.setting("axes", 1)
    if not given and node.attribute("noop_with_empty_axes", 0):
        node.same()
        return
    axes = [node.axis(int(a)) for a in given] if given else list(range(rank))
    keeps = bool(node.attribute("keepdims", 1))
    places = sorted(held.axes[axis] for axis in axes)
    name = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "amax"}[node.node.op]
    sizes = node.drawing.sizes[held.number]
    settings: dict[str, Any] = {"input": Value(held.number)}
    if 0 in places:
        raise Unsaid("it reduces the batch")
    whole = places == list(range(2, rank)) and rank > 2
    if keeps and whole and name != "sum":
        kind = "avg" if name == "mean" else "max"
        prefix = "torch" if (kind, rank) == ("avg", 3) else "torch.nn.functional"
        function = f"{prefix}.adaptive_{kind}_pool{rank - 2}d"
        made = [1 if n in places else size for n, size in enumerate(sizes)]
        number = node.drawing.call(function, settings | {"output_size": 1}, made)
        node.results = [Computed(number, held.axes)]
        return
    settings |= {"dim": tuple(places), "keepdim": keeps}
    made = [1 if n in places else size for n, size in enumerate(sizes)
            if keeps or n not in places]  # fmt: skip
    number = node.drawing.call(f"torch.{name}", settings, made)
    left = [n for n in range(rank) if n not in places]
    order = [a for a in held.axes if a not in places]
    axes_left = held.axes if keeps else tuple(left.index(a) for a in order)
    node.results = [Computed(number, axes_left)]

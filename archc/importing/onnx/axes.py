"""Axes: in another order, joined, made wide, gone."""

from __future__ import annotations

from math import prod

from archc.importing.onnx.drawing import Computed, Known
from archc.importing.onnx.rules import EVALUATING, Reading, rule
from archc.importing.trace import Sizes, Unsaid, Value


@rule("Transpose")
def _transpose(node: Reading) -> None:
    held, rank = node.computed(), len(node.sizes())
    order = node.attribute("perm", None) or list(reversed(range(rank)))
    node.results = [Computed(held.number, tuple(held.axes[n] for n in order))]


@rule("Identity", "Dropout")
def _same(node: Reading) -> None:
    if any(node.readers[name] for name in node.node.makes[1:]):
        raise Unsaid("somebody reads which numbers it drops (`mask`)")
    rate = node.constant(1, "`ratio`") if node.has(1) else 0.5
    if node.has(2) and node.constant(2, "`training_mode`") and rate:
        raise Unsaid("it drops numbers at random, as in training (`training_mode`)",
                     EVALUATING)  # fmt: skip
    node.same()


@rule("Cast")
def _cast(node: Reading) -> None:
    _need_floats(node, node.attribute("to") == 1)


@rule("CastLike")
def _cast_like(node: Reading) -> None:
    like = node.held[1]
    # what is computed is float32
    _need_floats(node, not isinstance(like, Known) or like.array.dtype == "float32")


def _need_floats(node: Reading, is_float: bool) -> None:
    if not is_float:
        mend = "import the file as it was before, or export the network as `.float()`"
        raise Unsaid("it makes other numbers than float32 of what it reads", mend)
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
    source = _laid_before(node, number, made)
    if source is not None:
        node.results = [Computed(source, tuple(range(len(made))))]
        return
    alone = node.drawing.batch == sizes[0] == 1
    if alone and len(made) < len(sizes) and made[:1] != (1,):
        raise Unsaid("it takes the axis of the batch away", "export the network for any"
                     " number of samples, with what it gives by sample")  # fmt: skip
    if not made or made[0] != node.drawing.batch:
        raise Unsaid("it lays samples of a batch out on other axes")
    settings = {"input": Value(number), "shape": (-1, *made[1:])}
    number = node.drawing.call("torch.reshape", settings, made)
    node.results = [Computed(number, tuple(range(len(made))))]


def _laid_before(node: Reading, number: int, made: Sizes) -> int | None:
    """The value of these sizes of which another is only laid out otherwise."""
    maker = node.drawing.maker(number)
    if maker is None or maker.function != "torch.reshape":
        return None
    source = maker.settings["input"].number
    return source if node.drawing.sizes[source] == tuple(made) else None


@rule("AsStrided")
def _as_strided(node: Reading) -> None:
    """Numbers by their places among all, which torch's exporter writes where they may
    stay where they are."""
    places, made = node.constant(1, "places"), node.made[0]
    sizes, number = node.sizes(), node.plain()
    if places.size != prod(sizes) or made[:1] != sizes[:1]:
        raise Unsaid("it takes some numbers by their places among those of all samples")
    found: list[int] = places.reshape(-1).tolist()
    if found != list(range(len(found))):
        raise Unsaid("it puts the numbers of all samples in another order")
    settings = {"input": Value(number), "shape": (-1, *made[1:])}
    number = node.drawing.call("torch.reshape", settings, made)
    node.results = [Computed(number, tuple(range(len(made))))]


@rule("Concat")
def _concat(node: Reading) -> None:
    if any(isinstance(held, Known) for held in node.held):
        _beside_zeros(node)
        return
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


def _beside_zeros(node: Reading) -> None:
    """What is joined to zeros of its channels is padded."""
    at = node.axis(node.attribute("axis", 1))
    ahead = next(n for n, h in enumerate(node.held) if isinstance(h, Computed))
    held = node.held[ahead]
    zeros = [h.array for h in node.held if isinstance(h, Known) and not h.array.any()]
    if not isinstance(held, Computed) or len(zeros) != len(node.held) - 1:
        raise Unsaid("it joins a constant to computed values")
    before = sum(array.shape[at] for array in zeros[:ahead])
    behind = sum(array.shape[at] for array in zeros[ahead:])
    axis, sizes = held.axes[at], node.drawing.sizes[held.number]
    made = [*sizes[:axis], before + sizes[axis] + behind, *sizes[axis + 1 :]]
    pad = (*[0] * (2 * (len(sizes) - 1 - axis)), before, behind)
    settings = {"input": Value(held.number), "pad": pad, "mode": "constant",
                "value": 0.0}  # fmt: skip
    number = node.drawing.call("torch.nn.functional.pad", settings, made)
    node.results = [Computed(number, held.axes)]


@rule("Expand", "Tile")
def _expand(node: Reading) -> None:
    """Axes of one are made wide."""
    held = node.computed()
    before, made = node.sizes(), node.made[0]
    before = (1,) * (len(made) - len(before)) + before
    if before == tuple(made):
        node.same()
        return
    spread = all(a in (1, b) for a, b in zip(before, made, strict=True))
    if len(made) != len(held.axes) or before[0] != made[0]:
        raise Unsaid("it repeats the samples of a batch, or adds axes")
    if not spread:
        _repeat(node, held, [b // a for a, b in zip(before, made, strict=True)])
        return
    sizes = [made[held.axes.index(n)] for n in range(len(made))]
    # an axis that stays as it is may be as large as the input makes it
    kept = node.drawing.sizes[held.number]
    wide = tuple(-1 if a == b else b for a, b in zip(kept, sizes, strict=True))
    settings = {"input": Value(held.number), "size": wide}
    number = node.drawing.call("torch.Tensor.expand", settings, sizes)
    node.results = [Computed(number, held.axes)]


def _repeat(node: Reading, held: Computed, times: list[int]) -> None:
    """A value beside itself along some axes."""
    number = held.number
    for at, count in enumerate(times):
        if count == 1:
            continue
        axis, sizes = held.axes[at], list(node.drawing.sizes[number])
        sizes[axis] *= count
        settings = {"tensors": (Value(number),) * count, "dim": axis}
        number = node.drawing.call("torch.cat", settings, sizes)
    node.results = [Computed(number, held.axes)]

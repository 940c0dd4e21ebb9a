"""Sums, means and the like over axes."""

from __future__ import annotations

from typing import Any

from archc.importing.onnx.drawing import Computed
from archc.importing.onnx.rules import Reading, rule
from archc.importing.trace import Sizes, Unsaid, Value

_FUNCTIONS = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "amax",
              "ReduceMin": "amax", "ReduceL2": "sum",
              "ReduceSumSquare": "sum"}  # fmt: skip


@rule(*_FUNCTIONS)
def _reduce(node: Reading) -> None:
    held, rank = node.computed(), len(node.sizes())
    given = node.setting("axes", 1)
    if not given and node.attribute("noop_with_empty_axes", 0):
        node.same()
        return
    axes = [node.axis(int(a)) for a in given] if given else list(range(rank))
    keeps = bool(node.attribute("keepdims", 1))
    places = sorted(held.axes[axis] for axis in axes)
    if 0 in places:
        raise Unsaid("it reduces the batch")
    op, number = node.node.op, held.number
    if op == "ReduceMin":
        # the smallest is the largest of the negative, turned about
        number = node.chain(("torch.mul", {"other": -1.0})).number
    elif op in ("ReduceL2", "ReduceSumSquare"):
        number = node.chain(("torch.pow", {"exponent": 2})).number
    number = _over(node, _FUNCTIONS[op], number, places, keeps)
    left = [n for n in range(rank) if n not in places]
    order = [a for a in held.axes if a not in places]
    axes_left = held.axes if keeps else tuple(left.index(a) for a in order)
    node.held = node.results = [Computed(number, axes_left)]
    if op == "ReduceMin":
        node.chain(("torch.mul", {"other": -1.0}))
    elif op == "ReduceL2":
        node.chain(("torch.sqrt", {}))


def _over(
    node: Reading, name: str, number: int, places: list[int], keeps: bool
) -> int:  # fmt: skip
    """A value reduced over these axes of the trace."""
    sizes = node.drawing.sizes[number]
    rank = len(sizes)
    settings: dict[str, Any] = {"input": Value(number)}
    whole = places == list(range(2, rank)) and rank > 2
    if keeps and whole and name != "sum":
        kind = "avg" if name == "mean" else "max"
        prefix = "torch" if (kind, rank) == ("avg", 3) else "torch.nn.functional"
        function = f"{prefix}.adaptive_{kind}_pool{rank - 2}d"
        settings["output_size"] = 1
        return node.drawing.call(function, settings, _left(sizes, places, True))
    settings |= {"dim": tuple(places), "keepdim": keeps}
    return node.drawing.call(f"torch.{name}", settings, _left(sizes, places, keeps))


def _left(sizes: Sizes, places: list[int], keeps: bool) -> list[int]:
    """Sizes without those of some axes, or with ones there."""
    return [1 if n in places else size for n, size in enumerate(sizes)
            if keeps or n not in places]  # fmt: skip


@rule("LpNormalization")
def _normalise(node: Reading) -> None:
    axis, held = node.axis(node.attribute("axis", -1)), node.computed()
    settings = {"p": float(node.attribute("p", 2)), "dim": held.axes[axis]}
    node.each("torch.nn.functional.normalize", settings)

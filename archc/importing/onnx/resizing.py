"""Maps of another size: ONNX has many ways to tell which pixels become one, and torch
has a few of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil, floor
from typing import Any

from archc.importing.onnx.drawing import Computed
from archc.importing.onnx.rules import Reading, rule, short
from archc.importing.trace import Unsaid, Value

_MODES = {("linear", 1): "linear", ("linear", 2): "bilinear",
          ("linear", 3): "trilinear", ("cubic", 2): "bicubic"}  # fmt: skip
_ROUNDINGS: dict[str, Callable[[float], int]] = {
    "round_prefer_floor": lambda x: ceil(x - 0.5),
    "round_prefer_ceil": lambda x: floor(x + 0.5),
    "floor": floor,
    "ceil": ceil,
}
_NEAR = 1e-4
"""Of a pixel: the same place by another order of float32 arithmetic."""


@rule("Resize", "Upsample")
def _resize(node: Reading) -> None:
    held = node.computed()
    sizes = node.drawing.sizes[held.number]
    made = _in_trace(held, node.made[0])
    if made[:2] != [*sizes[:2]]:
        raise Unsaid("it resizes more than maps")
    if node.attribute("antialias", 0) or node.attribute("exclude_outside", 0):
        raise Unsaid("no op resizes with `antialias` or `exclude_outside`")
    scales = _scales(node, held, sizes, made)
    spatial, wanted, scales = list(sizes[2:]), made[2:], scales[2:]
    by_size = [b / a for a, b in zip(spatial, wanted, strict=True)]
    settings = _how(node, spatial, wanted, scales)
    settings |= {"size": None, "scale_factor": None}
    asked = _input(node, 3 if _has_roi(node) else None) is not None
    whole = len({*scales}) == 1 and scales[0].is_integer()
    if scales == by_size and (asked if node.drawing.is_open else not whole):
        settings["size"] = tuple(wanted)
    elif len({*scales}) == 1:
        settings["scale_factor"] = int(scales[0]) if whole else scales[0]
    else:
        settings["scale_factor"] = tuple(scales)
    given = {"input": Value(held.number), **settings}
    number = node.drawing.call("torch.nn.functional.interpolate", given, made)
    node.results = [Computed(number, held.axes)]


def _in_trace(held: Computed, numbers: Sequence[Any]) -> list[Any]:
    """A number for each axis, in the order of the trace's axes."""
    return [numbers[held.axes.index(n)] for n in range(len(held.axes))]


def _has_roi(node: Reading) -> bool:
    return node.node.op == "Resize" and node.opset >= 11


def _input(node: Reading, at: int | None) -> list[float] | None:
    """What an input says, if it is given and says something."""
    if at is None or not node.has(at):
        return None
    array = node.constant(at, "size")
    return [float(n) for n in array.reshape(-1)] or None


def _scales(
    node: Reading, held: Computed, sizes: Sequence[int], made: Sequence[int]
) -> list[float]:
    """How many times as large each axis becomes, by the file; in the trace's order."""
    given = node.attribute("scales") or _input(node, 2 if _has_roi(node) else 1)
    found = [b / a for a, b in zip(sizes, made, strict=True)]
    policy = node.attribute("keep_aspect_ratio_policy", "stretch")
    axes = [*(node.attribute("axes") or range(len(held.axes)))]
    axes = [held.axes[node.axis(int(axis))] for axis in axes]
    if given is not None:
        for axis, scale in zip(axes, given, strict=True):
            # as it was before it was a float32, where that is the sizes' own
            exact = found[axis]
            found[axis] = exact if abs(scale - exact) < 1e-6 * exact else short(scale)
    elif policy != "stretch" and len({found[axis] for axis in axes}) > 1:
        raise Unsaid(f"it keeps the map's proportions ({policy}), which no op does")
    return found


def _how(
    node: Reading, sizes: list[int], made: Sequence[int], scales: Sequence[float]
) -> dict[str, Any]:
    """The mode in which torch takes the same pixels."""
    old = node.node.op == "Upsample" or node.opset < 11
    where = node.attribute("coordinate_transformation_mode", "half_pixel")
    where = "asymmetric" if old else where
    mode = node.attribute("mode", "nearest")
    rounded = node.attribute("nearest_mode", "round_prefer_floor")
    rounded = "floor" if old else rounded
    axes = [*zip(sizes, made, scales, strict=True)]
    theirs = [_places(where, *axis) for axis in axes]
    if mode == "nearest":
        pick = _ROUNDINGS[rounded]
        wanted = [
            _within(map(pick, each), n) for each, n in zip(theirs, sizes, strict=True)
        ]
        for name, offset in (("nearest", 0.0), ("nearest-exact", 0.5)):
            if wanted == [_nearest(offset, *axis) for axis in axes]:
                return {"mode": name}
        raise Unsaid(f"no op takes the nearest pixel as {where} and {rounded} do")
    name = _MODES.get((mode, len(sizes)))
    if name is None:
        raise Unsaid(f"no op resizes {len(sizes)} axes with the mode {mode!r}")
    if mode == "cubic" and short(node.attribute("cubic_coeff_a", -0.75)) != -0.75:
        raise Unsaid("no op resizes by this cubic function (`cubic_coeff_a`)")
    for corners, own in ((False, "half_pixel"), (True, "align_corners")):
        ours = [_places(own, *axis) for axis in axes]
        if all(
            _are_near(a, b, n, mode)
            for a, b, n in zip(theirs, ours, sizes, strict=True)
        ):
            return {"mode": name, "align_corners": corners}
    raise Unsaid(f"no op resizes with the mode {mode!r} as {where}")


def _places(where: str, size: int, made: int, scale: float) -> list[float]:
    """Where the pixels of an axis are taken from, by ONNX's rules."""
    if where == "half_pixel" or (where == "pytorch_half_pixel" and made > 1):
        return [(x + 0.5) / scale - 0.5 for x in range(made)]
    if where == "half_pixel_symmetric":
        off = size / 2 * (1 - made / (scale * size))
        return [off + (x + 0.5) / scale - 0.5 for x in range(made)]
    if where == "align_corners":
        return [x * (size - 1) / max(made - 1, 1) for x in range(made)]
    if where == "asymmetric":
        return [x / scale for x in range(made)]
    if where == "tf_half_pixel_for_nn":
        return [(x + 0.5) / scale for x in range(made)]
    if where == "pytorch_half_pixel":
        return [0.0]
    raise Unsaid(f"no op resizes as {where}")


def _nearest(offset: float, size: int, made: int, scale: float) -> list[int]:
    """The pixels that torch takes."""
    return _within((floor((x + offset) / scale) for x in range(made)), size)


def _within(places: Iterable[int], size: int) -> list[int]:
    return [min(max(place, 0), size - 1) for place in places]


def _are_near(one: list[float], other: list[float], size: int, mode: str) -> bool:
    """Whether two lists of places are the same; of two pixels beside each other, those
    beyond the edge are the last one."""
    if mode == "linear":
        one, other = (
            [min(max(x, 0.0), size - 1.0) for x in each] for each in (one, other)
        )
    return all(abs(a - b) < _NEAR for a, b in zip(one, other, strict=True))

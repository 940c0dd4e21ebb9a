"""Layers of several values."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from archc.importing.prototxt.rules import Reading, rule
from archc.importing.trace import Unsaid, Value


@rule("Eltwise")
def _eltwise(layer: Reading) -> Value:
    param = layer.param("eltwise_param")
    given = param.text("operation", "SUM")
    operation = {"0": "PROD", "1": "SUM", "2": "MAX"}.get(given, given)
    factors = param.numbers("coeff")
    param.flag("stable_prod_grad", True)
    if len(set(layer.sizes)) > 1:
        raise Unsaid("what it reads is not of one shape")
    function = {"PROD": "torch.mul", "SUM": "torch.add", "MAX": ""}.get(operation)
    if function is None or len(layer.inputs) < 2:
        raise Unsaid(f"its `operation` is {operation}, of {len(layer.inputs)} values")
    if factors and (operation != "SUM" or len(factors) != len(layer.inputs)):
        raise Unsaid(f"it has {len(factors)} factors (`coeff`) for a {operation} of"
                     f" {len(layer.inputs)} values")  # fmt: skip
    if operation == "MAX":
        return _largest(layer)
    first, *others = layer.inputs
    factors = factors or [1.0] * len(layer.inputs)
    first = layer.times(first, factors[0])
    for other, factor in zip(others, factors[1:], strict=True):
        less = factor == -1
        settings = {
            "input": first,
            "other": other if less else layer.times(other, factor),
        }
        first = layer.call("torch.sub" if less else function, settings, layer.size)
    return first


def _largest(layer: Reading) -> Value:
    """The larger of two values is the first, and what the second has more."""
    first, *others = layer.inputs
    for other in others:
        settings = {"input": other, "other": first}
        more = layer.call("torch.sub", settings, layer.size)
        more = layer.call("torch.relu", {"input": more}, layer.size)
        settings = {"input": first, "other": more}
        first = layer.call("torch.add", settings, layer.size)
    return first


@rule("Concat")
def _concat(layer: Reading) -> Value:
    param = layer.param("concat_param")
    axis = layer.axis(param.integer("axis", param.integer("concat_dim", 1)))
    rest = {(*each[: axis - 1], *each[axis:]) for each in layer.sizes}
    if len(rest) != 1:
        raise Unsaid("what it joins differs along other axes too")
    made = list(layer.size)
    made[axis - 1] = sum(each[axis - 1] for each in layer.sizes)
    if len(layer.inputs) == 1:
        return layer.input
    settings = {"tensors": tuple(layer.inputs), "dim": axis}
    return layer.drawing.call(layer.layer, "torch.cat", settings, tuple(made))


@rule("Tile")
def _tile(layer: Reading) -> Value:
    param = layer.param("tile_param")
    axis, count = layer.axis(param.integer("axis", 1)), param.integer("tiles")
    if count < 1:
        raise Unsaid(f"its `tiles` is {count}")
    made = list(layer.size)
    made[axis - 1] *= count
    settings = {"tensors": (layer.input,) * count, "dim": axis}
    return layer.drawing.call(layer.layer, "torch.cat", settings, tuple(made))


@rule("Slice")
def _slice(layer: Reading) -> Value:
    param = layer.param("slice_param")
    points, count = param.integers("slice_point"), len(layer.layer.makes)
    axis = layer.axis(param.integer("axis", param.integer("slice_dim", 1)))
    size = layer.size[axis - 1]
    if not points and size % count == 0:
        points = [size // count * n for n in range(1, count)]
    ends = [0, *points, size]
    parts = [stop - start for start, stop in pairwise(ends)]
    if len(parts) != count or min(parts) < 1:
        what = "channels" if axis == 1 else f"numbers along axis {axis}"
        raise Unsaid(f"{size} {what} are not {count} parts at {points}")
    sizes = [(*layer.size[: axis - 1], part, *layer.size[axis:]) for part in parts]
    settings = {"split_size_or_sections": tuple(parts), "dim": axis}
    return layer.call("torch.split", settings, *sizes)


@rule("Crop")
def _crop(layer: Reading) -> Value:
    """A part that is as large as another value, from `axis` on."""
    param = layer.param("crop_param")
    start, offsets = layer.axis(param.integer("axis", 2)), param.integers("offset")
    if len(layer.inputs) != 2 or len(layer.sizes[1]) != len(layer.size):
        raise Unsaid("it reads no two values of as many axes")
    count = len(layer.size) + 1 - start
    offsets = offsets * count if len(offsets) == 1 else offsets or [0] * count
    if len(offsets) != count:
        raise Unsaid(f"it has {len(offsets)} of `offset` for {count} axes")
    made = list(layer.size)
    index: list[Any] = [("slice", None, None, None)] * (len(layer.size) + 1)
    for axis, offset in enumerate(offsets, start):
        made[axis - 1] = layer.sizes[1][axis - 1]
        stop = offset + made[axis - 1]
        if offset < 0 or stop > layer.size[axis - 1]:
            raise Unsaid(f"it takes {offset} to {stop} of {layer.size[axis - 1]} along"
                         f" axis {axis}")  # fmt: skip
        index[axis] = ("slice", offset, stop, 1)
    settings = {"index": tuple(index)}
    return layer.call("torch.Tensor.__getitem__", settings, tuple(made))

"""Layers of several values."""

from __future__ import annotations

from itertools import pairwise

from archc.importing.prototxt.rules import Reading, rule
from archc.importing.trace import Unsaid, Value


@rule("Eltwise")
def _eltwise(layer: Reading) -> Value:
    param = layer.param("eltwise_param")
    given = param.text("operation", "SUM")
    operation = {"0": "PROD", "1": "SUM", "2": "MAX"}.get(given, given)
    factors = [float(text) for text in param.texts("coeff")]
    param.flag("stable_prod_grad", True)
    if operation == "MAX":
        raise Unsaid("no op takes the larger of two values (MAX)")
    if len(set(layer.sizes)) > 1:
        raise Unsaid("what it reads is not of one shape")
    function = {"PROD": "torch.mul", "SUM": "torch.add"}.get(operation)
    if function is None or len(layer.inputs) < 2:
        raise Unsaid(f"its `operation` is {operation}, of {len(layer.inputs)} values")
    if factors == [1.0, -1.0] and operation == "SUM":
        function = "torch.sub"
    elif any(factor != 1 for factor in factors):
        raise Unsaid("no op weighs the parts of a sum (`coeff`)")
    first, *others = layer.inputs
    for other in others:
        settings = {"input": first, "other": other}
        first = layer.call(function, settings, layer.size)
    return first


@rule("Concat")
def _concat(layer: Reading) -> Value:
    param = layer.param("concat_param")
    axis = param.integer("axis", param.integer("concat_dim", 1))
    rest = {each[1:] for each in layer.sizes}
    if axis not in (1, -len(layer.size)):
        raise Unsaid(f"it joins values along axis {axis}, not that of channels")
    if len(rest) != 1:
        raise Unsaid("the maps that it joins are not of one size")
    channels = sum(each[0] for each in layer.sizes)
    settings = {"tensors": tuple(layer.inputs), "dim": 1}
    made = (channels, *layer.size[1:])
    return layer.drawing.call(layer.layer, "torch.cat", settings, made)


@rule("Slice")
def _slice(layer: Reading) -> Value:
    param = layer.param("slice_param")
    points, count = param.integers("slice_point"), len(layer.layer.makes)
    if param.integer("axis", param.integer("slice_dim", 1)) != 1:
        raise Unsaid("it splits along another axis than that of channels")
    channels, *rest = layer.size
    if not points and channels % count == 0:
        points = [channels // count * n for n in range(1, count)]
    ends = [0, *points, channels]
    parts = [stop - start for start, stop in pairwise(ends)]
    if len(parts) != count or min(parts) < 1:
        raise Unsaid(f"{channels} channels are not {count} parts at {points}")
    sizes = [(part, *rest) for part in parts]
    settings = {"split_size_or_sections": tuple(parts), "dim": 1}
    return layer.call("torch.split", settings, *sizes)

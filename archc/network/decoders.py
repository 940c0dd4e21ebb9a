"""Maps that were made small and large again, and do not meet what they left.

A layer with a stride drops the rest of a division: 15 becomes 7, which doubled is 14.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from archc.diagnostics.model import Label
from archc.network.graph import Layer, Value
from archc.ops.attributes import plain, sides
from archc.ops.base import Op
from archc.ops.sizes import Shape, ShapeError
from archc.spec.model import OpNode

_FARTHEST = 10_000
"""How many layers back a cause is looked for."""


def grows(layer: Layer) -> bool:
    """Whether it enlarges the map that it reads."""
    before, after = _map(layer.inputs[0]), _map(layer.output)
    return len(before) == len(after) and any(
        was < now for was, now in zip(before, after, strict=True)
    )


def missed(a: Value, b: Value) -> tuple[list[Label], list[str]]:
    """Why two maps, one of which was enlarged, differ in size: labels, and mends.

    Nothing where neither was, or where what they differ in is not their size.
    """
    if len(_map(a)) != len(_map(b)) or _map(a) == _map(b):
        return [], []
    back = list(_back(a)), list(_back(b))
    apart = {*back[0]} ^ {*back[1]}
    ways = [[layer for layer in way if layer in apart] for way in back]
    large = next((n for n in (0, 1) if any(map(grows, ways[n]))), None)
    if large is None:
        return [], []
    value, other = (a, b) if large == 0 else (b, a)
    wanted = _map(other)
    grown = next(layer for layer in ways[large] if grows(layer))
    rounded = next((x for way in ways[::-1] for x in way if _rounds(x)), None)
    if large == 0:
        rounded = next((x for way in ways for x in way if _rounds(x)), None)
    mends: list[str] = []
    if _map(grown.output) == _map(value) and (mend := _stretched(grown, wanted)):
        mends.append(mend)
    elif rounded is None and (crop := _cropped(_map(value), wanted)):
        mends.append(crop)
    return [] if rounded is None else [_rounding(rounded)], mends


def unlike_inputs(values: Sequence[Value]) -> str | None:
    """What to do where values come from inputs of their own whose sizes differ; None
    where that is not so."""
    starts = [_start(value) for value in values]
    if None in starts or len({*starts}) < 2:
        return None
    found = dict.fromkeys(x.shape for x in starts if x is not None)
    shapes = [plain(shape.dims) for shape in found if shape is not None]
    if len({_map(x) for x in starts if x is not None}) < 2:
        return None
    listed = f"{', '.join(shapes[:-1])} and {shapes[-1]}"
    return (
        f"the inputs that they come from are {listed}: give these one size, or bring"
        ' one of the two to the other\'s with { op = "upsample", size = … }'
    )


def _start(value: Value) -> Value | None:
    """The one input that a value comes from; None if there are several."""
    starts = {v for layer in _back(value) for v in layer.inputs if v.layer is None}
    starts |= {value} if value.layer is None else set()
    return starts.pop() if len(starts) == 1 else None


def _map(value: Value) -> tuple[int, ...]:
    """The sizes behind the channels; nothing for what is no map."""
    shape = value.shape
    if shape is None or shape.channel_axis != 0:
        return ()
    return shape.sizes[1:]


def _back(value: Value) -> Iterator[Layer]:
    """The layers that a value comes from, the nearest first."""
    waiting, seen = [value], {value}
    for at in waiting:
        if at.layer is None:
            continue
        if len(seen) > _FARTHEST:
            return
        yield at.layer
        new = [v for v in at.layer.inputs if v not in seen]
        waiting.extend(new)
        seen.update(new)


def _rounds(layer: Layer) -> bool:
    """Whether it divides a map's size and leaves a rest; without a stride it does not
    divide."""
    before, after = _map(layer.inputs[0]), _map(layer.output)
    if len(before) != len(after):
        return False
    return any(
        2 * was >= 3 * now and was % now for was, now in zip(before, after, strict=True)
    )


def _rounding(layer: Layer) -> Label:
    place = layer.node.origin.at("op" if isinstance(layer.node, OpNode) else "merge")
    before, after = layer.inputs[0].shape, layer.output.shape
    return Label(place, f"`{layer.path}` rounds here: {before} became {after}")


def _stretched(layer: Layer, wanted: tuple[int, ...]) -> str | None:
    """What makes an enlarging layer give the size that is wanted."""
    if len(layer.inputs) > 1:
        return None  # it is as large as what it reads beside its map
    fields, x = type(layer.op).model_fields, layer.input_shape()
    had_set = layer.op.model_fields_set
    lacking = [want - now for want, now in zip(wanted, _map(layer.output), strict=True)]
    given = layer.op.model_dump(exclude_unset=True)
    had = sides(given.get("output_padding", 0), len(wanted))
    padded = [h + more for h, more in zip(had, lacking, strict=True)]
    for key, sizes, instead in (
        ("size", list(wanted), "scale_factor"),
        ("output_padding", padded, ""),
    ):
        if key not in fields:
            continue
        settings = {k: v for k, v in given.items() if k != instead}
        value = sizes[0] if key != "size" and len({*sizes}) == 1 else sizes
        if _gives(type(layer.op), {**settings, key: value}, x, wanted):
            there = f" in place of {instead}" if instead in had_set else ""
            return f"write {key} = {value}{there} on `{layer.path}`"
    return None


def _gives(
    op: type[Op], settings: dict[str, Any], x: Shape, wanted: tuple[int, ...]
) -> bool:
    try:
        return op.model_validate(settings).infer(x).sizes[1:] == wanted
    except (ValidationError, ShapeError):
        return False


def _cropped(size: tuple[int, ...], wanted: tuple[int, ...]) -> str | None:
    """What cuts the larger of two maps to the other's size, from its middle."""
    more = [now - want for want, now in zip(wanted, size, strict=True)]
    if not all(m >= 0 for m in more) and not all(m <= 0 for m in more):
        return None
    # the last axis first, as PyTorch pads
    halves = [(abs(m) // 2, abs(m) - abs(m) // 2) for m in reversed(more)]
    around = [-cut for half in halves for cut in half]
    op = f"zero_pad{len(size)}d"
    return f'crop the larger one with {{ op = "{op}", padding = {around} }}'

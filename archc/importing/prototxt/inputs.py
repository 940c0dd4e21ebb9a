"""What a file's network reads, and what that is called."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archc.importing.prototxt.drawing import Drawing
from archc.importing.prototxt.layers import Layer
from archc.importing.prototxt.text import Malformed
from archc.importing.sizes import unfit
from archc.importing.trace import Refusal, Sizes
from archc.spec.identifiers import of_input, of_output

Given = Sequence[tuple[str | None, Sizes]]
"""Shapes of inputs, with their names where they have one."""


def draw_inputs(
    draw: Drawing, inputs: Sequence[tuple[Layer, int]], given: Given
) -> None:
    """Adds the values that the network reads, each with the layer that gives it; or why
    there are none."""
    named_shapes = {name: shape for name, shape in given if name is not None}
    rest = [shape for name, shape in given if name is None]
    for layer, value in inputs:
        top = layer.tops[layer.makes.index(value)]
        name = _identifier(top)
        try:
            said = _input_sizes(layer, layer.makes.index(value))
        except Malformed as error:
            draw.trace.refused.append(
                Refusal(layer.name, error.reason, draw.file, layer.line, error.mend)
            )
            continue
        sizes = named_shapes.pop(name, None) or (rest.pop(0) if rest else said)
        if not sizes or min(sizes) < 1:
            reason = "nothing says what shape it gives; give --input C,H,W"
            mend = f"with another input, --input {name}=C,H,W says which is meant"
            refusal = Refusal(layer.name, reason, draw.file, layer.line, mend)
            draw.trace.refused.append(refusal)
            continue
        reason = unfit(sizes)
        if reason is not None:
            mend = "--input says another shape"
            refusal = Refusal(layer.name, reason, draw.file, layer.line, mend)
            draw.trace.refused.append(refusal)
            continue
        draw.numbers[value] = draw.value(tuple(sizes))
        draw.trace.inputs[name] = draw.numbers[value]
    if named_shapes or rest:
        names = ", ".join(draw.trace.inputs)
        reason = f"it reads {names or 'nothing that has a shape'}, and no more"
        mend = "give --input once for each of them"
        draw.trace.refused.append(Refusal("", reason, draw.file, mend=mend))


def _input_sizes(layer: Layer, at: int) -> Sizes:
    """The shape of a sample that a layer gives; empty if it does not say so."""
    message = layer.message
    for key in ("input_param", "dummy_data_param"):
        shapes = message.message(key).messages("shape")
        if shapes:
            return tuple(shapes[min(at, len(shapes) - 1)].integers("dim")[1:])
    dummy = message.message("dummy_data_param")
    older = [dummy.integers(key) for key in ("channels", "height", "width")]
    if all(older):
        return tuple(numbers[min(at, len(numbers) - 1)] for numbers in older)
    if at:
        return ()
    memory = message.message("memory_data_param")
    if memory.has("channels"):
        return tuple(memory.integer(k) for k in ("channels", "height", "width"))
    crop = message.message("transform_param").integer("crop_size")
    images = message.message("image_data_param")
    # Caffe reads these from the data, which are coloured images if nothing is said
    gray = message.message("transform_param").flag("force_gray", False)
    channels = 1 if gray or not images.flag("is_color", True) else 3
    if not crop:
        for key in ("data_param", "image_data_param", "window_data_param"):
            crop = crop or message.message(key).integer("crop_size")
    if crop:
        return channels, crop, crop
    height, width = images.integer("new_height"), images.integer("new_width")
    return (channels, height, width) if height and width else ()


def _identifier(name: str) -> str:
    """What the input or output of a network may be called."""
    near = re.sub(r"\W", "_", name, flags=re.ASCII)
    near = near if near[:1].isalpha() else f"x_{near}".rstrip("_")
    return near if of_input(near) is None else f"{near}_"


def output_name(name: str) -> str:
    """What an output may be called."""
    near = _identifier(name)
    return near if of_output(near) is None else f"{near}_"

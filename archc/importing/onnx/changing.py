"""Files changed for the comparison with what was made of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

_MOST_DRAWN = 300_000_000
_LEAST_DRAWN = 16
"""Of smaller weights one number says enough."""


def with_inputs(model: Any, shapes: Mapping[str, Sequence[int]]) -> Any:
    """The model, which from now on reads inputs with these shapes, the batch of which
    stays as it was."""
    for value in model.graph.input:
        sizes = shapes.get(value.name, ())
        dims = value.type.tensor_type.shape.dim
        for dim, size in list(zip(dims, sizes, strict=False))[1:]:
            dim.dim_value = size
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    return model


def unread(model: Any, read: Iterable[str]) -> dict[str, Any]:
    """Zeros for the inputs that no output depends on, which have to be given too."""
    import numpy
    from onnx import helper

    known = {*read, *(tensor.name for tensor in model.graph.initializer)}
    found: dict[str, Any] = {}
    for value in model.graph.input:
        if value.name not in known:
            tensor = value.type.tensor_type
            kind = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            shape = [max(dim.dim_value, 1) for dim in tensor.shape.dim]
            found[value.name] = numpy.zeros(shape, kind)
    return found


def with_random_weights(model: Any, known: Collection[str]) -> Any | None:
    """The model with random numbers where all of a weight is one number: two networks
    with such weights give the same, whichever they are. None if it has no such weights.

    `known` are the constants that are weights.
    """
    import numpy
    from onnx import numpy_helper

    draw = numpy.random.default_rng(0)
    weights = {t.name: t for t in model.graph.initializer}
    drawn: list[Any] = []
    made: set[str] = set()

    def note(name: str, shape: tuple[int, ...]) -> None:
        spread = float(numpy.prod(shape[1:])) ** -0.5 if len(shape) > 1 else 0.0
        numbers = (draw.standard_normal(shape) * spread if len(shape) > 1
                   else draw.uniform(0.5, 1.5, shape))  # fmt: skip
        drawn.append(numpy_helper.from_array(numbers.astype(numpy.float32), name))
        made.add(name)

    for node in model.graph.node:
        if node.op_type != "ConstantOfShape" or node.output[0] not in known:
            continue
        if node.input[0] in weights:
            shape = numpy_helper.to_array(weights[node.input[0]])
            kind = node.attribute[0].t.data_type if node.attribute else 1
            if kind == 1 and shape.size and shape.prod() < _MOST_DRAWN:
                note(node.output[0], tuple(int(n) for n in shape))
    for name, tensor in weights.items():
        if name in known and tensor.data_type == 1 and len(tensor.dims) > 1:
            numbers = numpy_helper.to_array(tensor)
            if numbers.size >= _LEAST_DRAWN and (numbers == numbers.flat[0]).all():
                note(name, numbers.shape)
    if not drawn:
        return None
    other = type(model)()
    other.CopyFrom(model)
    kept = [n for n in other.graph.node if not made.intersection(n.output)]
    del other.graph.node[:]
    other.graph.node.extend(kept)
    others = [t for t in other.graph.initializer if t.name not in made]
    del other.graph.initializer[:]
    other.graph.initializer.extend([*others, *drawn])
    return other

"""What of a file depends on no input, and the sizes of what does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from archc.importing.onnx.drawing import Known
from archc.importing.onnx.file import AGAIN, Node, Unreadable
from archc.importing.trace import Sizes, Unsaid

_MOST = 300_000_000
"""So many numbers are computed from constants at most."""
_SAME_SIZES = frozenset({"BatchNormalization", "Gelu", "GroupNormalization",
                         "HardSwish", "LayerNormalization", "LpNormalization", "Mish",
                         "Silu", "Swish"})  # fmt: skip
"""What gives the shape that it reads first; for some of these ONNX has no rule, or has
none in older sets."""
_SIZED = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1}
"""Which input says how much these make."""
_RANDOM = ("Random", "Multinomial", "Bernoulli")


def constant(tensor: Any, name: str) -> Known:
    """An initialiser as an array.

    Raises:
        Unreadable: if it has not the numbers that it says.
    """
    from onnx import numpy_helper

    try:
        return Known(numpy_helper.to_array(tensor), name)
    except (ValueError, TypeError) as error:
        reason = f"the numbers of `{name}` cannot be read: {error}"
        raise Unreadable(reason, AGAIN) from None


def computed(node: Node, held: Sequence[Known | None], opset: int) -> list[Known]:
    """What a node makes of constants alone.

    Raises:
        Unsaid: if that cannot be told.
    """
    import numpy
    from onnx import helper

    if node.op.startswith(_RANDOM):
        raise Unsaid("it draws numbers at random")
    sized = held[_SIZED[node.op]] if node.op in _SIZED else None
    if sized is not None:
        times = held[0].array.size if node.op == "Tile" and held[0] is not None else 1
        if numpy.prod(sized.array, dtype=float) * times > _MOST:
            raise Unsaid("it makes more numbers than anyone has memory for")
    given = {n: k.array for n, k in zip(node.reads, held, strict=True) if k is not None}
    inputs = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )
        for name, array in given.items()
    ]
    outputs = [helper.make_empty_tensor_value_info(n) for n in node.makes if n]
    graph = helper.make_graph([node.proto], "constants", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    try:
        made = _evaluated(model, given)
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Unsaid(f"it cannot be computed from constants: {said}") from None
    names = [n for n in node.makes if n]
    origin = next((k.name for k in held if k is not None and k.name), "")
    own = names[0] if node.op in ("Constant", "ConstantOfShape") else origin
    return [Known(numpy.asarray(array), own) for array in made]


def _evaluated(model: Any, given: dict[str, Any]) -> list[Any]:
    """What a model makes, by ONNX's own definitions, or by onnxruntime, which knows
    operators of older sets too."""
    from onnx.reference import ReferenceEvaluator

    try:
        evaluator: Any = ReferenceEvaluator(model)
        return evaluator.run(None, given)
    except Exception:
        runtime: Any = import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        return runtime.InferenceSession(model.SerializeToString(), options).run(
            None, given
        )


def sizes_made(
    node: Node,
    sizes: Sequence[Sizes | None],
    held: Sequence[Known | None],
    opset: int,
    readers: Counter[str],
) -> list[Sizes]:
    """The sizes of what a node makes, by ONNX's own rules; of what nobody reads, they
    may be none.

    Raises:
        Unsaid: if they cannot be told.
    """
    import onnx
    from onnx import helper, numpy_helper
    from onnx.checker import ValidationError
    from onnx.shape_inference import InferenceError, infer_node_outputs

    if node.op in _SAME_SIZES:
        return [sizes[0] or ()]
    if node.op == "AsStrided" and (places := held[1]) is not None:
        return [places.array.shape]
    known = {n: k.array for n, k in zip(node.reads, held, strict=True) if k is not None}
    types: dict[str, Any] = {}
    for name, own in zip(node.reads, sizes, strict=True):
        if name in known:
            array = known[name]
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            types[name] = helper.make_tensor_type_proto(kind, array.shape)
        elif own is not None:
            types[name] = helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, own)
    data = {n: numpy_helper.from_array(a, n) for n, a in known.items() if a.size < 1000}
    try:
        schema = onnx.defs.get_schema(node.proto.op_type, opset, "")
        made = infer_node_outputs(
            schema, node.proto, types, data,
            opset_imports=[helper.make_opsetid("", opset)],
        )  # fmt: skip
    except (
        InferenceError, ValidationError, onnx.defs.SchemaError, RuntimeError, ValueError
    ) as error:  # fmt: skip
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        said = said.removeprefix("[ShapeInferenceError] ")
        raise Unsaid(f"its shape cannot be told: {said}") from None
    found: list[Sizes] = []
    for name in node.makes:
        if not name:
            continue
        shape = made[name].tensor_type.shape if name in made else None
        if shape is not None and all(d.HasField("dim_value") for d in shape.dim):
            found.append(tuple(d.dim_value for d in shape.dim))
            if 0 in found[-1] and readers[name]:
                raise Unsaid(f"it gives nothing: {found[-1]}")
        elif readers[name]:
            raise Unsaid("its shape depends on the data")
        else:
            found.append(())
    return found

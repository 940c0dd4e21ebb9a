"""A model with its numbers as all else reads them: dense, and in single precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_OTHERS = {"FLOAT16": "float16", "BFLOAT16": "bfloat16", "DOUBLE": "float64"}
"""What is no float32 and yet holds any number, with torch's names."""


def make_plain(model: Any) -> list[str]:
    """Writes out what is sparse in a model, and makes float32 of other precisions.

    Gives the names of these.
    """
    import onnx

    kinds = {onnx.TensorProto.DataType.Value(k): name for k, name in _OTHERS.items()}
    found: set[str] = set()
    for graph in _graphs(model.graph):
        graph.initializer.extend(map(_dense, graph.sparse_initializer))
        del graph.sparse_initializer[:]
        for value in (*graph.input, *graph.output, *graph.value_info):
            kind = value.type.tensor_type
            if kind.elem_type in kinds:
                found.add(kinds[kind.elem_type])
                kind.elem_type = onnx.TensorProto.FLOAT
        tensors = [*graph.initializer]
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.name in ("to", "dtype") and attribute.i in kinds:
                    attribute.i = onnx.TensorProto.FLOAT
                if attribute.HasField("sparse_tensor"):
                    attribute.t.CopyFrom(_dense(attribute.sparse_tensor))
                    attribute.ClearField("sparse_tensor")
                    attribute.name, attribute.type = "value", attribute.TENSOR
                tensors += [attribute.t, *attribute.tensors]
        for tensor in tensors:
            if tensor.data_type in kinds:
                found.add(kinds[tensor.data_type])
                tensor.CopyFrom(_single(tensor))
    return sorted(found)


def _graphs(graph: Any) -> Iterator[Any]:
    """A graph, and those of the branches in it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            inner = [attribute.g] if attribute.HasField("g") else []
            for branch in (*inner, *attribute.graphs):
                yield from _graphs(branch)


def _single(tensor: Any) -> Any:
    import numpy
    from onnx import numpy_helper

    array = numpy_helper.to_array(tensor).astype(numpy.float32)
    return numpy_helper.from_array(array, tensor.name)


def _dense(tensor: Any) -> Any:
    """A sparse tensor written out; its places are counted over all axes, or along each
    of them."""
    import numpy
    from onnx import numpy_helper

    values = numpy_helper.to_array(tensor.values)
    at = numpy_helper.to_array(tensor.indices)
    array = numpy.zeros(tuple(tensor.dims), values.dtype)
    array[tuple(at.T) if at.ndim > 1 else numpy.unravel_index(at, array.shape)] = values
    return numpy_helper.from_array(array, tensor.values.name)

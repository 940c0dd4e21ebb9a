"""Small ONNX files, as text of a few lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """A file to be: each operator is a call that gives the name of what it makes."""

    def __init__(self, *shape: int | str, opset: int = 17, seed: int = 0) -> None:
        self.opset = opset
        self.draw = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
        self._count = 0

    def weight(self, *shape: int, name: str = "", positive: bool = False) -> str:
        """An initialiser with random numbers."""
        numbers = self.draw.uniform(0.5, 1.5, shape)
        if not positive and len(shape) > 1:
            numbers = self.draw.standard_normal(shape) * np.prod(shape[1:]) ** -0.5
        return self.constant(numbers.astype(np.float32), name)

    def constant(self, array: Any, name: str = "") -> str:
        self._count += 1
        name = name or f"c{self._count}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def ints(self, *numbers: int) -> str:
        return self.constant(np.array(numbers, dtype=np.int64))

    def floats(self, *numbers: float) -> str:
        return self.constant(np.array(numbers, dtype=np.float32))

    def __call__(self, op: str, *reads: str, **attributes: Any) -> str:
        """Adds a node."""
        self._count += 1
        made, name = f"v{self._count}", attributes.pop("name", "")
        self.nodes.append(helper.make_node(op, reads, [made], name=name, **attributes))
        return made

    def conv(
        self, x: str, out: int, channels: int, kernel: int = 3, **attributes: Any
    ) -> str:
        """Adds a convolution with bias."""
        weight = self.weight(out, channels, kernel, kernel)
        return self("Conv", x, weight, self.weight(out), **attributes)

    def model(self, *outputs: str) -> Any:
        graph = helper.make_graph(
            self.nodes, "graph", self.inputs,
            [helper.make_empty_tensor_value_info(name) for name in outputs],
            self.weights,
        )  # fmt: skip
        for value in graph.output:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def saved(self, directory: Path, *outputs: str) -> Path:
        path = directory / "net.onnx"
        package: Any = onnx
        package.save(self.model(*outputs), str(path))
        return path

"""Whether what works in place overwrites nothing that is needed.

Tensors are followed in the order in which `forward` makes them. A tensor that shares its
memory with another is one with it; an overwriting makes all tensors there stale that
were made before. PyTorch's autograd also needs what it keeps for the backward pass.
"""

from __future__ import annotations

from archc.emit.validate.disagreement import Fault
from archc.emit.validate.expected import ValueGraph
from archc.emit.validate.values import Storage, Tensor
from archc.network.graph import Layer
from archc.ops.base import Op, Shape
from archc.ops.steps import Device, Step

_DEVICES: tuple[Device, ...] = ("cpu", "cuda")


class Memory:
    """Where tensors lie, and what overwrites them."""

    def __init__(self, graph: ValueGraph) -> None:
        self._graph = graph

    def read(self, tensor: Tensor, reader: str) -> None:
        """Raises Fault where a tensor was overwritten before it is read."""
        if tensor.version != tensor.storage.version:
            writer = tensor.storage.writer
            assert writer is not None
            raise Fault(
                f"{reader} reads {_name(tensor)} after `{writer.path}` has overwritten"
                " it in place"
            )

    def result(
        self, node: int, layer: Layer, inputs: tuple[Tensor, ...], *, in_place: bool
    ) -> Tensor:
        """The tensor that a layer makes.

        Raises:
            Fault: if it reads what was overwritten, or overwrites what is needed.
        """
        for tensor in inputs:
            if tensor.version != tensor.storage.version:
                self.read(tensor, f"`{layer.path}`")
        if in_place:
            return self._overwrite(node, layer, inputs[0])
        for tensor in inputs:
            tensor.storage.uses.append((layer, tensor.node, False))
        storage = inputs[0].storage if _shares(layer) else Storage()
        storage.uses.append((layer, node, False))
        return Tensor(node, storage, layer)

    def _overwrite(self, node: int, layer: Layer, x: Tensor) -> Tensor:
        storage = x.storage
        if getattr(layer.op, "inplace", None) is False:
            raise Fault(f"`{layer.path}` works in place, and the spec does not want it")
        if storage.fixed:
            raise Fault(f"`{layer.path}` works in place on the network's input")
        for user, used, in_place in storage.uses:
            if used in self._kept(user, in_place=in_place):
                raise Fault(
                    f"`{layer.path}` overwrites {_name(x)} in place, and the backward"
                    f" pass of `{user.path}` needs it"
                )
        storage.version += 1
        storage.writer = layer
        storage.uses = [(layer, node, True)]
        return Tensor(node, storage, layer)

    def _kept(self, layer: Layer, *, in_place: bool) -> set[int]:
        """The nodes that autograd keeps of a layer for its backward pass."""
        nodes = self._graph.of
        inputs = [nodes[v] for v in layer.inputs]
        kept: set[int] = set()
        for steps in _steps(layer, in_place=in_place):
            # tensors are numbered: the inputs, then what each step gives
            last = len(inputs) + len(steps) - 1
            for step in steps:
                for number in step.keeps:
                    if number < len(inputs):
                        kept.add(inputs[number])
                    elif number == last:
                        kept.add(nodes[layer.output])
        return kept


def _steps(layer: Layer, *, in_place: bool) -> list[tuple[Step, ...]]:
    shapes: list[Shape] = []
    for value in layer.inputs:
        assert value.shape is not None
        shapes.append(value.shape)
    y = layer.output_shape()
    return [
        layer.op.steps(tuple(shapes), y, device=device, inplace=in_place)
        for device in _DEVICES
    ]


def _shares(layer: Layer) -> bool:
    """Whether the output may lie in the memory of the first input."""
    op = layer.op
    if op.aliases or op.merges or type(op).steps is Op.steps:
        return op.aliases
    return any(
        step.shares and 0 in step.reads
        for steps in _steps(layer, in_place=False)
        for step in steps
    )


def _name(tensor: Tensor) -> str:
    return "the input" if tensor.layer is None else f"`{tensor.layer.path}`"

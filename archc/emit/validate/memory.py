"""Whether what works in place overwrites nothing that is needed.

Tensors are followed in the order in which `forward` makes them. One that shares its
memory with another is one with it; an overwriting makes all tensors there stale that
were made before. PyTorch's autograd also needs what it keeps for the backward pass.
"""

from __future__ import annotations

from archc.emit.validate.autograd import OUTPUT, kept
from archc.emit.validate.disagreement import Fault
from archc.emit.validate.expected import ValueGraph
from archc.emit.validate.values import Storage, Tensor
from archc.network.graph import Layer


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
        self, node: int, inputs: tuple[Tensor, ...], *, in_place: bool
    ) -> Tensor:
        """The tensor of a node that a layer makes.

        Raises:
            Fault: if it reads what was overwritten, or overwrites what is needed.
        """
        layer, built = self._graph.layers[node], self._graph.built[node]
        assert layer is not None
        assert built is not None
        for tensor in inputs:
            if tensor.version != tensor.storage.version:
                self.read(tensor, f"`{layer.path}`")
        if in_place:
            return self._overwrite(node, layer, inputs[0])
        for tensor in inputs:
            tensor.storage.uses.append((node, tensor.node, False))
        storage = inputs[0].storage if built.shares else Storage()
        storage.uses.append((node, node, False))
        return Tensor(node, storage, layer)

    def _overwrite(self, node: int, layer: Layer, x: Tensor) -> Tensor:
        storage = x.storage
        if getattr(layer.op, "inplace", None) is False:
            raise Fault(f"`{layer.path}` works in place, and the spec does not want it")
        if storage.fixed:
            raise Fault(f"`{layer.path}` works in place on the network's input")
        for user, used, in_place in storage.uses:
            if used in self._kept(user, in_place=in_place):
                reader = self._graph.layers[user]
                assert reader is not None
                raise Fault(
                    f"`{layer.path}` overwrites {_name(x)} in place, and the backward"
                    f" pass of `{reader.path}` needs it"
                )
        storage.version += 1
        storage.writer = layer
        storage.uses = [(node, node, True)]
        return Tensor(node, storage, layer)

    def _kept(self, node: int, *, in_place: bool) -> set[int]:
        """The nodes that autograd keeps of what makes a node for its backward pass."""
        layer, built = self._graph.layers[node], self._graph.built[node]
        assert layer is not None
        assert built is not None
        numbers = built.kept.get(in_place)
        if numbers is None:
            shapes = tuple(v.shape for v in layer.inputs if v.shape is not None)
            y = layer.output_shape()
            numbers = built.kept[in_place] = kept(
                layer.op, shapes, y, in_place=in_place
            )
        of = self._graph.of
        return {of[layer.output if n == OUTPUT else layer.inputs[n]] for n in numbers}


def _name(tensor: Tensor) -> str:
    return "the input" if tensor.layer is None else f"`{tensor.layer.path}`"

"""A trace, as it is made from layers."""

from __future__ import annotations

from math import prod
from typing import Any

from archc.importing.prototxt.layers import Layer
from archc.importing.prototxt.names import Names
from archc.importing.trace import (
    BATCH,
    Call,
    Param,
    Place,
    Sizes,
    Tensor,
    Trace,
    Unsaid,
    Use,
    Value,
)


class Drawing:
    """A trace to be: a layer adds its calls, and the shapes that Caffe gives."""

    def __init__(self, trace: Trace, names: Names, file: str) -> None:
        self.trace = trace
        self.file = file
        self._names = names
        self._scopes: dict[str, int] = {"": 0}
        self.numbers: dict[int, int] = {}
        """Values of the trace by those of the layers."""
        self.macs: dict[str, int] = {}
        """Multiply-adds by the path of what does them."""
        self.paths: dict[tuple[str, ...], str] = {}
        """Paths by the names under which layers share their weights."""
        trace.uses.append(Use("", trace.class_name, -1))

    def path(self, layer: Layer) -> str:
        """The layer's key, or that of the layer whose weights it has too."""
        return self._names.paths[id(layer)]

    def sizes(self, value: int) -> Sizes | None:
        """A layer's value without the batch; None if it is not known."""
        number = self.numbers.get(value)
        return None if number is None else self.trace.shapes[number][1:]

    def value(self, sizes: Sizes) -> int:
        """A new value."""
        self.trace.shapes.append((BATCH, *sizes))
        return len(self.trace.shapes) - 1

    def tensor(self, key: str, *shape: int, trained: bool = True) -> Param:
        """A tensor of the network, which layers that share it have in one shape."""
        made = Tensor(shape, trained)
        known = self.trace.tensors.setdefault(key, made)
        if known != made:
            raise Unsaid(f"it shares `{key}`, which has the shape {known.shape} there"
                         f" and {shape} here")  # fmt: skip
        return Param(key)

    def call(
        self,
        layer: Layer,
        function: str,
        settings: dict[str, Any],
        *sizes: Sizes,
        named: bool = False,
        ahead: bool = False,
    ) -> Value:
        """Adds a call that makes values of these sizes; the first one.

        `named` is one without tensors that has its name all the same; `ahead` is one
        that stands before the layer's module, if that begins here.
        """
        made = tuple(self.value(each) for each in sizes)
        scope = self._names.scopes[id(layer)]
        ahead = ahead and scope not in {*self._scopes, *self._names.heads}
        use = 0 if ahead else self._scope(scope)
        if named:
            use = self._use(self.path(layer), "caffe.layer", use)
        place = Place(self.file, layer.line)
        self.trace.calls.append(Call(function, settings, made, use, place))
        return Value(made[0])

    def count(self, path: str, weights: int, out: Sizes) -> None:
        """Notes multiply-adds: `weights` for each place of the output."""
        self.macs[path] = self.macs.get(path, 0) + weights * prod(out)

    def _scope(self, name: str) -> int:
        if name not in self._scopes:
            self._scopes[name] = self._use(
                name, f"caffe.{self._names.classes[name]}", 0
            )
        return self._scopes[name]

    def _use(self, path: str, class_name: str, parent: int) -> int:
        self.trace.uses.append(Use(path, class_name, parent))
        return len(self.trace.uses) - 1

"""A network as one module for each of its layers, by which methods name them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from archc.network.graph import Layer, Network, Value
from archc.run.device import without_tf32
from archc.run.live import applied, fresh, result
from archc.run.subject import Subject
from archc.run.train.errors import CannotTrain
from archc.source.kinds import is_table


class Part(nn.Module):
    """A layer; its parameters are those of the network's `state_dict`."""

    def __init__(self, layer: Layer, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.layer = layer
        self.made: nn.Module | nn.Parameter | None = None
        if layer.op.merges:
            return
        made = fresh(layer.op, layer.input_shape())
        path = layer.trained().path
        if isinstance(made, nn.Parameter):
            self.made = nn.Parameter(state[path].clone())
        else:
            prefix = f"{path}."
            self.made = made
            own = {k: state[prefix + k] for k in made.state_dict()}
            made.load_state_dict(own)

    def forward(self, *inputs: Tensor) -> Tensor:
        if self.made is None:
            return result(self.layer.op, *inputs, shape=self.layer.output_shape())
        return applied(self.made, inputs[0])


class Rectified(Part, nn.ReLU):  # pyright: ignore[reportIncompatibleMethodOverride]
    """An activation of any kind, which methods that look for `nn.ReLU` take for one:
    on the way back all of them are rectified."""


class Layered(nn.Module):
    """A network without its heads, in evaluation; every layer is a module of its own
    that is called once, and overwrites nothing."""

    def __init__(self, network: Network, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.input = network.input
        self.output = next(iter(network.outputs.values()))
        self.parts = nn.ModuleList()
        self._of: dict[Value, Part] = {}
        for layer in network.layers():
            rectified = layer.op.projected == "rectified"
            part = (Rectified if rectified else Part)(layer, state)
            self.parts.append(part)
            self._of[layer.output] = part
        self.eval().requires_grad_(False)

    def part(self, layer: Layer) -> Part:
        return self._of[layer.output]

    def forward(self, x: Tensor) -> Tensor:
        return self.values(x, [self.output])[self.output]

    def cone(self, wanted: Collection[Value]) -> list[Layer]:
        """The layers that these values depend on, in execution order."""
        found: set[Value] = set()
        left = list(wanted)
        while left:
            value = left.pop()
            if value not in found:
                found.add(value)
                left += value.layer.inputs if value.layer else ()
        return [part.layer for value, part in self._of.items() if value in found]

    def values(
        self, x: Tensor, wanted: Collection[Value], *, passing: bool = False
    ) -> dict[Value, Tensor]:
        """These values for N x C x H x W; with `passing` gradients go past what a
        deconvolutional network leaves out. What nobody reads any more is let go."""
        layers = self.cone(wanted)
        last = {value: layer for layer in layers for value in layer.inputs}
        held = {self.input: x}
        for layer in layers:
            inputs = [held[value] for value in layer.inputs]
            made: Tensor = self.part(layer)(*inputs)
            if passing and layer.op.projected == "passed":
                made = _Passed.apply(inputs[0], made)  # pyright: ignore
            held[layer.output] = made
            for value in layer.inputs:
                if last[value] is layer and value not in wanted:
                    held.pop(value, None)
        return {value: held[value] for value in wanted}


class _Passed(torch.autograd.Function):
    """Gives the second tensor, and its gradient to the first."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, made: Tensor) -> Tensor:
        return made.view_as(made)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


class Until(nn.Module):
    """A network up to a layer, whose output it gives, for methods that ask a module."""

    def __init__(self, whole: Layered, layer: Layer) -> None:
        super().__init__()
        self.whole = whole
        self._layer = layer

    def forward(self, x: Tensor) -> Tensor:
        value = self._layer.output
        return self.whole.values(x, [value], passing=True)[value]


def layered(subject: Subject, device: str | torch.device = "cpu") -> Layered:
    """The subject's network in layers, with the weights of its module.

    Raises:
        CannotTrain: if it has not one input, which is an image.
        BrokenModule, BadWeights: as `Subject.module` does.
    """
    network = subject.network
    shape = subject.input_shape
    if len(network.inputs) > 1 or len(shape) != 3:
        inputs = ", ".join(
            " x ".join(map(str, s)) for s in subject.input_shapes.values()
        )
        raise CannotTrain(
            f"{subject.label} reads {inputs}: archc look is for networks that read"
            " one image"
        )
    with torch.device("cpu"), subject.running():
        state = subject.module().state_dict()
        return Layered(network, state).to(device)


def check(subject: Subject, whole: Layered, x: Tensor) -> None:
    """That the module computes what the spec says, so that what is seen is its own.

    Raises:
        CannotTrain: if it does not, for having been changed by hand.
    """
    model = subject.module(x.device).eval()
    with torch.no_grad(), without_tf32():
        with subject.running():
            made: Any = model(x)
        own = whole(x)
    if not isinstance(made, Tensor):
        made = next(iter(made.values())) if is_table(made) else made[0]
    # the same sums, in another order on some machines
    scale = own.abs().max().item() + 1e-6
    if made.shape != own.shape or (made - own).abs().max().item() > 1e-3 * scale:
        raise CannotTrain(
            f"{subject.file or 'the module'} gives other outputs than the spec: it was"
            " changed by hand, and layers could not be told apart in it; archc compile"
            " --force writes it anew"
        )

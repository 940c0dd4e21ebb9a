"""That a spec is the network that it was made from: one state, one output."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from archc.importing.calls import graph_of
from archc.importing.wiring import wiring
from archc.run.importing.tensors import (
    Held,
    held_by,
    in_mode,
    lending,
    parts_of,
    tensors_in,
)
from archc.run.importing.tracer import input_names, trace
from archc.run.importing.training import compare_training

Outputs = Literal["equal", "close", "differ", "not run"]
_CLOSE = 1e-4
"""Of the largest output: what another order of the same float32 sums may come to over
a network of hundreds of layers."""


@dataclass(slots=True)
class Proof:
    """What was compared."""

    state_dict: bool = False
    outputs: Outputs = "not run"
    max_difference: float = 0.0
    """Of the largest output."""
    training: str = "not run"
    """The same of a step of training, where nothing is drawn."""
    first: str = ""
    """The first module whose output is another one."""
    why: str = ""
    """What is wrong with the state, or why the outputs were not compared."""

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against the spec."""
        return self.state_dict and "differ" not in (self.outputs, self.training)


def prove(
    reference: nn.Module,
    generated: Callable[[], nn.Module],
    inputs: Mapping[str, Sequence[int]],
    most_bytes: int = 1_000_000_000,
    opaque: Collection[str] = (),
    training: bool = False,
) -> Proof:
    """Gives both one state of random numbers, and compares what they compute.

    With more than `most_bytes` of weights, only which ops read what is compared. The
    reference is as it was afterwards. Modules in `opaque` are the same in both. Where
    `training` is compared too, nothing may be drawn in it.
    """
    proof = Proof()
    state = reference.state_dict()
    size = sum(t.numel() * t.element_size() for t in state.values())
    large = size > most_bytes
    with torch.device("meta"):
        made = generated()
    if not large and (opaque or _has_unsaved(made)):
        made = generated()
    proof.why = _other_keys(state, made.state_dict())
    if proof.why:
        return proof
    proof.state_dict = True
    if large:
        _compare_wiring(proof, reference, made, inputs, opaque)
        return proof
    generator = torch.Generator().manual_seed(0)
    samples = 2 if prod(next(iter(inputs.values()))) < 400_000 else 1
    given = [torch.randn(samples, *s, generator=generator) for s in inputs.values()]

    def numbers(held: Held) -> Tensor:
        return _random(held, generator) if held.saved else held.tensor

    with lending(reference, numbers), in_mode(reference, False), torch.no_grad():
        # the very tensors, so that they are there once
        made.load_state_dict(reference.state_dict(), strict=True, assign=True)
        random = dict(reference.state_dict())
        made.eval()
        one, first = _run(reference, given)
        other, second = _run(made, given)
    _compare(proof, one, other)
    if proof.outputs != "equal":
        proof.first = next(
            (p for p, x in first.items() if p in second and not _same(x, second[p])), ""
        )
    if training and proof.outputs in ("equal", "close"):
        proof.training = compare_training(reference, made, random, inputs)
    return proof


def _has_unsaved(module: nn.Module) -> bool:
    """Whether it has tensors that no state gives it."""
    return any(not held.saved for held in held_by(module))


def _other_keys(state: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> str:
    """The first tensor that one of two states lacks, or has with another shape."""
    for key in state:
        if key not in made:
            return f"the spec has no `{key}`"
        if state[key].shape != made[key].shape:
            shapes = f"{tuple(made[key].shape)} instead of {tuple(state[key].shape)}"
            return f"`{key}` is {shapes}"
    extra = next((key for key in made if key not in state), None)
    return f"the spec has `{extra}`, which the network has not" if extra else ""


def _compare_wiring(
    proof: Proof,
    reference: nn.Module,
    made: nn.Module,
    inputs: Mapping[str, Sequence[int]],
    opaque: Collection[str],
) -> None:
    """Holds what both call to each other, without computing it."""
    named = dict(zip(input_names(made), inputs.values(), strict=False)) or inputs
    one = graph_of(trace(reference, "reference", inputs, opaque=opaque))
    other = graph_of(trace(made, "generated", named, opaque=opaque))
    if other.refused:
        proof.why = f"the generated module cannot be followed: {other.refused[0]}"
    elif wiring(one) == wiring(other):
        proof.why = "there are many weights; the same ops read the same"
    else:
        proof.outputs, proof.why = "differ", "other ops are computed"


def _random(held: Held, generator: torch.Generator) -> Tensor:
    """Numbers of a usual size in place of a tensor's."""
    shape = tuple(held.tensor.shape)
    if not held.tensor.is_floating_point():
        return held.tensor
    if len(shape) > 1:
        spread = max(prod(shape[1:]), 1) ** -0.5
        numbers = torch.randn(shape, generator=generator).mul_(spread)
    elif held.name in ("weight", "running_var"):
        numbers = torch.rand(shape, generator=generator).add_(0.5)
    else:
        numbers = torch.randn(shape, generator=generator).mul_(0.1)
    if isinstance(held.tensor, nn.Parameter):
        return nn.Parameter(numbers, requires_grad=False)
    return numbers


def _run(
    module: nn.Module, given: list[Tensor]
) -> tuple[list[Tensor], dict[str, Tensor]]:
    """What a module gives, and what its parts gave when they were called first."""
    parts: dict[str, Tensor] = {}
    handles: list[Any] = []

    def noted(path: str) -> Callable[..., None]:
        def note(part: nn.Module, args: Any, out: Any) -> None:
            if path not in parts and isinstance(out, Tensor):
                parts[path] = out.detach()[:1].flatten()[:4096].clone()

        return note

    for path, part in parts_of(module):
        if path:
            handles.append(cast(Any, part).register_forward_hook(noted(path)))
    try:
        # it may write to what it is given
        out = module(*(x.clone() for x in given))
    finally:
        for handle in handles:
            handle.remove()
    return list(tensors_in([out])), parts


def _compare(proof: Proof, one: list[Tensor], other: list[Tensor]) -> None:
    if [t.shape for t in one] != [t.shape for t in other]:
        proof.outputs, proof.why = "differ", "the outputs have other shapes"
        return
    if not all(bool(t.isfinite().all()) for t in one):
        proof.why = "the network gives infinite numbers for random weights"
        return
    if all(map(torch.equal, one, other)):
        proof.outputs = "equal"
        return
    differences = [float((a - b).abs().max()) for a, b in zip(one, other, strict=True)]
    largest = max(float(t.abs().max()) for t in one)
    proof.max_difference = max(differences) / max(largest, 1e-12)
    proof.outputs = "close" if proof.max_difference <= _CLOSE else "differ"


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)

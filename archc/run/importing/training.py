"""That a spec's module learns as the network does: one step of both, compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from archc.run.importing.drawn import Fixed, generators
from archc.run.importing.tensors import Held, held_by, in_mode, lending, tensors_in

CLOSE = 1e-4
"""Of the largest number: another order of the same float32 sums."""
_MOST_BYTES = 128_000_000
"""Of weights; a step takes several times as much."""
_SMALL = 64
"""What maps are cut down to, where the network takes such ones too."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step gave."""

    outputs: list[Tensor]
    gradients: dict[str, Tensor]
    buffers: dict[str, Tensor]


_FAILS = (RuntimeError, ValueError, AssertionError)
"""How networks say that they do not take a map."""


def compare_training(
    reference: nn.Module,
    made: nn.Module,
    state: Mapping[str, Tensor],
    inputs: Mapping[str, Sequence[int]],
) -> str:
    """How both behave in a step of training from one state: `equal` where the outputs
    are and gradients and statistics are close, `close` where all are, `statistics`
    where all are but statistics that the network updates more often, else `differ`;
    `not run` where that takes too much, or the network cannot do it. What dropout draws
    is the same in both."""
    if sum(t.numel() * t.element_size() for t in state.values()) > _MOST_BYTES:
        return "not run"
    small = [_small(sizes) for sizes in inputs.values()]
    found = _compared_on(small, reference, made, state)
    whole = [list(sizes) for sizes in inputs.values()]
    if found in (None, "differ") and small != whole:
        # the spec holds sizes of maps, or pads them by what they lack
        found = _compared_on(whole, reference, made, state)
    return found or "differ"


def _compared_on(
    shapes: list[list[int]],
    reference: nn.Module,
    made: nn.Module,
    state: Mapping[str, Tensor],
) -> str | None:
    """The same on samples of these shapes; None where both give other shapes."""
    generator = torch.Generator().manual_seed(1)
    given = [torch.randn(2, *shape, generator=generator) for shape in shapes]

    def own(held: Held) -> Tensor:
        return _fresh(state.get(held.key, held.tensor), held.tensor)

    before = generators()
    try:
        with lending(reference, own), in_mode(reference, True):
            one = _step(reference, given)
    except _FAILS:
        return "not run"
    if generators() != before:
        return "differ"  # it draws what no op does
    made.load_state_dict({k: t.detach().clone() for k, t in state.items()}, assign=True)
    try:
        with in_mode(made, True):
            other = _step(made, given)
    except _FAILS:
        return None
    return _compared(one, other)


def _small(sizes: Sequence[int]) -> list[int]:
    return [sizes[0], *(min(size, _SMALL) for size in sizes[1:])]


def _fresh(values: Tensor, tensor: Tensor) -> Tensor:
    copy = values.detach().clone()
    if not isinstance(tensor, nn.Parameter):
        return copy
    return nn.Parameter(copy, requires_grad=copy.is_floating_point())


def _step(module: nn.Module, given: list[Tensor]) -> Step:
    # weighed at random, so that what is normalised at the end has a gradient
    generator = torch.Generator().manual_seed(2)
    with torch.enable_grad(), Fixed():
        outputs = list(tensors_in([module(*(x.clone() for x in given))]))
        weights = (torch.randn(out.shape, generator=generator) for out in outputs)
        parts = (out * w for out, w in zip(outputs, weights, strict=True))
        loss = cast(Tensor, sum(part.mean() for part in parts))
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
    held = {each.key: each.tensor for each in held_by(module) if each.saved}
    gradients = {k: t.grad for k, t in held.items() if t.grad is not None}
    buffers = {k: t for k, t in held.items() if not isinstance(t, nn.Parameter)}
    return Step([out.detach() for out in outputs], gradients, buffers)


def _compared(one: Step, other: Step) -> str | None:
    if [t.shape for t in one.outputs] != [t.shape for t in other.outputs]:
        return None
    if one.gradients.keys() != other.gradients.keys():
        return "differ"
    outputs = list(zip(one.outputs, other.outputs, strict=True))
    gradients = [(t, other.gradients[k]) for k, t in one.gradients.items()]
    if not (_are_close(outputs) and _are_close(gradients)):
        return "differ"
    kept = {k: t for k, t in one.buffers.items() if t.is_floating_point()}
    again = {k for k in kept if _counts(one, k) > _counts(other, k)}
    if not _are_close([(t, other.buffers[k]) for k, t in kept.items()]):
        once = [(t, other.buffers[k]) for k, t in kept.items() if k not in again]
        return "statistics" if again and _are_close(once) else "differ"
    return "equal" if all(torch.equal(a, b) for a, b in outputs) else "close"


def _counts(step: Step, key: str) -> int:
    """How many batches the module of a buffer has counted."""
    path = key.rpartition(".")[0]
    counted = step.buffers.get(f"{path}.num_batches_tracked" if path else "")
    return 0 if counted is None else int(counted)


def _are_close(pairs: list[tuple[Tensor, Tensor]]) -> bool:
    """Whether no number differs by more than so much of the largest."""
    largest = max((float(a.abs().max()) for a, _ in pairs if a.numel()), default=0.0)
    if not largest < float("inf"):
        return True  # numbers that are none say nothing
    return all(
        float((a - b).abs().max()) <= CLOSE * largest for a, b in pairs if a.numel()
    )

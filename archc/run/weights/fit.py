"""Whether weights are those of a network, before anything of it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from torch import Tensor, nn

from archc.escaping import visible
from archc.measure.state import Held, state_of
from archc.network.graph import Layer, Network, Value
from archc.run.weights.read import BadWeights, Weights, some

_COMPARED = 2000
"""How many names are searched for one that is near; it takes a while."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights as a network takes them."""

    weights: Weights
    tensors: Mapping[str, Tensor]
    """Without those that start anew."""
    absent: frozenset[str] = frozenset()
    """The names of tensors that keep the values that they start with."""
    anew: tuple[str, ...] = ()
    """The paths of the layers that do so for having other classes."""

    def load(self, model: nn.Module) -> None:
        """Puts them into an instance of the network.

        Raises:
            BadWeights: if it is none, as a module that was changed by hand.
        """
        try:
            left: Any = model.load_state_dict(dict(self.tensors), strict=False)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise BadWeights(f"{self.weights.source}: {reason}") from error
        lacking: set[str] = set(left.missing_keys) - self.absent
        odd: list[str] = [*left.unexpected_keys, *sorted(lacking)]
        if odd:
            raise BadWeights(
                f"{self.weights.source} fits the spec, and its module has others:"
                f" {some(odd)}; archc compile writes it anew"
            )


def fitted(
    network: Network, weights: Weights, label: str, *, other_classes: bool = False
) -> Fitted:
    """The weights, if their names and shapes are the network's.

    Those of auxiliary classifiers may be missing as a whole, and the counters of batch
    normalisation. With `other_classes` the last layers may be of another number of
    classes: they are left out. `label` is what the network is called.

    Raises:
        BadWeights: with names that are missing or too many, and the nearest to them, or
            with the shapes that differ.
    """
    state, found = state_of(network), weights.tensors
    expected = {name: held.shape for name, held in state.items()}
    heads = _heads_left_out(network, state, found)
    # PyTorch before 0.4.1 had no such counters
    counters = {n for n in expected if n.endswith("num_batches_tracked")}
    absent = frozenset((heads | counters) - found.keys())
    missing = [name for name in expected if name not in found and name not in absent]
    extra = [name for name in found if name not in expected]
    if missing or extra:
        raise BadWeights(_other_names(weights, label, missing, extra, expected))
    misfits = {
        name: shape
        for name, shape in expected.items()
        if name in found and tuple(found[name].shape) != shape
    }
    if not misfits:
        return Fitted(weights, found, absent)
    ends = set(last_layers(network))
    last = {
        name: held.layer
        for name, held in state.items()
        if held.layer in ends and _of_classes(held.shape, found.get(name))
    }
    if misfits.keys() <= last.keys():
        if not other_classes:
            raise BadWeights(_classes(network, weights, label, misfits))
        layers = list(dict.fromkeys(last[name] for name in misfits))
        anew = {name for name, held in state.items() if held.layer in layers}
        kept = {name: tensor for name, tensor in found.items() if name not in anew}
        paths = tuple(layer.path for layer in layers)
        return Fitted(weights, kept, absent | anew, paths)
    raise BadWeights(_other_shapes(weights, label, misfits))


def _heads_left_out(
    network: Network, state: Mapping[str, Held], found: Mapping[str, Tensor]
) -> set[str]:
    """The tensors of those auxiliary classifiers of which nothing is there."""
    left: set[str] = set()
    for head in network.heads:
        layers = set(head.region.layers())
        own = {name for name, held in state.items() if held.layer in layers}
        if not own & found.keys():
            left |= own
    return left


def last_layers(network: Network) -> Iterator[Layer]:
    """The last layer with parameters before each output, those of heads included."""
    met: set[Value] = set()
    values = list(network.results())
    while values:
        value = values.pop(0)
        if value in met or value.layer is None:
            continue
        met.add(value)
        if value.layer.trained().parameters():
            yield value.layer.trained()
        else:
            values += value.layer.inputs


def _of_classes(shape: tuple[int, ...], found: Tensor | None) -> bool:
    """Whether a tensor differs from this shape in nothing but the outputs."""
    return found is not None and tuple(found.shape[1:]) == shape[1:]


def _other_names(
    weights: Weights,
    label: str,
    missing: list[str],
    extra: list[str],
    expected: Mapping[str, tuple[int, ...]],
) -> str:
    said = [f"{weights.source} does not fit {label}:"]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        there = f"{len(missing)} of its {len(expected)} tensors {are} missing"
        said.append(f"{there}, first {_with_nearest(missing, extra)}")
    if extra:
        and_ = "and " if missing else ""
        do = "does" if len(extra) == 1 else "do"
        said.append(
            f"{and_}{len(extra)} {do} not belong there:"
            f" {some(extra) if missing else _with_nearest(extra, list(expected))}"
        )
    return ", ".join([f"{said[0]} {said[1]}", *said[2:]])


def _with_nearest(names: list[str], known: list[str]) -> str:
    """The first name, and which of the others it may have been meant to be."""
    near = get_close_matches(names[0], known[:_COMPARED], 1, 0.5)
    meant = f" (the nearest there is {visible(near[0])})" if near else ""
    return visible(names[0]) + meant


def _other_shapes(
    weights: Weights, label: str, misfits: Mapping[str, tuple[int, ...]]
) -> str:
    found = weights.tensors
    shown = [
        f"{name} is {size(tuple(found[name].shape))} instead of {size(shape)}"
        for name, shape in list(misfits.items())[:2]
    ]
    more = f", and {len(misfits) - 2} more" if len(misfits) > 2 else ""
    return f"{weights.source} does not fit {label}: {', '.join(shown)}{more}"


def _classes(
    network: Network,
    weights: Weights,
    label: str,
    misfits: Mapping[str, tuple[int, ...]],
) -> str:
    name, shape = next(iter(misfits.items()))
    theirs = weights.tensors[name].shape[0]
    param = param_of_classes(network, shape[0])
    mend = f": --set {param}={theirs}" if param else ""
    return (
        f"{weights.source} is of {theirs} classes, and {label} of {shape[0]} ({name} is"
        f" {size(tuple(weights.tensors[name].shape))} instead of {size(shape)}){mend}"
    )


def param_of_classes(network: Network, count: int) -> str | None:
    """The parameter of the spec that says how many classes there are."""
    fitting = [name for name, value in network.params.items() if value == count]
    return next((n for n in fitting if "class" in n), fitting[0] if fitting else None)


def size(shape: tuple[int, ...]) -> str:
    """A shape as people write it."""
    return " x ".join(map(str, shape)) or "a single number"

"""The checks of a smoke test; each gives its answer, and the layer to blame."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import torch
from torch import Tensor

from archc.network.graph import Head, Layer, Network, Value
from archc.run.smoke.report import Check
from archc.run.smoke.trial import SEED, Trial
from archc.run.smoke.watch import spoiling

_DRAWS = 8
"""How many batches are tried, each with other dropout masks, to see a gradient that is
not zero."""
_LISTED = 4
_ROUNDING = {"fp32": 1e-3, "bf16": 5e-2, "fp16": 1e-2}
_TF32 = 1e-2
"""On a GPU torch lets convolutions in fp32 have the ten bits of fp16."""
_WARMED = 3
"""Steps that open scales which are zero at first, nested ones too."""


def rounding(trial: Trial) -> float:
    """How far results may be apart, relatively, where the order of sums is not
    fixed."""
    if trial.device.type == "cuda" and trial.settings.precision == "fp32":
        return _TF32
    return _ROUNDING[trial.settings.precision]


def finite(trial: Trial, found: float) -> Check:
    """Whether the loss and all gradients are finite numbers."""
    name = "finite"
    if not math.isfinite(found):
        layer, place = spoiling(trial)
        return Check(
            name, "failed", f"the loss is {found}: it goes wrong {place}", layer
        )
    spoiled = set(trial.spoiled())
    if spoiled:
        network = trial.size.subject.network
        order = _in_order(network, spoiled)
        detail = f"the gradient of {order[-1]} is not finite{_others(order)}"
        return Check(name, "failed", detail, _blamed(network, order))
    return Check(name, "passed", f"loss {found:.4g}, all gradients finite")


# ---- gradients


def gradients(trial: Trial) -> Check:
    """Whether the loss reaches each parameter: its gradient is not all zero.

    A bias that a batch normalisation follows has no effect, and a gradient of rounding
    errors; it must only have one. Zeros may be the luck of a draw, with dropout or with
    rectifiers: then further batches are tried. What scales a branch may be zero at the
    start and let nothing through; then it is asked again after some steps.
    """
    network = trial.size.subject.network
    parameters = dict(trial.model.named_parameters())
    excused = _cancelled(network)
    none = {name for name, p in parameters.items() if p.grad is None}
    zero = {
        name
        for name, p in parameters.items()
        if name not in excused and p.grad is not None and not p.grad.any()
    }
    for draw in range(1, _DRAWS):
        if not zero:
            break
        zero &= _still_zero(trial, zero, SEED + draw)
    if zero and any(not p.any() for p in trial.model.parameters()):
        zero &= _zero_when_warm(trial)
    if not none and not zero:
        detail = f"all {len(parameters)} parameters have one that is not zero"
        return Check("gradients", "passed", detail)
    # the last of them is the first that going back does not reach
    order = _in_order(network, none | zero)
    why = "gets no gradient" if order[-1] in none else "gets a gradient of zeros only"
    detail = f"{order[-1]} {why}{_others(order)}"
    return Check("gradients", "failed", detail, _blamed(network, order))


def _still_zero(trial: Trial, names: set[str], seed: int) -> set[str]:
    """Those whose gradient is zero for other data and other dropout masks too."""
    images, labels = trial.samples(seed)
    output = trial.output(images, seed)
    found = trial.weighted(output, labels)
    grads = _grads(trial, found, sorted(names))
    return {name for name in names if name not in grads or not grads[name].any()}


def _zero_when_warm(trial: Trial) -> set[str]:
    """Those whose gradient is zero after some steps too, which another model does."""
    other = Trial(trial.size, trial.settings, trial.rate)
    for _ in range(_WARMED):
        other.step()
    other.gradients()
    named = other.model.named_parameters()
    return {name for name, p in named if p.grad is None or not p.grad.any()}


def _grads(trial: Trial, found: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
    """The gradients of a loss, in fp16 scaled; the graph is kept."""
    parameters = dict(trial.model.named_parameters())
    chosen = {name: parameters[name] for name in names}
    scaled = trial.scaler.scale(found)
    if not scaled.requires_grad:
        return {}
    grads = torch.autograd.grad(
        scaled, list(chosen.values()), retain_graph=True, allow_unused=True
    )
    pairs = zip(chosen, cast("tuple[Tensor | None, ...]", grads), strict=True)
    return {name: grad for name, grad in pairs if grad is not None}


def _cancelled(network: Network) -> set[str]:
    """The biases that nothing reads but batch normalisation, which takes them off."""
    readers: dict[Value, list[Layer]] = defaultdict(list)
    for layer in network.all_layers():
        for value in layer.inputs:
            readers[value].append(layer)
    return {
        f"{layer.path}.bias"
        for layer in network.all_layers()
        if layer.op.category in ("convolution", "linear")
        and readers[layer.output]
        and all(r.op.op.startswith("batch_norm") for r in readers[layer.output])
    }


def _in_order(network: Network, names: Iterable[str]) -> list[str]:
    """Parameters in the order of the forward pass; unknown ones come last."""
    places = {layer.path: i for i, layer in enumerate(network.all_layers())}
    last = len(places)
    return sorted(names, key=lambda n: (places.get(_owner(n, places), last), n))


def _owner(parameter: str, paths: Container[str]) -> str:
    """The layer of a parameter, which may be a layer itself."""
    return parameter if parameter in paths else parameter.rpartition(".")[0]


def _blamed(network: Network, order: list[str]) -> str:
    """The layer of the last parameter."""
    return _owner(order[-1], {layer.path for layer in network.all_layers()})


def _others(names: list[str]) -> str:
    """The parameters that share the fate of the last."""
    rest = names[-2::-1]
    listed = ", ".join(rest[:_LISTED])
    more = f" and {len(rest) - _LISTED} more" if len(rest) > _LISTED else ""
    return f"; the same goes for {listed}{more}" if rest else ""


# ---- heads


def heads(trial: Trial) -> Check:
    """Whether the loss of each head counts with its weight, and reaches the trunk."""
    network = trial.size.subject.network
    output = trial.output(trial.images)
    given = [] if isinstance(output, Tensor) else list(output._fields)
    given = given[len(network.outputs) :]
    expected = {head.name: head.loss_weight for head in network.heads}
    if given != list(expected):
        said = ", ".join(given) or "none"
        wanted = ", ".join(expected) or "none"
        missing = next((name for name in expected if name not in given), None)
        detail = f"in training the module gives the heads {said} instead of {wanted}"
        return Check("heads", "failed", detail, missing)
    if not expected:
        return Check("heads", "skipped", "the network has none")
    weights = getattr(trial.model, "loss_weights", None)
    if weights != expected:
        detail = f"loss_weights is {weights} instead of {expected}"
        return Check("heads", "failed", detail)
    return _contributions(trial, network, output)


def _contributions(trial: Trial, network: Network, output: Any) -> Check:
    """Each head's gradient in the trunk, and their weighted sum."""
    names = [name for name, _ in trial.model.named_parameters()]
    total = trial.weighted(output, trial.labels)
    parts = trial.losses(output, trial.labels)
    first = len(network.outputs)
    weights = [1.0] * first + [head.loss_weight for head in network.heads]
    # weighted before they go back: in fp16 they might have no number by themselves
    own = [
        _grads(trial, weight * part, names)
        for weight, part in zip(weights, parts, strict=True)
    ]
    for head, grads in zip(network.heads, own[first:], strict=True):
        trunk = _before(head)
        reached = {_owner(name, trunk) for name, grad in grads.items() if grad.any()}
        unreached = [n for n in names if _owner(n, trunk) in trunk - reached]
        if unreached:
            last = _in_order(network, unreached)[-1]
            detail = f"the loss of {head.name} does not reach {last}, which it is above"
            return Check("heads", "failed", detail, head.name)
    expected: dict[str, Tensor] = {}
    for grads in own:
        for name, grad in grads.items():
            expected[name] = expected[name] + grad if name in expected else grad
    summed = _grads(trial, total, names)
    error = _distance(summed, expected)
    weighted = ", ".join(f"{h.loss_weight:g} {h.name}" for h in network.heads)
    # nor may it be no number
    if not error <= rounding(trial):
        detail = f"the gradient is not main + {weighted}: {error:.1%} apart"
        return Check("heads", "failed", detail, network.heads[0].name)
    return Check("heads", "passed", f"the gradient is main + {weighted}")


def _before(head: Head) -> set[str]:
    """The paths of the layers that a head's input comes from."""
    found: set[Layer] = set()
    todo = [head.source.layer]
    while todo:
        layer = todo.pop()
        if layer is not None and layer not in found:
            found.add(layer)
            todo += [value.layer for value in layer.inputs]
    return {layer.path for layer in found}


def _distance(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    """Of two sets of gradients, relative to the second."""
    apart = sum(
        float((a[name] - b[name]).double().square().sum()) if name in a else math.inf
        for name in b
    )
    size = sum(float(grad.double().square().sum()) for grad in b.values())
    return math.sqrt(apart / size) if size else math.inf


# ---- weights


def saving(trial: Trial, other: Trial) -> Check:
    """Whether weights that went through a file give the same outputs in `other`."""
    with TemporaryDirectory(prefix="archc-smoke-") as directory:
        file = Path(directory, "weights.pt")
        torch.save(trial.model.state_dict(), file)
        size = file.stat().st_size
        state = torch.load(file, map_location=trial.device, weights_only=True)
    other.model.load_state_dict(state)
    del state
    outputs: list[Tensor] = []
    for each in (trial, other):
        each.model.eval()
        with torch.no_grad():
            outputs.append(each.main(each.output(trial.images)))
    if close(trial, *outputs):
        detail = f"equal outputs after {size / 2**20:,.1f} MiB of weights"
        return Check("save and load", "passed", detail)
    gap = float((outputs[0] - outputs[1]).abs().max())
    detail = f"the outputs differ by up to {gap:.3g}: something is not in state_dict()"
    return Check("save and load", "failed", detail)


def close(trial: Trial, a: Tensor, b: Tensor) -> bool:
    """Equal: on the CPU to the bit, on a GPU up to rounding."""
    if trial.device.type == "cpu":
        return torch.equal(a, b)
    apart = rounding(trial)
    return torch.allclose(a, b, rtol=apart, atol=apart * float(b.abs().max()))

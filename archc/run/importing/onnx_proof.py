"""The proof of an import from an ONNX file: the module takes the file's weights
strictly, and gives what onnxruntime gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from archc.importing.onnx.changing import unread, with_inputs, with_random_weights
from archc.importing.onnx.inputs import Given
from archc.importing.onnx.network import OnnxNetwork, network_of
from archc.importing.trace import BATCH, Refusal, Sizes
from archc.run.importing.proof import Proof
from archc.run.importing.session import Result
from archc.run.subject import Subject

_CLOSE = 1e-5
"""Of the largest output: the same float32 sums in another order."""
_AS_FAR = 4
"""Two ways to sum float32 are as far from the exact numbers, but for this factor."""
_MOST_ROUNDED = 1e-3
"""Of the largest output: more than that is no rounding."""
_SMALL = 1e-3
"""Smaller outputs are ends of curves, as of a sigmoid, which onnxruntime rounds by as
much as their middle."""
_ROUNDED = (
    "outputs differ as rounding makes them: what onnxruntime gives is as far from what"
    " float64 gives as what the module gives"
)
_REPORT = "archc reads the file wrongly: please report it, with the file"
_MOST_BYTES = 1_000_000_000
_SAMPLES = 2
"""What is computed where the file takes any number of samples."""


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """A file, and the shapes that its inputs are to have."""

    path: Path
    given: Given
    model: Any
    changes: list[str]
    """What is in it of which the model has something plainer."""

    def network(self) -> OnnxNetwork:
        return network_of(self.model, str(self.path), self.given)


def prove(
    result: Result,
    subject: Subject,
    network: OnnxNetwork,
    file: OnnxFile,
) -> None:
    proof = result.proof = Proof()
    module = subject.module().eval()
    result.state = _state(module, network.weights)
    result.tensors = len(result.state)
    proof.why = _loaded(module, result.state)
    if proof.why:
        return
    proof.state_dict = True
    size = sum(array.nbytes for array in network.weights.values())
    if size > _MOST_BYTES:
        proof.why = f"its weights are above {_MOST_BYTES // 10**9} GB"
        return
    read = sum(4 * prod(_batched(sizes)) for sizes in network.inputs.values())
    if read > _MOST_BYTES:
        proof.why = f"its inputs are above {_MOST_BYTES // 10**9} GB"
        return
    model = file.model
    source: Any = model.SerializeToString() if file.changes else str(file.path)
    if file.given:
        source = with_inputs(model, network.inputs).SerializeToString()
    other = with_random_weights(model, network.constants)
    if other is not None:
        source = other.SerializeToString()
        drawn = replace(file, model=other).network()
        proof.why = _loaded(module, _state(module, drawn.weights))
        assert not proof.why, "other numbers are the same network"
        result.remarks = [
            *network.remarks,
            "weights of which all numbers are one were compared with random ones",
        ]
    _compare(result, module, network, model, source)


def _state(module: nn.Module, weights: Mapping[str, Any]) -> dict[str, Tensor]:
    """The file's weights, and the counts of batches, which no file has."""
    found = {key: _tensor(array) for key, array in weights.items()}
    for key, tensor in module.state_dict().items():
        if key.endswith("num_batches_tracked") and key not in found:
            found[key] = torch.zeros_like(tensor)
    return found


def _loaded(module: nn.Module, state: dict[str, Tensor]) -> str:
    """Loads a state strictly; why that is not possible."""
    try:
        module.load_state_dict(state, strict=True)
    except RuntimeError as error:
        return " ".join(str(error).split())[:300]
    return ""


def _compare(
    result: Result, module: nn.Module, network: OnnxNetwork, model: Any, source: Any
) -> None:
    """Holds the module's outputs to onnxruntime's, for one random input."""
    generator = torch.Generator().manual_seed(0)
    inputs: dict[str, Tensor] = {}
    for name, sizes in network.inputs.items():
        inputs[name] = torch.randn(*_batched(sizes), generator=generator)
    try:
        numbers = {name: tensor.numpy() for name, tensor in inputs.items()}
        numbers |= unread(model, inputs)
        found = session(source).run(network.outputs, numbers)
        wanted = [_tensor(array) for array in found]
    except Exception as error:
        reason = f"onnxruntime does not run the file: {said(error)}"
        mend = "the proof needs that: onnx.checker.check_model says what is wrong"
        result.refused.append(Refusal("", reason, result.source, mend=mend))
        return
    given = [
        x.movedim(-1, 1).contiguous() if name in network.turned else x
        for name, x in inputs.items()
    ]
    outputs = _outputs(module, given)
    _hold(result, network.outputs, wanted, outputs)
    if result.proof.outputs == "differ" and not result.proof.why:
        exact = _outputs(module.double(), [x.double() for x in given])
        _hold_to_rounding(result, network.outputs, wanted, outputs, exact)


def _outputs(module: nn.Module, given: list[Tensor]) -> list[Tensor]:
    with torch.no_grad():
        made: Any = module(*given)
    return [made] if isinstance(made, Tensor) else list(made)


def _batched(sizes: Sizes) -> Sizes:
    """An input's shape, with as many samples as are computed."""
    samples, *rest = sizes
    return (_SAMPLES if samples == BATCH else samples, *rest)


def session(source: Any) -> Any:
    """A file as onnxruntime reads it, operator by operator as it says."""
    runtime: Any = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    providers = ["CPUExecutionProvider"]
    return runtime.InferenceSession(source, options, providers=providers)


def said(error: Exception) -> str:
    """The first line of an error, without onnxruntime's numbers for it."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", line)


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(array)  # pyright: ignore[reportUnknownMemberType]


def _hold(
    result: Result, names: list[str], one: list[Tensor], other: list[Tensor]
) -> None:
    """Notes how near the outputs are."""
    proof = result.proof
    if [t.shape for t in one] != [t.shape for t in other]:
        proof.outputs, proof.why = "differ", "the outputs have other shapes"
        shapes = [tuple(t.shape) for t in (*one[:1], *other[:1])]
        reason = f"it is of {shapes[0]} by onnxruntime, and of {shapes[1]} here"
        refusal = Refusal(names[0], reason, result.source, mend=_REPORT)
        result.refused.append(refusal)
        return
    if not all(bool(t.isfinite().all()) for t in one):
        proof.why = "the file gives infinite numbers for a random input"
        return
    if all(map(torch.equal, one, other)):
        proof.outputs = "equal"
        return
    # of each output, whatever the size of the others
    proof.max_difference = max(
        _apart(a, b) / max(float(a.abs().max()), 1e-12)
        for a, b in zip(one, other, strict=True)
    )
    proof.outputs = "close" if proof.max_difference <= _CLOSE else "differ"


def _hold_to_rounding(
    result: Result,
    names: list[str],
    one: list[Tensor],
    other: list[Tensor],
    exact: list[Tensor],
) -> None:
    """Tells whether outputs differ by no more than rounding does to them: as that of a
    sigmoid far below zero, or of many layers. `exact` is the module's in float64, from
    which what onnxruntime gives is then as far as what the module gives itself."""
    for name, a, b, whole in zip(names, one, other, exact, strict=True):
        own, theirs = _apart(b, whole), _apart(a, whole)
        size = float(whole.abs().max())
        rounded = min(_AS_FAR * own, _MOST_ROUNDED * size)
        if theirs > max(_CLOSE * size, rounded):
            refusal = _differing(name, size, theirs / max(size, 1e-12))
            result.refused.append(replace(refusal, file=result.source))
    if not result.refused:
        result.proof.outputs = "close"
        result.remarks = [*result.remarks, _ROUNDED]


def _differing(name: str, size: float, difference: float) -> Refusal:
    """Why an output differs, and what to do about it."""
    reason = f"it is not what onnxruntime gives, by {difference:.2g} of the largest"
    if size > _SMALL:
        return Refusal(name, reason, mend=_REPORT)
    reason += f", which is {size:.2g}: so small are ends of curves, which"
    reason += " onnxruntime rounds more"
    mend = (
        "take off what makes it so small, as a sigmoid at the end"
        " (onnx.utils.extract_model), and import the rest"
    )
    return Refusal(name, reason, mend=mend)


def _apart(one: Tensor, other: Tensor) -> float:
    """The largest difference."""
    return float((one - other).abs().max())

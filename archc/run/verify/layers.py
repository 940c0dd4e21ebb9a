"""What a module computes held to what its network says, layer by layer."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from archc.run.live import named_tensors
from archc.run.verify.explain import what_is_done
from archc.run.verify.reconcile import Recording, reconcile
from archc.run.verify.recorder import Recorder
from archc.run.verify.reference import BATCH, Reference, input_key, tensor_key
from archc.run.verify.report import Verification
from archc.run.verify.tensors import size
from archc.spec.expressions import is_tuple


def compare_layers(built: nn.Module, reference: Reference, found: Verification) -> None:
    """Runs the module in training and in evaluation on meta tensors.

    `reference` is that of training.
    """
    _compare_counts(reference, found)
    if found.passed:
        _Comparison(reference, found, training=True).run(built)
    if found.passed:
        network = found.subject.network
        evaluation = Reference(
            network, reference.numbers, training=False, other=reference
        )
        _Comparison(evaluation, found, training=False).run(built)


def compare_training(
    built: nn.Module, reference: Reference, found: Verification
) -> None:
    """The same for a module with other arguments, in training alone.

    The weights of losses stand in its class, so that arguments do not change them.
    """
    _Comparison(reference, found, training=True).run(built, weights=False)


def _compare_counts(reference: Reference, found: Verification) -> None:
    """Holds the compiler's shapes and multiply-adds to torch's."""
    facts = found.subject.facts
    main = set(found.subject.network.layers())
    for layer, wanted in reference.layers.items():
        found.layers += 1
        sample = wanted.sample
        shape = (BATCH, *layer.output_shape().dims)
        if sample.shape != shape:
            message = f"gives {size(sample.shape[1:])} instead of {size(shape[1:])}"
            found.refuse("shapes", layer.path, message)
        counted, macs = sample.flops // 2 // BATCH, facts.layers[layer].macs
        if counted != macs and layer.op.counts_macs:
            message = f"torch counts {counted:,} multiply-adds, the compiler {macs:,}"
            found.refuse("macs", layer.path, message)
        if layer in main:
            found.macs += counted


class _Comparison:
    """One forward pass of a module, in training or in evaluation."""

    def __init__(
        self, reference: Reference, found: Verification, *, training: bool
    ) -> None:
        self._reference = reference
        self._found = found
        self._training = training
        self._recorder = Recorder(reference.numbers, gradients=training)

    def run(self, built: nn.Module, *, weights: bool = True) -> None:
        recorder = self._recorder
        inputs = {
            name: torch.empty(BATCH, *shape, device="meta")
            for name, shape in self._found.subject.input_shapes.items()
        }
        for name, x in inputs.items():
            recorder.name(x, input_key(name))
        named = named_tensors(built)
        before = {
            name: recorder.name(tensor, tensor_key(name))
            for name, tensor in named.items()
        }
        try:
            with recorder, torch.enable_grad(), _checkpoints_run():
                outputs = built.train(self._training)(*inputs.values())
        # whatever a file that people edit may raise
        except (Exception, SystemExit) as error:
            self._refuse_failure(error)
            return
        after = {name: recorder.number(tensor) for name, tensor in named.items()}
        changed = {k: n for k, n in after.items() if n is not None and n != before[k]}
        given = self._given(outputs)
        if given is None:
            return
        recording = Recording(
            recorder.entries,
            list(map(recorder.number, given)),
            changed,
            self._reference.numbers,
        )
        if not self._agrees(recording):
            reconcile(recording, self._reference, gradients=self._training)
            if not self._agrees(recording):
                self._explain(recording, before)
                return
        for name, x in inputs.items():
            value = self._network.inputs[name]
            if recorder.number(x) != self._reference.values[value]:
                which = f" {name}" if self._network.inputs_have_names else ""
                self._refuse("layers", "", f"the input{which} is overwritten")
        if self._training and weights:
            self._compare_weights(built)

    # ---- outputs

    @property
    def _network(self) -> Any:
        return self._found.subject.network

    def _outputs(self) -> dict[str, Any]:
        """What a forward pass returns, by what messages call it."""
        network = self._network
        heads = network.heads if self._training else ()
        values = {f"head {head.name}": head.region.output for head in heads}
        if network.spec.outputs:
            return {f"output {n}": v for n, v in network.outputs.items()} | values
        return {"the output": network.outputs["output"]} | values

    def _given(self, outputs: Any) -> list[Any] | None:
        """What the module returned; None where it is something else."""
        wanted = self._outputs()
        given: list[Any] = list(outputs) if is_tuple(outputs) else [outputs]
        network = self._network
        mode = "training" if self._training else "evaluation"
        message = ""
        absent: list[Any] = []
        if network.spec.outputs and not self._training:
            given, absent = given[: len(wanted)], given[len(wanted) :]
        named = bool(network.spec.outputs)
        if len(given) != len(wanted) or len(absent) > len(network.heads):
            count = len(given) + len(absent)
            message = f"{mode} gives {count} outputs instead of {len(wanted)}"
        elif not all(isinstance(output, Tensor) for output in given) or (
            len(wanted) == 1 and not named and given[0] is not outputs
        ):
            message = f"{mode} gives {type(outputs).__name__} instead of a tensor"
        elif any(value is not None for value in absent):
            message = f"{mode} gives what heads are for, and not None"
        elif fields := list[str](getattr(cast("Any", outputs), "_fields", ())):
            # one output without a name is called what no head is
            first = 0 if named else 1
            names = [*network.outputs, *(head.name for head in network.heads)][first:]
            fields, names = _bare(fields[first:]), _bare(names)
            if fields != names:
                message = f"{mode} names its outputs {fields} instead of {names}"
        elif named:
            message = f"{mode} gives {type(outputs).__name__} instead of a NamedTuple"
        if message:
            self._found.refuse("outputs", "", message)
            return None
        return given

    def _compare_weights(self, built: nn.Module) -> None:
        weights = {head.name: head.loss_weight for head in self._network.heads}
        if not weights:  # then it may be the name of a layer
            return
        stated = getattr(built, "loss_weights", {})
        if stated != weights:
            message = f"loss_weights is {stated} instead of {weights}"
            self._found.refuse("outputs", "", message)

    # ---- what agrees

    def _agrees(self, recording: Recording) -> bool:
        wanted = [self._reference.values[v] for v in self._outputs().values()]
        return (
            recording.outputs == wanted and recording.changed == self._reference.buffers
        )

    # ---- what does not

    def _explain(self, recording: Recording, before: dict[str, int]) -> None:
        """Names the first layer that something which differs comes from."""
        reference = self._reference
        wrong: list[int] = []
        values = self._outputs()
        for value, number in zip(values.values(), recording.outputs, strict=True):
            if reference.values[value] != number:
                wrong.append(reference.values[value])
        for name in before:
            wanted = reference.buffers.get(name, before[name])
            if recording.changed.get(name, before[name]) != wanted:
                wrong.append(wanted)
        pending = set(self._pending(wrong, recording))
        for layer in reference.layers:
            if pending & set(reference.layers[layer].made):
                message = what_is_done(layer, reference, recording.entries)
                self._refuse("layers", layer.path, message)
                return
        for (name, value), number in zip(
            values.items(), recording.outputs, strict=True
        ):
            if reference.values[value] != number:
                layer = value.layer.path if value.layer else "the input"
                self._refuse("outputs", "", f"{name} is not what {layer} gives")
                return
        for name, number in before.items():
            wanted = reference.buffers.get(name, number)
            if recording.changed.get(name, number) != wanted:
                how = "is not updated" if wanted != number else "is overwritten"
                if wanted != number and name in recording.changed:
                    how = "is updated otherwise"
                self._refuse("layers", name, how)
                return

    def _pending(self, wrong: list[int], recording: Recording) -> Iterator[int]:
        """What is not in the recording of that from which these values are made."""
        made = self._reference.numbers.made
        seen: set[int] = set()
        todo = list(wrong)
        while todo:
            number = todo.pop()
            if number in seen or number in recording.known or not made[number].form:
                continue
            seen.add(number)
            yield number
            todo += made[number].reads

    def _refuse(self, check: Any, layer: str, message: str) -> None:
        if not self._training:
            message = f"in evaluation, {message}"
        self._found.refuse(check, layer, message)

    def _refuse_failure(self, error: BaseException) -> None:
        """Names the first layer that was not carried out as it should be."""
        reference, entries = self._reference, self._recorder.entries
        recording = Recording(entries, [], {}, reference.numbers)
        reconcile(recording, reference, gradients=self._training)
        message = f"forward fails: {type(error).__name__}: {error}"
        for layer, wanted in reference.layers.items():
            if wanted.sample.last is None or wanted.number in recording.known:
                continue
            other = what_is_done(layer, reference, entries)
            if " has " in other:
                message = f"{other}; {message}"
            self._refuse("layers", layer.path, message)
            return
        self._refuse("layers", "", message)


def _bare(names: Sequence[str]) -> list[str]:
    return [name.strip("_") for name in names]


def _run(function: Any, _: bool, *arguments: Any) -> Any:
    return function(*arguments)


@contextmanager
def _checkpoints_run() -> Generator[None]:
    """Lets the older way of torch.utils.checkpoint run its function as it is.

    It switches gradients off around that, and works them out later.
    """
    checkpoint: Any = sys.modules.get("torch.utils.checkpoint")
    if checkpoint is None:
        yield
        return
    way = checkpoint.CheckpointFunction
    plain = way.__dict__.get("apply")
    way.apply = staticmethod(_run)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        del way.apply
        if plain is not None:
            way.apply = plain

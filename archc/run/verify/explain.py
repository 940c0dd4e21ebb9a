"""How what a module does differs from what a layer should do, in words."""

from __future__ import annotations

from typing import Any

from archc.network.graph import Layer
from archc.run.verify.numbers import Form, Hole
from archc.run.verify.recorder import Entry
from archc.run.verify.reference import Reference
from archc.spec.expressions import is_tuple


def what_is_done(layer: Layer, reference: Reference, entries: list[Entry]) -> str:
    """What the module does instead of a layer."""
    wanted = reference.layers[layer]
    assert wanted.sample.last is not None
    form, _, _ = wanted.sample.calls[wanted.sample.last]
    reads = reference.numbers.made[wanted.made[wanted.sample.last]].reads
    sources = [reference.values[value] for value in layer.inputs]
    tensors = [n for n in reads if n in wanted.tensors and n not in sources]
    alike = [entry for entry in entries if entry.form.function == form.function]
    mine = [entry for entry in alike if tensors and set(tensors) <= set(entry.reads)]
    if tensors and not mine:
        return f"{_called(form)} is never called with its parameters"
    others = mine or [entry for entry in alike if set(sources) & set(entry.reads)]
    for entry in others:
        changes = _changes(form, entry.form)
        if changes:
            return f"{_called(form)} has {changes}"
    read = {
        number: value.layer.path if value.layer else "the input"
        for value, number in reference.values.items()
    }
    names = [read.get(n, "?") for n in sources]
    if mine or others:
        first = (mine or others)[0]
        given = [
            read.get(n, "another value") for n in first.reads if n not in wanted.tensors
        ]
        if first.form.blocks and given == names:
            return f"no gradient goes back through {_called(form)}"
        return f"{_called(form)} reads {_listed(given)} instead of {_listed(names)}"
    return f"{_called(form)} of {_listed(names)} is missing"


def _changes(wanted: Form, form: Form) -> str:
    """Settings that differ, but for the values that are read."""
    ours, theirs = dict(wanted.settings), dict(form.settings)
    words: list[str] = []
    for name in ours.keys() | theirs.keys():
        a, b = ours.get(name), theirs.get(name)
        if a != b and not _is_value(a) and not _is_value(b):
            words.append(f"{name} {_shown(b)} instead of {_shown(a)}")
    return ", ".join(sorted(words))


def _is_value(setting: Any) -> bool:
    if is_tuple(setting):
        return any(map(_is_value, setting))
    return isinstance(setting, Hole)


def _shown(setting: Any) -> str:
    return str(setting).replace("None", "none")


def _called(form: Form) -> str:
    return form.function.rpartition(".")[2]


def _listed(names: list[str]) -> str:
    return " and ".join(names) or "nothing"

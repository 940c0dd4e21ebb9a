"""An ONNX file as a trace of the network that it is, and its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archc.importing.onnx import arithmetic, axes, maps, weighted
from archc.importing.onnx.constants import computed, constant, sizes_made
from archc.importing.onnx.drawing import Computed, Drawing, Known
from archc.importing.onnx.file import File, Node, element_types, file_of
from archc.importing.onnx.idioms import join
from archc.importing.onnx.naming import Naming
from archc.importing.onnx.rules import RULES, Held, Reading
from archc.importing.onnx.scopes import chains_of
from archc.importing.trace import BATCH, Refusal, Sizes, Trace, Unsaid
from archc.spec.identifiers import of_input, of_output

_READ_BY = (arithmetic, axes, maps, weighted)
"""The modules whose rules are noted as they are imported."""
_LAST = (0, 3, 1, 2)
"""From channels behind the map to channels before it."""

_BRANCHING = frozenset({"If", "Loop", "Scan", "SequenceMap"})

Given = Sequence[tuple[str | None, Sizes]]
"""Shapes of inputs, with their names where they have one."""


@dataclass(slots=True)
class OnnxNetwork:
    """The network of a file."""

    trace: Trace
    weights: dict[str, Any] = field(default_factory=dict[str, Any])
    """Arrays by the keys of the spec's `state_dict`."""
    inputs: dict[str, Sizes] = field(default_factory=dict[str, Sizes])
    """What the file reads, by its own names, the batch counted."""
    turned: set[str] = field(default_factory=set[str])
    """Those whose channels stand behind the map in the file, and before it in the
    spec."""
    outputs: list[str] = field(default_factory=list[str])
    """What the file gives, by its own names."""
    remarks: list[str] = field(default_factory=list[str])


def network_of(model: Any, place: str, given: Given = ()) -> OnnxNetwork:
    """The network of a model; `place` is what refusals call the file.

    Raises:
        Unreadable: if it is of a time before or behind what is known.
    """
    file = file_of(model)
    join(file)
    found = OnnxNetwork(Trace("", "", False), outputs=list(file.outputs))
    shapes = _inputs(found, file, place, given)
    if found.trace.refused:
        return found
    samples = {sizes[0] for sizes in shapes.values()} or {BATCH}
    if len(samples) > 1:
        reason = "its inputs have not as many samples as each other"
        mend = "export it with as many samples for each input, or for any number"
        found.trace.refused.append(Refusal("", reason, place, mend=mend))
        return found
    draw = Drawing(found.trace, Naming(), place, samples.pop())
    values = _given(draw, found, file, shapes)
    _draw(draw, file, values)
    draw.settle()
    _outputs(draw, file, values)
    if not shapes and not found.trace.refused:
        mend = "export the network with what it reads as its inputs"
        found.trace.refused.append(Refusal("", "it reads no input", place, mend=mend))
    found.weights = draw.weights
    if draw.folded:
        found.remarks.append(
            f"batch norms that are folded into weights, of {len(draw.folded)} layers:"
            " these are convolutions with bias"
        )
    if draw.spread:
        found.remarks.append(
            f"a factor and a summand of each channel, {len(draw.spread)} times: these"
            " are batch norms"
        )
    return found


# ---- inputs


def _inputs(
    found: OnnxNetwork, file: File, place: str, given: Given
) -> dict[str, Sizes]:
    """The shape of each input in the file's order of axes, the batch counted."""
    types = element_types(file.model)
    named = {name: shape for name, shape in given if name is not None}
    rest = [shape for name, shape in given if name is None]
    shapes: dict[str, Sizes] = {}
    for name, said in file.inputs.items():
        if not file.readers[name]:
            continue
        if types[name] != "FLOAT":
            reason = f"it reads {types[name]} numbers; a spec's are float32"
            mend = "export the network as `.float()`, for float32 inputs"
            found.trace.refused.append(Refusal(name, reason, place, mend=mend))
            continue
        turned = _is_turned(file, name)
        wanted = named.pop(name, None) or named.pop(identifier(name), None)
        wanted = wanted or (rest.pop(0) if rest else None)
        if wanted is not None and turned and len(wanted) == 3:
            wanted = (*wanted[1:], wanted[0])
        sizes = (said[0] if said else None, *(wanted or said[1:]))
        if len(sizes) < 2 or any(size is None for size in sizes[1:]):
            reason = "nothing says what shape it has; give --input C,H,W"
            mend = f"with another input, --input {name}=C,H,W says which is meant"
            found.trace.refused.append(Refusal(name, reason, place, mend=mend))
            continue
        shapes[name] = tuple(BATCH if s is None else s for s in sizes)
        if turned:
            found.turned.add(name)
            found.remarks.append(
                f"`{name}` has its channels behind the map in the file, and before it"
                " in the spec"
            )
    if named or rest:
        reason = f"it reads {', '.join(file.inputs)}, and no more"
        mend = "give --input once for each of them"
        found.trace.refused.append(Refusal("", reason, place, mend=mend))
    found.inputs = shapes
    return shapes


def _is_turned(file: File, name: str) -> bool:
    """Whether the channels of an input stand behind the map: the first that happens to
    it, beside what works on each number, puts them before it."""
    names, turned = {name}, False
    for node in file.nodes:
        if not names.intersection(node.reads):
            continue
        if node.op == "Transpose":
            if tuple(node.attributes.get("perm", ())) != _LAST:
                return False
            turned = True
        elif node.op in ("Pad", "Sub", "Mul", "Div", "Add", "Cast", "Identity"):
            names.update(node.makes)
        else:
            return False
    return turned


def _given(
    draw: Drawing, found: OnnxNetwork, file: File, shapes: Mapping[str, Sizes]
) -> dict[str, Held]:
    """The values before the first node."""
    values: dict[str, Held] = {}
    for name, tensor in file.constants.items():
        values[name] = constant(tensor, name)
    for name, sizes in shapes.items():
        order = tuple(range(len(sizes)))
        own = sizes
        if name in found.turned:
            own, order = tuple(sizes[n] for n in _LAST), (0, 2, 3, 1)
        number = draw.value(own)
        values[name] = Computed(number, order)
        draw.trace.inputs[identifier(name)] = number
    return values


def identifier(name: str) -> str:
    """What the input or output of a network may be called."""
    near = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_") or "x"
    near = near if near[:1].isalpha() else f"x_{near}"
    return near if of_input(near) is None else f"{near}_"


# ---- nodes


def _draw(draw: Drawing, file: File, values: dict[str, Held]) -> None:
    """Adds each node, or a refusal; what depends on a refused one is not looked at."""
    for node, chain in zip(file.nodes, chains_of(file), strict=True):
        draw.chain, draw.name = chain, node.name
        rule_known = node.op in RULES
        missing = [n for n in node.reads if n and n not in values]
        if missing and rule_known:
            continue
        try:
            if missing:
                raise Unsaid(_unknown(node))
            _node(draw, file, node, values)
        except Unsaid as unsaid:
            module = chain[-1].path if chain else node.name or (node.makes or [""])[0]
            reason = f"{node.op}: {unsaid}" if rule_known else str(unsaid)
            refusal = Refusal(module, reason, draw.file, mend=unsaid.mend)
            if refusal not in draw.trace.refused:
                draw.trace.refused.append(refusal)


def _node(draw: Drawing, file: File, node: Node, values: dict[str, Held]) -> None:
    if node.op in _BRANCHING:
        mend = "export it by tracing, which goes one way through the network"
        raise Unsaid(f"`{node.op}` branches or loops, which no op does", mend)
    held = [values[name] if name else None for name in node.reads]
    known = [each if isinstance(each, Known) else None for each in held]
    if node.op in ("Shape", "Size") and isinstance(held[0], Computed):
        made = _shape(draw, held[0], node)
        values[node.makes[0]] = Known(made)
        return
    if not any(isinstance(each, Computed) for each in held):
        results: Sequence[Held] = computed(node, known, file.opset)
    else:
        rule = RULES.get(node.op)
        if rule is None:
            raise Unsaid(_unknown(node))
        sizes = [_sizes(draw, each) for each in held]
        made = sizes_made(node, sizes, known, file.opset, file.readers)
        reading = Reading(draw, node, file.opset, held, made, file.readers)
        rule(reading)
        results = reading.results
    for name, result in zip(filter(None, node.makes), results, strict=False):
        values[name] = result


def _sizes(draw: Drawing, held: Held) -> Sizes | None:
    if not isinstance(held, Computed):
        return None
    sizes = draw.sizes[held.number]
    return tuple(sizes[axis] for axis in held.axes)


def _shape(draw: Drawing, held: Computed, node: Node) -> Any:
    import numpy

    sizes = _sizes(draw, held) or ()
    if node.op == "Size":
        return numpy.array(numpy.prod(sizes), dtype=numpy.int64)
    start, end = node.attributes.get("start", 0), node.attributes.get("end")
    return numpy.array(sizes[start:end], dtype=numpy.int64)


def _unknown(node: Node) -> str:
    return f"no op does what `{node.op}` does"


# ---- outputs


def _outputs(draw: Drawing, file: File, values: dict[str, Held]) -> None:
    for name in file.outputs:
        held = values.get(name)
        if held is None:
            continue
        if not isinstance(held, Computed):
            reason, mend = "it depends on no input", "take it off the graph's outputs"
            draw.trace.refused.append(Refusal(name, reason, draw.file, mend=mend))
            continue
        reading = Reading(draw, file.nodes[-1], file.opset, [held], [], file.readers)
        draw.chain = ()
        number = reading.settled(held)
        near = identifier(name)
        near = near if of_output(near) is None else f"{near}_"
        draw.trace.outputs["" if len(file.outputs) == 1 else near] = number

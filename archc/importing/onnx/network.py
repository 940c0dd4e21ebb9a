"""An ONNX file as a trace of the network that it is, and its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archc.importing.onnx import (
    activations,
    arithmetic,
    axes,
    maps,
    norms,
    parts,
    reductions,
    resizing,
    weighted,
)
from archc.importing.onnx.constants import computed, constant, sizes_made
from archc.importing.onnx.contrib import OWN
from archc.importing.onnx.drawing import Computed, Drawing, Known
from archc.importing.onnx.file import File, Node, file_of, node_of
from archc.importing.onnx.idioms import join
from archc.importing.onnx.inputs import (
    Given,
    identifiers,
    in_spec,
    open_axes,
    shapes_of,
    turned_inputs,
)
from archc.importing.onnx.naming import Naming
from archc.importing.onnx.rules import RULES, Held, Reading
from archc.importing.onnx.scopes import Chain, chains_of
from archc.importing.trace import BATCH, Refusal, Sizes, Trace, Unsaid
from archc.spec.identifiers import of_input, of_output

_READ_BY = (activations, arithmetic, axes, maps, norms, parts, reductions, resizing,
            weighted)  # fmt: skip
"""The modules whose rules are noted as they are imported."""

_BRANCHING = frozenset({"If", "Loop", "Scan", "SequenceMap"})
_OF_SHAPES = frozenset({"Shape", "Size"})
_QUANTISED = frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear",
                        "QLinearConv", "QLinearMatMul", "ConvInteger",
                        "MatMulInteger"})  # fmt: skip


@dataclass(slots=True)
class OnnxNetwork:
    """The network of a file."""

    trace: Trace
    weights: dict[str, Any] = field(default_factory=dict[str, Any])
    """Arrays by the keys of the spec's `state_dict`."""
    constants: set[str] = field(default_factory=set[str])
    """The file's names of what they come from."""
    inputs: dict[str, Sizes] = field(default_factory=dict[str, Sizes])
    """What the file reads, by its own names, the batch counted."""
    open_axes: dict[str, tuple[int, ...]] = field(
        default_factory=dict[str, tuple[int, ...]]
    )
    """Of each of these the axes that are as large as one likes, in the file's order."""
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
    draw.is_open = any(found.open_axes.values())
    values = _given(draw, found, file, shapes)
    _draw(draw, file, values)
    draw.settle()
    _outputs(draw, file, values)
    if not shapes and not found.trace.refused:
        mend = "export the network with what it reads as its inputs"
        found.trace.refused.append(Refusal("", "it reads no input", place, mend=mend))
    found.weights = draw.weights
    found.constants = {name for own in draw.naming.taken.values() for name in own}
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
    turned = turned_inputs(file)
    shapes, refused = shapes_of(file, turned, place, given)
    found.trace.refused += refused
    found.inputs, found.turned = shapes, turned.intersection(shapes)
    found.open_axes = open_axes(file, shapes)
    found.remarks += [
        f"`{name}` has its channels behind the map in the file, and before it in the"
        " spec"
        for name in shapes if name in turned
    ]  # fmt: skip
    return shapes


def _given(
    draw: Drawing, found: OnnxNetwork, file: File, shapes: Mapping[str, Sizes]
) -> dict[str, Held]:
    """The values before the first node."""
    values: dict[str, Held] = {}
    for name, tensor in file.constants.items():
        values[name] = constant(tensor, name)
    called = identifiers(shapes, of_input)
    for name, sizes in shapes.items():
        turned = name in found.turned
        number = draw.value(in_spec(sizes, turned))
        order = (0, 2, 3, 1) if turned else tuple(range(len(sizes)))
        values[name] = Computed(number, order)
        draw.trace.inputs[called[name]] = number
    return values


# ---- nodes


def _draw(draw: Drawing, file: File, values: dict[str, Held]) -> None:
    """Adds each node, or a refusal; what depends on a refused one is not looked at."""
    for node, chain in zip(file.nodes, chains_of(file), strict=True):
        _draw_one(draw, file, node, chain, values)


def _draw_one(
    draw: Drawing, file: File, node: Node, chain: Chain, values: dict[str, Held]
) -> None:
    made = next(filter(None, node.makes), "")
    draw.chain, draw.name = chain, node.name or made
    rule_known = node.op in RULES
    missing = [n for n in node.reads if n and n not in values]
    of_shapes = node.op in _OF_SHAPES or draw.lost_sizes.issuperset(missing)
    if missing and of_shapes:
        draw.lost_sizes.update(node.makes)
    if missing and (of_shapes or rule_known):
        return
    try:
        if missing:
            raise _unknown(node)
        if node.op == "If" and isinstance(values[node.reads[0]], Known):
            _branch(draw, file, node, chain, values)
        else:
            _node(draw, file, node, values)
    except Unsaid as unsaid:
        module = chain[-1].path if chain else draw.name
        reason = f"{node.op}: {unsaid}" if rule_known else str(unsaid)
        refusal = Refusal(module, reason, draw.file, mend=unsaid.mend)
        if refusal not in draw.trace.refused:
            draw.trace.refused.append(refusal)


def _branch(
    draw: Drawing, file: File, node: Node, chain: Chain, values: dict[str, Held]
) -> None:
    """The branch that is taken for inputs of this shape."""
    held = values[node.reads[0]]
    assert isinstance(held, Known)
    taken = node.attributes["then_branch" if held.array.all() else "else_branch"]
    for tensor in taken.initializer:
        values[tensor.name] = constant(tensor, tensor.name)
    for proto in taken.node:
        _draw_one(draw, file, node_of(proto), chain, values)
    for name, value in zip(node.makes, taken.output, strict=True):
        if value.name in values:
            values[name] = values[value.name]


def _node(draw: Drawing, file: File, node: Node, values: dict[str, Held]) -> None:
    held = [values[name] if name else None for name in node.reads]
    known = [each if isinstance(each, Known) else None for each in held]
    if node.op in _OF_SHAPES and isinstance(held[0], Computed):
        made = _shape(draw, held[0], node)
        values[node.makes[0]] = Known(made)
        return
    if not any(isinstance(each, Computed) for each in held) and not node.inner:
        results: Sequence[Held] = computed(node, known, file.opset)
    else:
        rule = RULES.get(node.op)
        if rule is None:
            raise _unknown(node)
        sizes = [_sizes(draw, each) for each in held]
        made = sizes_made(node, sizes, known, file.opset, file.readers)
        reading = Reading(draw, node, file.opset, held, made, file.readers)
        rule(reading)
        results = reading.results
    for n, name in enumerate(node.makes):
        if n < len(results):
            values[name] = results[n]
        elif file.readers[name]:
            raise Unsaid(f"somebody reads `{name}`, which no op makes beside the rest")


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


def _unknown(node: Node) -> Unsaid:
    """Why an operator is not known."""
    op = node.op
    reason, mend = f"no op does what `{op}` does", ""
    if op in _BRANCHING:
        reason = f"`{op}` branches or loops, which no op does"
        mend = "export it by tracing, which goes one way through the network"
    elif op in _QUANTISED or op.startswith(f"{OWN}.QLinear"):
        reason = f"`{op}` is of a quantised network, and a spec's numbers are float32"
        mend = "import the file that was quantised"
    elif op.startswith(f"{OWN}."):
        reason = f"no op does what `{op}` does, which is onnxruntime's own"
        mend = "import the file as it was before onnxruntime optimised it"
    return Unsaid(reason, mend)


# ---- outputs


def _outputs(draw: Drawing, file: File, values: dict[str, Held]) -> None:
    called = identifiers(file.outputs, of_output)
    for name in file.outputs:
        held = values.get(name)
        if held is None:
            # what it depends on is refused
            assert draw.trace.refused, name
            continue
        if not isinstance(held, Computed):
            reason, mend = "it depends on no input", "take it off the graph's outputs"
            draw.trace.refused.append(Refusal(name, reason, draw.file, mend=mend))
            continue
        reading = Reading(draw, file.nodes[-1], file.opset, [held], [], file.readers)
        draw.chain = ()
        number = reading.settled(held)
        own = "" if len(file.outputs) == 1 else called[name]
        draw.trace.outputs[own] = number

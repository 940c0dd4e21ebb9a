"""A Caffe file as traces of the network that it says, and what it says beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod

from archc.importing.prototxt import merges, plain, weighted
from archc.importing.prototxt.drawing import Drawing
from archc.importing.prototxt.inputs import Given, draw_inputs, output_name
from archc.importing.prototxt.layers import DATA, Layer, connect, layers_of
from archc.importing.prototxt.names import head_name, named
from archc.importing.prototxt.rules import RULES, Reading
from archc.importing.prototxt.text import Malformed, read
from archc.importing.trace import Refusal, Trace, Unsaid

_READ_BY = (merges, plain, weighted)
"""The modules whose rules are noted as they are imported."""
_ENDS = frozenset({"Accuracy", "ArgMax", "Silence", "HDF5Output"})
"""What looks at a network's outputs, and is no part of it."""
_KEEPS = frozenset({"BatchNorm", "ELU", "Eltwise", "LRN", "PReLU", "Power", "ReLU",
                    "Scale", "Softmax"})  # fmt: skip
"""What gives the shape that it reads."""


@dataclass(slots=True)
class CaffeNetwork:
    """The network of a file."""

    name: str
    evaluated: Trace
    trained: Trace | None = None
    """With its auxiliary classifiers, if it has any."""
    loss_weights: dict[str, float] = field(default_factory=dict[str, float])
    """Of the auxiliary classifiers."""
    names: dict[str, str] = field(default_factory=dict[str, str])
    """The paths of layers with tensors that are called otherwise in the file."""
    params: int = 0
    """By Caffe's rules, auxiliary classifiers counted."""
    macs: int = 0
    """By Caffe's rules, without them."""
    remarks: list[str] = field(default_factory=list[str])


@dataclass(slots=True, eq=False)
class _Plan:
    """What of a file is the network."""

    layers: list[Layer]
    inputs: list[tuple[Layer, int]]
    """The values that it reads, each with the layer that gives it."""
    outputs: dict[str, int]
    softmaxes: list[Layer]
    """Those at the end, which are left out."""
    main: str = ""
    """Which output evaluation gives, where the others are auxiliary."""
    weights: dict[str, float] = field(default_factory=dict[str, float])
    """Of the heads."""
    heads: dict[int, str] = field(default_factory=dict[int, str])
    """The head of each layer that only one has, by its id."""


def network_of(text: str, file: str, given: Given) -> CaffeNetwork:
    """The network of a file's text; `file` is what refusals call it.

    Raises:
        Malformed: if it is no text of that format, or no network.
    """
    message = read(text)
    if message.has("net") or message.has("train_net"):
        reason = "these are the settings of a solver, and no network"
        mend = "import the file that its `net` names"
        raise Malformed(reason, message.line, mend)
    found = CaffeNetwork(message.text("name"), Trace("", "", False))
    tested = _plan(layers_of(message, "TEST"))
    drawing = _drawn(found, tested, False, file, given)
    found.evaluated = drawing.trace
    if tested.main:
        trained = _plan(layers_of(message, "TRAIN"))
        drawing = _drawn(found, trained, True, file, given)
        found.trained = drawing.trace
        main = found.evaluated.outputs.get(tested.main)
        found.evaluated.outputs = {} if main is None else {"": main}
        found.loss_weights = dict(tested.weights)
    trained_tensors = (t for t in drawing.trace.tensors.values() if t.trained)
    found.params = sum(prod(tensor.shape) for tensor in trained_tensors)
    for layer in tested.softmaxes:
        found.remarks.append(f"the softmax `{layer.name}` at the end is left out: the"
                             " spec gives what it reads")  # fmt: skip
    return found


# ---- what of the layers is the network


def _plan(layers: list[Layer]) -> _Plan:
    connect(layers)
    losses = [layer for layer in layers if layer.type.endswith("Loss")]
    beside = {id(x) for x in losses}
    for layer in reversed(layers):
        read = [id(r) for r in layers if {*layer.makes}.intersection(r.reads)]
        if layer.type in _ENDS and beside.issuperset(read):
            beside.add(id(layer))
    silenced = {v for x in layers if x.type == "Silence" for v in x.reads}
    data = {v for layer in layers if layer.type in DATA for v in layer.makes}
    softmaxes = [
        layer for layer in layers
        if layer.type == "Softmax"
        and all(id(r) in beside for r in layers if layer.makes[0] in r.reads)
    ]  # fmt: skip
    beside.update(map(id, softmaxes))
    before = {layer.makes[0]: layer.reads[0] for layer in softmaxes}
    kept = [x for x in layers if id(x) not in beside and x.type not in DATA]
    read_by_kept = {value for layer in kept for value in layer.reads}
    ends: dict[str, int] = {}
    for loss in losses:
        read = [(b, before.get(v, v)) for b, v in zip(loss.bottoms, loss.reads,
                strict=True) if v not in data]  # fmt: skip
        for bottom, value in read:
            ends[loss.name if len(read) == 1 else bottom] = value
    if not ends:
        made = [(t, v) for x in kept for t, v in zip(x.tops, x.makes, strict=True)]
        last = set(before.values())
        left = read_by_kept | silenced
        ends = {t: v for t, v in made if v in last or v not in left}
    if not ends:
        line = layers[-1].line if layers else 1
        raise Malformed("there is no network here: nothing is computed", line)
    kept = behind(kept, ends.values())
    read_by_kept = {value for layer in kept for value in layer.reads}
    inputs = [(x, v) for x in layers if x.type in DATA
              for v in x.makes if v in read_by_kept]  # fmt: skip
    found = _Plan(_with_scales(kept), inputs, ends, softmaxes)
    _tell_heads(found, losses)
    return found


def behind(layers: list[Layer], values: Iterable[int]) -> list[Layer]:
    """The layers that make these values, in their order."""
    wanted = set(values)
    found: list[Layer] = []
    for layer in reversed(layers):
        if wanted.intersection(layer.makes):
            found.append(layer)
            wanted.update(layer.reads)
    return found[::-1]


def _with_scales(layers: list[Layer]) -> list[Layer]:
    """The layers without the Scales that are a part of the BatchNorm before them."""
    readers: dict[int, list[Layer]] = {}
    for layer in layers:
        for value in layer.reads:
            readers.setdefault(value, []).append(layer)
    gone: set[int] = set()
    for layer in layers:
        behind_it = readers.get(layer.makes[0], []) if layer.makes else []
        if layer.type != "BatchNorm" or len(behind_it) != 1:
            continue
        (scale,) = behind_it
        # one without a bias is a layer of its own
        biased = scale.message.message("scale_param").flag("bias_term", False)
        if scale.type == "Scale" and len(scale.reads) == 1 and biased:
            layer.scale, layer.makes = scale, scale.makes
            gone.add(id(scale))
    return [layer for layer in layers if id(layer) not in gone]


def _tell_heads(plan: _Plan, losses: list[Layer]) -> None:
    """Of several losses the one that weighs most is the network's own."""
    weights = {
        loss.name: loss.message.number("loss_weight", 1.0)
        for loss in losses if loss.name in plan.outputs
    }  # fmt: skip
    if len(weights) < 2:
        return
    most = max(weights.values())
    if list(weights.values()).count(most) != 1:
        return
    plan.main = next(name for name, weight in weights.items() if weight == most)
    main = {id(x) for x in behind(plan.layers, [plan.outputs[plan.main]])}
    for name, weight in weights.items():
        if name != plan.main:
            head = head_name(name)
            plan.weights[head] = weight
            own = behind(plan.layers, [plan.outputs[name]])
            plan.heads |= {id(x): head for x in own if id(x) not in main}


# ---- the trace


def _drawn(
    found: CaffeNetwork, plan: _Plan, training: bool, file: str, given: Given
) -> Drawing:
    """The trace of the layers; what is known of the network is noted."""
    names = named(plan.layers, plan.heads)
    trace = Trace(found.name, "", training)
    draw = Drawing(trace, names, file)
    draw_inputs(draw, plan.inputs, given)
    for layer in plan.layers:
        rule = RULES.get(layer.type)
        reason = mend = ""
        if rule is None:
            reason = f"nothing is known of layers of the type `{layer.type}`"
        elif all(value in draw.numbers for value in layer.reads):
            try:
                reading = Reading(draw, layer)
                made = rule(reading).number
                reading.check()
                for n, value in enumerate(layer.makes):
                    draw.numbers[value] = made + n * (layer.type == "Slice")
            except (Unsaid, Malformed) as error:
                reason, mend = str(error), error.mend
        if reason:
            trace.refused.append(Refusal(layer.name, reason, file, layer.line, mend))
            _go_on(draw, layer)
    numbers = {n: draw.numbers.get(v) for n, v in plan.outputs.items()}
    known = {output_name(n): v for n, v in numbers.items() if v is not None}
    if len(plan.outputs) == 1:
        known = dict(zip([""], known.values(), strict=False))
    elif plan.main:
        known = {n: v for n, v in numbers.items() if v is not None}
    trace.outputs = known
    own = behind(plan.layers, [plan.outputs[plan.main]]) if plan.main else plan.layers
    paths = {draw.path(layer) for layer in own}
    found.macs = sum(n for path, n in draw.macs.items() if path in paths)
    with_tensors = {key.rpartition(".")[0] for key in trace.tensors}
    found.names = {
        layer.name: path for layer in plan.layers
        if (path := draw.path(layer)) != layer.name and path in with_tensors
    }  # fmt: skip
    return draw


def _go_on(draw: Drawing, layer: Layer) -> None:
    """Behind a layer that is refused, others are looked at if its shape is known."""
    sizes = [draw.sizes(value) for value in layer.reads[:1]]
    if layer.type in _KEEPS and sizes and sizes[0] is not None:
        for value in layer.makes:
            draw.numbers[value] = draw.value(sizes[0])

"""Functions of each number."""

from __future__ import annotations

from math import prod

from archc.importing.onnx.drawing import Computed, Known
from archc.importing.onnx.rules import Reading, rule, short
from archc.importing.trace import Unsaid, Value
from archc.spec.expressions import is_sequence

_F = "torch.nn.functional"

_PLAIN = {
    "Relu": "torch.relu", "Sigmoid": "torch.sigmoid", "Tanh": "torch.tanh",
    "HardSwish": f"{_F}.hardswish", "Softplus": f"{_F}.softplus",
    "Mish": f"{_F}.mish", "Silu": f"{_F}.silu",
}  # fmt: skip


@rule(*_PLAIN)
def _plainly(node: Reading) -> None:
    node.each(_PLAIN[node.node.op])


@rule("LeakyRelu")
def _leaky_relu(node: Reading) -> None:
    slope = short(node.attribute("alpha", 0.01))
    node.each(f"{_F}.leaky_relu", {"negative_slope": slope})


@rule("Elu")
def _elu(node: Reading) -> None:
    node.each(f"{_F}.elu", {"alpha": short(node.attribute("alpha", 1.0))})


@rule("Celu")
def _celu(node: Reading) -> None:
    alpha = short(node.attribute("alpha", 1.0))
    if not alpha:
        raise Unsaid("its `alpha` is 0")
    # an ELU, stretched along both axes
    node.chain(
        ("torch.mul", {"other": 1 / alpha}), (f"{_F}.elu", {"alpha": 1.0}),
        ("torch.mul", {"other": alpha}),
    )  # fmt: skip


@rule("Selu")
def _selu(node: Reading) -> None:
    alpha, gamma = node.attribute("alpha", 1.6732632), node.attribute("gamma", 1.050701)
    if abs(alpha - 1.6732632) > 1e-5 or abs(gamma - 1.050701) > 1e-5:
        raise Unsaid(f"its `alpha` and `gamma` are {short(alpha)} and {short(gamma)}")
    node.each(f"{_F}.selu")


@rule("HardSigmoid")
def _hard_sigmoid(node: Reading) -> None:
    slope, offset = node.attribute("alpha", 0.2), node.attribute("beta", 0.5)
    if abs(slope - 1 / 6) < 1e-6 and offset == 0.5:
        node.each(f"{_F}.hardsigmoid")
        return
    node.chain(
        ("torch.mul", {"other": short(slope)}), ("torch.add", {"other": short(offset)}),
        ("torch.clamp", {"min": 0.0, "max": 1.0}),
    )  # fmt: skip


@rule("Gelu")
def _gelu(node: Reading) -> None:
    node.each(f"{_F}.gelu", {"approximate": node.attribute("approximate", "none")})


@rule("Swish")
def _swish(node: Reading) -> None:
    """The number times the sigmoid of so many times itself."""
    alpha, held = short(node.attribute("alpha", 1.0)), node.computed()
    if alpha == 1:
        node.each(f"{_F}.silu")
        return
    gate = node.chain(("torch.mul", {"other": alpha}), ("torch.sigmoid", {}))
    settings = {"input": Value(held.number), "other": Value(gate.number)}
    sizes = node.drawing.sizes[held.number]
    number = node.drawing.call("torch.mul", settings, sizes)
    node.results = [type(held)(number, held.axes)]


@rule("Clip")
def _clip(node: Reading) -> None:
    _clamp(node, _bound(node, "min", 1), _bound(node, "max", 2))


@rule("Max", "Min")
def _largest(node: Reading) -> None:
    """Of a value and a number the value within a bound; of two values the first, and
    what the second has more or less."""
    if len(node.held) == 1:
        node.same()
        return
    known = [held.array for held in node.held if isinstance(held, Known)]
    is_max = node.node.op == "Max"
    if not known:
        _of_values(node, is_max)
        return
    rank = len(node.values[0].axes)
    if len(node.held) != 2 or known[0].size != 1 or known[0].ndim > rank:
        raise Unsaid("no op takes the larger or the smaller of a value and constants")
    number = float(known[0].flat[0])
    node.held = node.values
    _clamp(node, *((number, None) if is_max else (None, number)))


def _of_values(node: Reading, is_max: bool) -> None:
    if len({node.sizes(at) for at in range(len(node.held))}) > 1:
        raise Unsaid("no op takes the larger or the smaller of values of other shapes")
    numbers, axes = node.along()
    first, *others = numbers
    draw = node.drawing
    sizes = draw.sizes[first]
    for other in others:
        one, less = (other, first) if is_max else (first, other)
        settings = {"input": Value(one), "other": Value(less)}
        more = draw.call("torch.sub", settings, sizes)
        more = draw.call("torch.relu", {"input": Value(more)}, sizes)
        settings = {"input": Value(first), "other": Value(more)}
        first = draw.call("torch.add" if is_max else "torch.sub", settings, sizes)
    node.results = [Computed(first, axes)]


@rule("Abs")
def _absolute(node: Reading) -> None:
    """What is above zero, and what is below it turned about."""
    held, draw = node.computed(), node.drawing
    sizes = draw.sizes[held.number]
    below = node.chain(("torch.mul", {"other": -1.0}), ("torch.relu", {})).number
    above = draw.call("torch.relu", {"input": Value(held.number)}, sizes)
    settings = {"input": Value(above), "other": Value(below)}
    node.results = [Computed(draw.call("torch.add", settings, sizes), held.axes)]


def _clamp(node: Reading, low: float | None, high: float | None) -> None:
    low = None if low is None or low < -3e38 else short(low)
    high = None if high is None or high > 3e38 else short(high)
    if low is None and high is None:
        node.same()
    elif low == 0 and high is None:
        node.each("torch.relu")
    elif low is not None and high is not None:
        node.each(f"{_F}.hardtanh", {"min_val": low, "max_val": high})
    else:
        node.each("torch.clamp", {"min": low, "max": high})


def _bound(node: Reading, name: str, at: int) -> float | None:
    """One number, which some files have as a list of one."""
    given = node.setting(name, at)
    if not is_sequence(given):
        return given
    if len(given) != 1:
        raise Unsaid(f"its `{name}` is no single number")
    return given[0]


@rule("Softmax", "LogSoftmax")
def _softmax(node: Reading) -> None:
    rank = len(node.sizes())
    axis = node.axis(node.attribute("axis", 1 if node.opset < 13 else -1))
    wide = [size for size in node.sizes()[axis:] if size != 1]
    name = "softmax" if node.node.op == "Softmax" else "log_softmax"
    if node.opset < 13 and len(wide) > 1:
        _over_several(node, f"torch.{name}", axis)
        return
    if node.opset < 13 and wide:
        axis = next(n for n in range(axis, rank) if node.sizes()[n] != 1)
    node.each(f"torch.{name}", {"dim": node.computed().axes[axis]})


def _over_several(node: Reading, function: str, axis: int) -> None:
    """Over an axis and all behind it at once, as in older sets."""
    if not axis:
        raise Unsaid("it takes the softmax over the samples too")
    draw, number = node.drawing, node.plain()
    sizes = draw.sizes[number]
    flat = (*sizes[:axis], prod(sizes[axis:]))
    for made in (flat, sizes):
        settings = {"input": Value(number), "shape": (-1, *made[1:])}
        number = draw.call("torch.reshape", settings, made)
        if made is flat:
            settings = {"input": Value(number), "dim": axis}
            number = draw.call(function, settings, flat)
    node.results = [Computed(number, tuple(range(len(sizes))))]

"""Functions of each number."""

from __future__ import annotations

from archc.importing.onnx.drawing import Known
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
    """Of a value and a number: the value within a bound."""
    if len(node.held) == 1:
        node.same()
        return
    known = [held.array for held in node.held if isinstance(held, Known)]
    if (
        len(known) != 1
        or len(node.held) != 2
        or known[0].size != 1
        or known[0].ndim > len(node.values[0].axes)
    ):
        raise Unsaid("no op takes the larger or the smaller of two values")
    number = float(known[0].flat[0])
    node.held = node.values
    _clamp(node, *((number, None) if node.node.op == "Max" else (None, number)))


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
    if node.opset < 13 and len(wide) > 1:
        raise Unsaid("it takes the softmax over several axes at once")
    if node.opset < 13 and wide:
        axis = next(n for n in range(axis, rank) if node.sizes()[n] != 1)
    held = node.computed()
    name = "softmax" if node.node.op == "Softmax" else "log_softmax"
    node.each(f"torch.{name}", {"dim": held.axes[axis]})

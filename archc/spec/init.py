"""The `[init]` table: weight initialisation by op, in torch.nn.init's terms.

[init]
conv2d = { weight = { init = "kaiming_normal_", mode = "fan_out" }, bias = 0 }
linear = { weight = { init = "normal_", std = 0.01 }, bias = "zeros_" }
batch_norm2d = "ones_"                # short for { weight = "ones_" }
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archc.diagnostics.model import Sink
from archc.diagnostics.suggest import did_you_mean, meant
from archc.ops.attributes import plain
from archc.ops.base import Op
from archc.ops.registry import OPS
from archc.source.kinds import is_table
from archc.spec.model import Initializer, Origin

# the functions of torch.nn.init and the arguments each takes beside the tensor
INITIALIZERS: dict[str, tuple[str, ...]] = {
    "uniform_": ("a", "b"),
    "normal_": ("mean", "std"),
    "trunc_normal_": ("mean", "std", "a", "b"),
    "constant_": ("val",),
    "ones_": (),
    "zeros_": (),
    "dirac_": ("groups",),
    "xavier_uniform_": ("gain",),
    "xavier_normal_": ("gain",),
    "kaiming_uniform_": ("a", "mode", "nonlinearity"),
    "kaiming_normal_": ("a", "mode", "nonlinearity"),
    "orthogonal_": ("gain",),
    "sparse_": ("sparsity", "std"),
}
_CHOICES = {
    "mode": ("fan_in", "fan_out"),
    "nonlinearity": (
        "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
        "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu",
    ),
}  # fmt: skip
# how many axes of a tensor they take, from and to
_AXES = {
    "dirac_": (3, 5),
    "xavier_uniform_": (2, 5),
    "xavier_normal_": (2, 5),
    "kaiming_uniform_": (2, 5),
    "kaiming_normal_": (2, 5),
    "orthogonal_": (2, 5),
    "sparse_": (2, 2),
}
_REQUIRED = {"constant_": ("val",), "sparse_": ("sparsity",)}


def initializable() -> dict[str, tuple[str, ...]]:
    """The parameters of each op that can be initialised."""
    return {name: op.initializable for name, op in OPS.items() if op.initializable}


def parse_init(
    table: Any, origin: Origin, sink: Sink
) -> Mapping[str, Mapping[str, Initializer]]:
    """The initialiser of each parameter, by op and parameter name."""
    found: dict[str, dict[str, Initializer]] = {}
    if not is_table(table):
        return found  # a wrong type has been reported
    for op, value in table.items():
        known = op in OPS
        parameters = OPS[op].initializable if known else ()
        if not parameters:
            sink.error(
                "unknown-op",
                f"`{op}` has no parameters that `[init]` sets" if known
                else f"there is no op {plain(op)}",
                origin.at(op, part="key"),
                help=did_you_mean(op, initializable()),
            )  # fmt: skip
            continue
        here = origin.below(op)
        pairs: dict[str, Any] = {"weight": value}
        given: dict[str, Any] = value if is_table(value) else {}
        per_parameter = bool(given) and "init" not in given
        if per_parameter:
            pairs = given
        found[op] = {}
        for parameter, how in pairs.items():
            place = here.below(parameter) if per_parameter else here
            if parameter not in parameters:
                sink.error(
                    "unknown-key",
                    f"`{op}` has no parameter `{parameter}`",
                    place.at(part="key"),
                    help=meant(parameter, parameters)
                    or f"its parameters are {_listed(parameters)}",
                )
                continue
            initializer = _initializer(how, place, sink)
            if initializer is None:
                continue
            axes = _axes(OPS[op], parameter)
            low, high = _AXES.get(initializer.function, (1, 5))
            if axes is not None and not low <= axes <= high:
                sink.error(
                    "bad-value",
                    f"`{initializer.function}` is for tensors of {_counted(low, high)},"
                    f" and `{parameter}` of `{op}` has {axes}",
                    place.at(),
                    help="`normal_`, `uniform_` and numbers are for any",
                )
                continue
            found[op][parameter] = initializer
    return found


def _axes(op: type[Op], parameter: str) -> int | None:
    """How many axes a parameter of an op has; None where a node decides."""
    if parameter != "weight" or op.category not in ("convolution", "linear"):
        sized = parameter == "gain" or "normalized_shape" in op.model_fields
        return None if sized else 1
    return 2 if op.category == "linear" else 2 + (op.axes or 0)


def _counted(low: int, high: int) -> str:
    return f"{low} axes" if low == high else f"{low} axes or more"


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(f"`{name}`" for name in names)


def _initializer(value: Any, origin: Origin, sink: Sink) -> Initializer | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value in (0, 1):
            return Initializer("ones_" if value else "zeros_")
        return Initializer("constant_", {"val": value})
    arguments: dict[str, Any] = {}
    if is_table(value) and "init" not in value:
        sink.error(
            "missing-key",
            "an initialiser lacks `init`, a function of torch.nn.init",
            origin.at(),
            help='write { init = "normal_", std = 0.01 }',
        )
        return None
    if is_table(value):
        arguments = {k: v for k, v in value.items() if k != "init"}
        value = value.get("init")
        name_place = origin.at("init")
    else:
        name_place = origin.at()
    function = f"{value}_" if f"{value}_" in INITIALIZERS else value
    if not isinstance(function, str) or function not in INITIALIZERS:
        sink.error(
            "unknown-initializer",
            f"torch.nn.init has no function {plain(value)}",
            name_place,
            help=did_you_mean(str(value), INITIALIZERS),
        )
        return None
    return _checked(function, arguments, origin, sink)


def _checked(
    function: str, arguments: dict[str, Any], origin: Origin, sink: Sink
) -> Initializer | None:
    fine = True
    for key, value in arguments.items():
        problem = help = None
        if key not in INITIALIZERS[function]:
            sink.error(
                "unknown-argument",
                f"`{function}` has no argument `{key}`",
                origin.at(key, part="key"),
                help=did_you_mean(key, INITIALIZERS[function]) or "it takes none",
            )
            fine = False
        elif key in _CHOICES:
            if value not in _CHOICES[key]:
                problem = f"must be one of {', '.join(_CHOICES[key])}"
                help = meant(value, _CHOICES[key]) if isinstance(value, str) else None
        elif not isinstance(value, int | float) or isinstance(value, bool):
            problem = "must be a number"
        if problem:
            message = f"`{key}` {problem}, not {plain(value)}"
            sink.error("bad-value", message, origin.at(key), help=help)
            fine = False
    for key in _REQUIRED.get(function, ()):
        if key not in arguments:
            sink.error(
                "missing-argument",
                f"`{function}` needs the argument `{key}`",
                origin.at(),
                help=f'write {{ init = "{function}", {key} = ... }}',
            )
            fine = False
    return Initializer(function, arguments) if fine else None

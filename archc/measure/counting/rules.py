"""Of what a tool's rules are made: what they see of a call, and formulas on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from archc.network.execution import Call
from archc.network.graph import Layer
from archc.ops.sizes import sizes_of, to_int

Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """What a tool sees of one call on a batch of one sample."""

    layer: Layer
    name: str
    x: Sizes
    y: Sizes
    weights: Mapping[str, Sizes]

    @property
    def weight(self) -> int:
        """How many numbers the weight has."""
        return prod(self.weights["weight"])

    @property
    def has_bias(self) -> bool:
        return "bias" in self.weights

    @property
    def is_affine(self) -> bool:
        return "weight" in self.weights

    def setting(self, name: str) -> Any:
        """An attribute of the op; None if it has no such."""
        return getattr(self.layer.op, name, None)


def use_of(call: Call, name: str | None = None) -> Use:
    """What is seen of a call, or of the function of this name that it ends up in."""
    layer = call.layer
    x, y = layer.input_shape(), layer.output_shape()
    weights = layer.op.parameters(x)
    is_helper = call.is_module and not call.name.startswith("nn.")
    read = _read_last(layer) if is_helper and name != call.name else x.sizes
    return Use(
        layer,
        name or call.name,
        (1, *read),
        (1, *y.sizes),
        {key: sizes_of(dims) for key, dims in weights.items()},
    )


def _read_last(layer: Layer) -> Sizes:
    """What the last of the functions reads that a helper calls: mostly a padded map."""
    x, y = layer.input_shape(), layer.output_shape()
    steps = layer.op.steps((x,), y, device="cpu", inplace=False)
    number = steps[-1].reads[0]
    return x.sizes if number == 0 else sizes_of(steps[number - 1].dims)


Formula = Callable[[Use], int]


@dataclass(frozen=True, slots=True)
class Rule:
    """A number that a tool adds for a call, and what it is for."""

    what: str
    formula: Formula


Rules = Mapping[str, tuple[Rule, ...]]
"""A tool's rules by the name of what is called."""
Level = Literal["modules", "functions"]


def rules(*groups: tuple[Iterable[str], str, Formula]) -> Rules:
    """Rules of several groups of names, each with what it is for and a formula."""
    found: dict[str, tuple[Rule, ...]] = {}
    for names, what, formula in groups:
        for name in names:
            found[name] = (*found.get(name, ()), Rule(what, formula))
    return found


def on_axes(*names: str) -> list[str]:
    """`nn.Conv` as `nn.Conv1d`, `nn.Conv2d`, `nn.Conv3d`."""
    return [f"{name}{axes}d" for name in names for axes in (1, 2, 3)]


# ---- formulas

MULTIPLY_ADDS = "multiply-adds of convolutions and linear layers"
BIASES = "biases, 1 for each number of the output"


def convolution(use: Use) -> int:
    """The weight at each place of the output, which is no parameter where it blurs."""
    if not use.is_affine:
        layer = use.layer
        return to_int(layer.op.macs(layer.input_shape(), layer.output_shape()))
    return use.weight * prod(use.y[2:])


def transposed_convolution(use: Use) -> int:
    """The weight at each place of the input."""
    return use.weight * prod(use.x[2:])


def linear(use: Use) -> int:
    """The input's features for each number of the output."""
    return use.weights["weight"][1] * prod(use.y)


def biases(use: Use) -> int:
    return prod(use.y) if use.has_bias else 0


def read(times: int = 1) -> Formula:
    """So many for each number that is read."""
    return lambda use: times * prod(use.x)


def made(times: int = 1) -> Formula:
    """So many for each number of the output."""
    return lambda use: times * prod(use.y)


def normalized(affine: int, plain: int) -> Formula:
    """So many for each number that is read, with scale and shift, and without."""
    return lambda use: (affine if use.is_affine else plain) * prod(use.x)


def batch_normalized(use: Use) -> int:
    """2 for each number that is read, with scale and shift, else 1; 5 and 4 where the
    batch's own statistics are taken in evaluation too."""
    tracked = use.setting("track_running_stats") is not False
    return (normalized(2, 1) if tracked else normalized(5, 4))(use)


def power_average(use: Use) -> int:
    """What F.lp_pool calls in turn: an average of what it reads, and of what that makes
    a ReLU and a product."""
    return prod(use.x) + 2 * prod(use.y)


def local_response(use: Use) -> int:
    """What F.local_response_norm calls in turn, each counted by what it reads: two
    products and a sum on its input, and a pooling of its padded squares."""
    size: int = use.setting("size")
    _, channels, *places = use.x
    return 3 * prod(use.x) + (channels + size - 1) * prod(places)


def twice(formula: Formula) -> Formula:
    return lambda use: 2 * formula(use)


def weight_normalized(use: Use) -> int:
    """Of a weight that is normalised in training's way, 5 for each number where it is
    scaled, else 4."""
    return (5 if "gain" in use.weights else 4) * use.weight


# ---- from modules to functions

OF_WEIGHT = "F.batch_norm of a weight"
"""What helpers call that normalise a convolution's weight."""

_FUNCTIONS = (
    ("Linear", "linear"),
    ("ReLU", "relu"),
    ("ReLU6", "hardtanh"),
    ("LeakyReLU", "leaky_relu"),
    ("PReLU", "prelu"),
    ("ELU", "elu"),
    ("GELU", "gelu"),
    ("SiLU", "silu"),
    ("Softmax", "softmax"),
    ("LayerNorm", "layer_norm"),
    ("GroupNorm", "group_norm"),
    ("LocalResponseNorm", "local_response_norm"),
    ("Upsample", "interpolate"),
)
_ON_AXES = (
    ("Conv{}d", "conv{}d"),
    ("ConvTranspose{}d", "conv_transpose{}d"),
    ("BatchNorm{}d", "batch_norm"),
    ("InstanceNorm{}d", "instance_norm"),
    ("MaxPool{}d", "max_pool{}d"),
    ("AvgPool{}d", "avg_pool{}d"),
    ("LPPool{}d", "lp_pool{}d"),
    ("AdaptiveMaxPool{}d", "adaptive_max_pool{}d"),
    ("AdaptiveAvgPool{}d", "adaptive_avg_pool{}d"),
)
_OF_MODULES = {f"nn.{module}": f"F.{function}" for module, function in _FUNCTIONS} | {
    f"nn.{module.format(axes)}": f"F.{function.format(axes)}"
    for module, function in _ON_AXES
    for axes in (1, 2, 3)
}
"""Which function a module of torch's calls, where a tool counts it."""
_CALLED = re.compile(r"\b(?:F|nn\.functional)\.(\w+\((?:\s*self\.weight\b)?)")
_BASE = re.compile(r"^class \w+\((nn\.\w+)\)", re.MULTILINE)


def _named(text: str) -> str:
    name, _, first = text.partition("(")
    return OF_WEIGHT if name == "batch_norm" and first else f"F.{name}"


def functions_of(call: Call) -> list[str]:
    """The functions that a call ends up in, as far as a tool may count them."""
    if not call.is_module:
        return [call.name]
    if call.name in _OF_MODULES:
        return [_OF_MODULES[call.name]]
    source = None if call.name.startswith("nn.") else call.layer.op.helper
    if source is None:
        return []
    found = [_named(text) for text in _CALLED.findall(source)]
    base = _BASE.search(source)
    inherits = "super().forward" in source or "self._conv_forward" in source
    if base is not None and inherits:
        found.append(_OF_MODULES.get(base[1], base[1]))
    return found

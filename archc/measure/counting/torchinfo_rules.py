"""torchinfo.summary, "Total mult-adds": the parameters of modules without children, at
each place of the output if "Conv" is in the class's name, else once
(torchinfo/layer_info.py, calculate_macs)."""

from __future__ import annotations

from math import prod

from archc.measure.counting.count import Convention, Counter
from archc.measure.counting.rules import (
    BIASES,
    MULTIPLY_ADDS,
    Rules,
    Use,
    on_axes,
    rules,
)


def _weights_everywhere(use: Use) -> int:
    return prod(use.weights["weight"]) * prod(use.y[2:])


def _biases_everywhere(use: Use) -> int:
    return prod(use.weights.get("bias", (0,))) * prod(use.y[2:])


def _weights_once(use: Use) -> int:
    return prod(use.weights["weight"])


def _parameters_once(use: Use) -> int:
    return sum(prod(use.weights.get(name, (0,))) for name in ("weight", "bias"))


def _biases_once(use: Use) -> int:
    return prod(use.weights.get("bias", (0,)))


_CONV = (*on_axes("nn.Conv", "nn.ConvTranspose"),)
_HELPERS = ("Conv2dSame", "StdConv2d", "StdConv2dSame", "ScaledStdConv2d")
_RULES: Rules = rules(
    ((*_CONV, *_HELPERS), MULTIPLY_ADDS, _weights_everywhere),
    ((*_CONV, *_HELPERS), BIASES, _biases_everywhere),
    (["nn.Linear"], MULTIPLY_ADDS, _weights_once),
    (["nn.Linear"], "biases of linear layers", _biases_once),
    (
        [*on_axes("nn.BatchNorm", "nn.InstanceNorm"), "nn.LayerNorm", "nn.GroupNorm",
         "nn.RMSNorm", "nn.PReLU", "LayerNorm2d", "GlobalResponseNorm"],
        "scale and shift of normalisation, and PReLU's slopes, once for each parameter",
        _parameters_once,
    ),
)  # fmt: skip

COUNTER = Counter(
    "torchinfo",
    "1.8.0",
    (Convention("torchinfo", "Total mult-adds", 1, (("modules", _RULES),)),),
    (
        "A linear layer on rows counts as if there were one row"
        " (github.com/TylerYep/torchinfo/issues/77, mended after 1.8.0).",
        "A transposed convolution counts as if its weight stood at each place of its"
        " output, not of its input.",
        "Parameters of a module that has children, such as a bare nn.Parameter, count"
        " nothing.",
    ),
)

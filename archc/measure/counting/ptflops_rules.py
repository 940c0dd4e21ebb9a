"""ptflops.get_model_complexity_info, by its two backends: `pytorch`, the default, hooks
modules by their class and replaces functions of torch.nn.functional (pytorch_ops.py);
`aten` counts matrix products and convolutions as they are run (aten_ops.py)."""

from __future__ import annotations

from math import prod

from archc.measure.counting.count import Convention, Counter
from archc.measure.counting.rules import (
    BIASES,
    MULTIPLY_ADDS,
    Rules,
    Use,
    biases,
    convolution,
    linear,
    local_response,
    made,
    normalized,
    on_axes,
    power_average,
    read,
    rules,
    transposed_convolution,
)
from archc.ops.attributes import items

_CONV, _TRANSPOSED = on_axes("nn.Conv"), on_axes("nn.ConvTranspose")
_POOLING = ("MaxPool", "AvgPool", "AdaptiveMaxPool", "AdaptiveAvgPool")
_POOLS = ("max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool")
_NORMS = on_axes("nn.BatchNorm", "nn.InstanceNorm")
_ACTIVATION = "activations, 1 for each number"
_POOL = "pooling, 1 for each number read"
_AGAIN = ", once more in the function that the module calls"


def _linear_biases(use: Use) -> int:
    """Of rows that do not lie in a row, torch adds the bias by a call of its own, which
    is not counted."""
    return 0 if len(use.x) > 2 and _is_turned(use) else biases(use)


def _is_turned(use: Use) -> bool:
    """Whether its input is another map with its axes in another order."""
    before = use.layer.inputs[0].layer
    if before is None:
        return False
    shapes = (before.input_shape(),)
    steps = before.op.steps(shapes, before.output_shape(), device="cpu", inplace=False)
    return bool(steps) and bool(steps[-1].order)


def _resized(use: Use) -> int:
    """What is made; with a factor that times what is read for each axis, whatever is
    rounded, and with one for each axis the whole part of each."""
    factor = use.setting("scale_factor")
    if factor is None:
        return made()(use)
    each = items(factor)
    if each is not None:
        return prod((*use.x, *map(int, each)))
    return int(prod(use.x) * factor ** len(use.x[2:]))


_MODULES: Rules = rules(
    (_CONV, MULTIPLY_ADDS, convolution),
    (_TRANSPOSED, MULTIPLY_ADDS, transposed_convolution),
    (["nn.Linear"], MULTIPLY_ADDS, linear),
    ((*_CONV, *_TRANSPOSED, "nn.Linear"), BIASES, biases),
    (
        ("nn.ReLU", "nn.PReLU", "nn.ELU", "nn.LeakyReLU", "nn.ReLU6", "nn.GELU"),
        _ACTIVATION,
        made(),
    ),
    (on_axes(*(f"nn.{name}" for name in _POOLING)), _POOL, read()),
    (["nn.Upsample"], "resizing, 1 for each number made", made()),
    (
        (*_NORMS, "nn.GroupNorm", "nn.LayerNorm"),
        "normalisation, 2 for each number (1 if not affine, and of nn.LayerNorm)",
        lambda use: normalized(1 if use.name == "nn.LayerNorm" else 2, 1)(use),
    ),
)
_FUNCTIONS: Rules = rules(
    (
        ("F.relu", "F.prelu", "F.elu", "F.relu6", "F.gelu", "F.silu", "F.softmax"),
        f"{_ACTIVATION}, in functions",
        read(),
    ),
    (on_axes(*(f"F.{name}" for name in _POOLS)), f"{_POOL}, in functions", read()),
    (
        on_axes("F.lp_pool"),
        "the functions of power-average pooling",
        power_average,
    ),
    (
        ["F.local_response_norm"],
        "the functions of local response normalisation",
        local_response,
    ),
    (["F.interpolate"], "resizing, 1 for each number made, in functions", _resized),
)
_ATEN: Rules = rules(
    (on_axes("F.conv"), MULTIPLY_ADDS, convolution),
    (on_axes("F.conv_transpose"), MULTIPLY_ADDS, transposed_convolution),
    (["F.linear"], MULTIPLY_ADDS, linear),
    (on_axes("F.conv", "F.conv_transpose"), BIASES, biases),
    (["F.linear"], BIASES, _linear_biases),
)

COUNTER = Counter(
    "ptflops",
    "0.7.5",
    (
        Convention(
            "ptflops_pytorch",
            "MACs, backend pytorch",
            1,
            (("modules", _MODULES), ("functions", _FUNCTIONS)),
        ),
        Convention("ptflops_aten", "MACs, backend aten", 1, (("functions", _ATEN),)),
        Convention(
            "ptflops_pytorch_modules",
            "MACs, backend pytorch, of a module that has nn.ReLU for F.relu and so on",
            1,
            (("modules", _MODULES), ("functions", _FUNCTIONS)),
            as_modules=True,
        ),
    ),
    (
        "With the backend pytorch an activation or a pooling that is a module is"
        " counted twice: in its hook, and in the function that it calls. So the same"
        " network has another figure where its code calls F.relu"
        " (github.com/sovrasov/flops-counter.pytorch/issues/139).",
        "With the backend aten the bias of a linear layer on rows of a transposed map"
        " is not counted: torch adds it by a call of its own.",
    ),
)

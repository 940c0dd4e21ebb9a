"""thop.profile: it knows some of torch's modules, exactly by their class, and calls of
functions not at all (thop/profile.py, thop/vision/calc_func.py)."""

from __future__ import annotations

from math import prod

from archc.measure.counting.count import Convention, Counter
from archc.measure.counting.rules import (
    MULTIPLY_ADDS,
    Rules,
    Use,
    convolution,
    linear,
    made,
    normalized,
    on_axes,
    read,
    rules,
)


def _on_each_output(use: Use) -> int:
    """A transposed convolution as if it were a convolution."""
    groups = use.setting("groups") or 1
    return prod(use.y) * (use.x[1] // groups) * prod(use.weights["weight"][2:])


def _adaptive(use: Use) -> int:
    kernel = prod(float(a) / b for a, b in zip(use.x[2:], use.y[2:], strict=True))
    return int((kernel + 1) * prod(use.y))


def _softmax(use: Use) -> int:
    dim: int | None = use.setting("dim")
    features = use.x[1 if dim is None else dim]  # the batch is an axis here too
    return prod(use.x) // features * (3 * features - 1)


def _resized(use: Use) -> int:
    times = {"nearest": 1, "linear": 5, "bilinear": 11, "bicubic": 259}
    return made(times.get(str(use.setting("mode")), 0))(use)


_RULES: Rules = rules(
    (on_axes("nn.Conv"), MULTIPLY_ADDS, convolution),
    (on_axes("nn.ConvTranspose"), MULTIPLY_ADDS, _on_each_output),
    (["nn.Linear"], MULTIPLY_ADDS, linear),
    (
        [
            *on_axes("nn.BatchNorm", "nn.InstanceNorm"),
            "nn.LayerNorm",
        ],
        "normalisation, 4 for each number (2 without scale)",
        normalized(4, 2),
    ),
    (["nn.PReLU"], "PReLU, 1 for each number", read()),
    (
        on_axes("nn.AvgPool"),
        "average pooling, 1 for each number made",
        made(),
    ),
    (
        on_axes("nn.AdaptiveAvgPool"),
        "adaptive average pooling, its window and 1 for each number made",
        _adaptive,
    ),
    (["nn.Softmax"], "softmax, 3 for each number", _softmax),
    (
        ["nn.Upsample"],
        "resizing, 1 to 259 for each number made",
        _resized,
    ),
)

COUNTER = Counter(
    "thop",
    "0.1.1.post2209072238",
    (
        Convention("thop", "MACs", 1, (("modules", _RULES),)),
        Convention(
            "thop_modules",
            "MACs, of a module that has nn.AvgPool2d for F.avg_pool2d and so on",
            1,
            (("modules", _RULES),),
            as_modules=True,
        ),
    ),
    (
        "Functions are not seen: F.avg_pool2d and F.interpolate add nothing where the"
        " modules of the same name do.",
        "A transposed convolution counts as if its kernel stood at each place of its"
        " output (github.com/Lyken17/pytorch-OpCounter/issues/93).",
    ),
)

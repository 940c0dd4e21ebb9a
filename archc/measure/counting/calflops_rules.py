"""calflops.calculate_flops: it replaces functions of torch.nn.functional and some of
torch's (calflops/pytorch_ops.py)."""

from __future__ import annotations

from math import prod

from archc.measure.counting.count import Convention, Counter
from archc.measure.counting.rules import (
    BIASES,
    MULTIPLY_ADDS,
    OF_WEIGHT,
    Use,
    batch_normalized,
    biases,
    convolution,
    linear,
    local_response,
    normalized,
    on_axes,
    power_average,
    read,
    rules,
    twice,
    weight_normalized,
)
from archc.ops.attributes import sides

_CONV, _TRANSPOSED = on_axes("F.conv"), on_axes("F.conv_transpose")
_POOLS = ("max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool")


def _resized(use: Use) -> int:
    """With a size its product, whatever the channels; with a factor what is read."""
    if use.setting("scale_factor") is None:
        return prod(use.y[2:])
    return prod(use.x)


def _transposed(use: Use) -> int:
    """With groups, of which the weight's second axis is one already, divided by them
    once more."""
    channels, made, *kernel = use.weights["weight"]
    return channels * (made // use.setting("groups")) * prod((*kernel, *use.x[2:]))


def _transposed_biases(use: Use) -> int:
    """The bias of one group on a map of the size that a convolution, not transposed,
    would make."""
    if not use.has_bias:
        return 0
    axes = len(use.x) - 2
    kernel, stride, padding, dilation = (
        sides(use.setting(name), axes)
        for name in ("kernel_size", "stride", "padding", "dilation")
    )
    each = zip(use.x[2:], kernel, stride, padding, dilation, strict=True)
    return use.weights["weight"][1] * prod(
        (n + 2 * p - (d * (k - 1) + 1)) // s + 1 for n, k, s, p, d in each
    )


COUNTER = Counter(
    "calflops",
    "0.3.2",
    (
        Convention(
            "calflops_flops",
            "FLOPs",
            2,
            (
                (
                    "functions",
                    rules(
                        (_CONV, MULTIPLY_ADDS, twice(convolution)),
                        (_TRANSPOSED, MULTIPLY_ADDS, twice(_transposed)),
                        (["F.linear"], MULTIPLY_ADDS, twice(linear)),
                        (_CONV, BIASES, biases),
                        (_TRANSPOSED, BIASES, _transposed_biases),
                        (
                            ["F.batch_norm"],
                            "batch normalisation, 2 for each number (1 if not affine)",
                            batch_normalized,
                        ),
                        (
                            ["F.layer_norm", "F.group_norm", "F.instance_norm"],
                            "other normalisation, 5 for each number (4 without scale)",
                            normalized(5, 4),
                        ),
                        (
                            ("F.relu", "F.prelu", "F.elu", "F.leaky_relu", "F.relu6",
                             "F.silu", "F.gelu", "F.softmax"),
                            "activations, 1 for each number",
                            read(),
                        ),
                        (
                            on_axes(*(f"F.{name}" for name in _POOLS)),
                            "pooling, 1 for each number read",
                            read(),
                        ),
                        (
                            on_axes("F.lp_pool"),
                            "the functions of power-average pooling",
                            power_average,
                        ),
                        (
                            [OF_WEIGHT],
                            "weights that are normalised, 5 for each number (4 without"
                            " scale)",
                            weight_normalized,
                        ),
                        (
                            ["F.local_response_norm"],
                            "the functions of local response normalisation",
                            local_response,
                        ),
(["F.interpolate"], "resizing", _resized),
                    ),
                ),
            ),
        ),
        Convention(
            "calflops_macs",
            "MACs",
            1,
            (
                (
                    "functions",
                    rules(
                        (_CONV, MULTIPLY_ADDS, convolution),
                        (_TRANSPOSED, MULTIPLY_ADDS, _transposed),
                        (["F.linear"], MULTIPLY_ADDS, linear),
                    ),
                ),
            ),
        ),
    ),
    (
        "The bias of a transposed convolution counts on a map of the size that a"
        " convolution would make of its input (calflops/pytorch_ops.py,"
        " _conv_trans_flops_compute).",
        "With groups a transposed convolution is divided by them twice: the weight has"
        " the channels of one group (the same function).",
        "Resizing by a factor counts what is read: the product with the factor is not"
        " kept (github.com/MrYxJ/calculate-flops.pytorch/issues/22). Resizing to a size"
        " counts one channel (the same function in DeepSpeed, of which this one is a"
        " copy: github.com/deepspeedai/DeepSpeed/pull/8394).",
    ),
)  # fmt: skip

"""fvcore.nn.FlopCountAnalysis: it traces the module, and has a formula for some of the
aten functions that it meets (fvcore/nn/flop_count.py, jit_handles.py)."""

from __future__ import annotations

from archc.measure.counting.count import Convention, Counter
from archc.measure.counting.rules import (
    MULTIPLY_ADDS,
    OF_WEIGHT,
    Use,
    batch_normalized,
    convolution,
    linear,
    made,
    normalized,
    on_axes,
    read,
    rules,
    transposed_convolution,
    weight_normalized,
)


def _convolution(use: Use) -> int:
    """None whose padding is a word."""
    return 0 if isinstance(use.setting("padding"), str) else convolution(use)


def _interpolated(use: Use) -> int:
    """Of maps with two axes, by nearest neighbour or bilinear, and no others."""
    times = {"nearest": 1, "bilinear": 4}.get(str(use.setting("mode")), 0)
    return made(times)(use) if len(use.y) == 4 else 0


COUNTER = Counter(
    "fvcore",
    "0.1.5.post20221221",
    (
        Convention(
            "fvcore",
            "FLOPs, one for each multiply-add",
            1,
            (
                (
                    "functions",
                    rules(
                        (on_axes("F.conv"), MULTIPLY_ADDS, _convolution),
                        (
                            on_axes("F.conv_transpose"),
                            MULTIPLY_ADDS,
                            transposed_convolution,
                        ),
                        (["F.linear"], MULTIPLY_ADDS, linear),
                        (
                            ["F.batch_norm"],
                            "batch normalisation, 2 for each number (1 without scale)",
                            batch_normalized,
                        ),
                        (
                            ["F.layer_norm", "F.group_norm", "F.instance_norm"],
                            "other normalisation, 5 for each number (4 without scale)",
                            normalized(5, 4),
                        ),
                        (
                            [OF_WEIGHT],
                            "weights that are normalised, 5 for each number (4 without"
                            " scale)",
                            weight_normalized,
                        ),
                        (
                            ["F.adaptive_avg_pool2d"],
                            "adaptive average pooling, 1 for each number read",
                            read(),
                        ),
                        (
                            ["F.interpolate"],
                            "resizing, 1 for each number made, 4 if bilinear",
                            _interpolated,
                        ),
                    ),
                ),
            ),
        ),
    ),
    (
        'A convolution with padding="same" or "valid" counts nothing: a trace has'
        " aten::_convolution_mode for it, of which there is no formula.",
    ),
)

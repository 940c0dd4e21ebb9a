"""torch.utils.flop_counter.FlopCounterMode: two for each multiply-add, nothing else."""

from __future__ import annotations

from archc.measure.counting.count import Convention, Counter
from archc.measure.counting.rules import (
    MULTIPLY_ADDS,
    convolution,
    linear,
    on_axes,
    rules,
    transposed_convolution,
    twice,
)

COUNTER = Counter(
    "torch",
    "2.14.1",
    (
        Convention(
            "torch",
            "FLOPs",
            2,
            (
                (
                    "functions",
                    rules(
                        (on_axes("F.conv"), MULTIPLY_ADDS, twice(convolution)),
                        (
                            on_axes("F.conv_transpose"),
                            MULTIPLY_ADDS,
                            twice(transposed_convolution),
                        ),
                        (["F.linear"], MULTIPLY_ADDS, twice(linear)),
                    ),
                ),
            ),
        ),
    ),
)

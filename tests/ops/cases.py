"""For every op of the language at least one use: attributes and shapes it reads.

A plain tuple is a shape whose channels come first.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod
from typing import Any

import torch
from torch import Tensor

from archc.ops.attributes import pair
from archc.ops.sizes import Shape

MAP = (8, 6, 5)
LAST = Shape((6, 5, 8), 2)  # channels last, as permute leaves them
SEQUENCE = (8, 9)
VOLUME = (8, 4, 6, 5)
WITHOUT = Shape((4, 6), None)  # no axis holds the channels, as a sum leaves them
WITHOUT5 = Shape((4, 3, 2, 6), None)
GROUPS = Shape((4, 2, 5), 1)  # as unflatten leaves them

CASES: dict[str, list[tuple[dict[str, Any], Any]]] = {
    "conv2d": [
        ({"out_channels": 4, "kernel_size": 3}, MAP),
        ({"out_channels": 6, "kernel_size": (3, 2), "padding": (1, 0)}, MAP),
        ({"out_channels": 8, "kernel_size": 3, "stride": 2, "groups": 4}, MAP),
        ({"out_channels": 8, "kernel_size": 3, "padding": "same", "bias": False}, MAP),
    ],
    "conv_transpose2d": [
        ({"out_channels": 4, "kernel_size": 2, "stride": 2}, MAP),
        (
            {
                "out_channels": 6,
                "kernel_size": 3,
                "stride": 2,
                "padding": 1,
                "output_padding": 1,
                "groups": 2,
                "bias": False,
            },
            MAP,
        ),
    ],
    "conv2d_same": [
        ({"out_channels": 4, "kernel_size": 3, "stride": 2}, MAP),
        (
            {
                "out_channels": 4,
                "kernel_size": (3, 2),
                "stride": (1, 2),
                "bias": False,
                "groups": 2,
            },
            MAP,
        ),
        ({"out_channels": 4, "kernel_size": 3, "stride": 3, "dilation": 2}, MAP),
        ({"out_channels": 4, "kernel_size": 1, "stride": 2}, MAP),
    ],
    "std_conv2d": [
        ({"out_channels": 4, "kernel_size": 3, "padding": 1}, MAP),
        ({"out_channels": 4, "kernel_size": 1, "bias": True, "eps": 1e-3}, MAP),
        ({"out_channels": 8, "kernel_size": (3, 1), "stride": 2, "groups": 4}, MAP),
    ],
    "scaled_std_conv2d": [
        ({"out_channels": 4, "kernel_size": 3, "padding": 1}, MAP),
        (
            {
                "out_channels": 4,
                "kernel_size": 1,
                "bias": False,
                "eps": 1e-3,
                "gamma": 1.7,
                "gain_init": 0.5,
            },
            MAP,
        ),
        ({"out_channels": 8, "kernel_size": 3, "stride": 2, "groups": 4}, MAP),
    ],
    "linear": [
        ({"out_features": 5}, (8,)),
        ({"out_features": 5, "bias": False}, LAST),
        ({"out_features": 5, "in_features": 9}, SEQUENCE),
        ({"out_features": 3, "in_features": 5, "bias": False}, MAP),
        ({"out_features": 3}, WITHOUT),
    ],
    "max_pool2d": [
        ({"kernel_size": 2}, MAP),
        ({"kernel_size": (3, 2), "stride": 2, "padding": 1, "ceil_mode": True}, MAP),
    ],
    "avg_pool2d": [
        ({"kernel_size": 1}, MAP),
        ({"kernel_size": 3, "stride": 1, "count_include_pad": False}, MAP),
    ],
    "max_pool2d_same": [
        ({"kernel_size": 3, "stride": 2}, MAP),
        ({"kernel_size": 2}, MAP),
        ({"kernel_size": 2, "stride": 3}, MAP),
    ],
    "avg_pool2d_same": [
        ({"kernel_size": 3, "stride": 2}, MAP),
        ({"kernel_size": 2}, MAP),
        ({"kernel_size": 1, "stride": 1}, MAP),
    ],
    "lp_pool2d": [
        ({"norm_type": 2.0, "kernel_size": 2}, MAP),
        (
            {"norm_type": 4.0, "kernel_size": (3, 2), "stride": 1, "ceil_mode": True},
            MAP,
        ),
    ],
    "blur_pool2d": [
        ({}, MAP),
        ({"kernel_size": 4, "stride": 1}, MAP),
        ({"kernel_size": 5, "stride": 3}, (3, 7, 9)),
    ],
    "adaptive_avg_pool2d": [
        ({"output_size": 1}, MAP),
        ({"output_size": (2, 3)}, MAP),
        ({"output_size": (6, 5)}, MAP),
        ({"output_size": (None, 1)}, MAP),
        ({"output_size": (None, None)}, MAP),
    ],
    "adaptive_max_pool2d": [
        ({"output_size": 1}, MAP),
        ({"output_size": (6, 5)}, MAP),
        ({"output_size": (1, None)}, MAP),
    ],
    "mean": [
        ({"dim": (2, 3)}, MAP),
        ({"dim": 1, "keepdim": True}, MAP),
        ({"dim": (-1, 2), "keepdim": True}, MAP),
        ({"dim": 1}, LAST),
    ],
    "sum": [
        ({"dim": (2, 3)}, MAP),
        ({"dim": 1, "keepdim": True}, (8,)),
        ({"dim": (1, 2)}, LAST),
        ({"dim": 1}, MAP),
        ({"dim": 1}, GROUPS),
        ({"dim": 3, "keepdim": True}, MAP),
    ],
    "amax": [
        ({"dim": (2, 3)}, MAP),
        ({"dim": -1}, MAP),
        ({"dim": 1, "keepdim": True}, MAP),
        ({"dim": (1, 2), "keepdim": True}, LAST),
    ],
    "batch_norm2d": [
        ({}, MAP),
        ({"eps": 1e-3, "affine": False}, MAP),
        ({"momentum": 0.01, "track_running_stats": False}, MAP),
    ],
    "batch_norm1d": [({}, (8,)), ({"momentum": None}, (8, 5))],
    "instance_norm2d": [
        ({}, MAP),
        ({"affine": True, "eps": 1e-3}, MAP),
        ({"track_running_stats": True}, MAP),
        ({"affine": True, "track_running_stats": True, "momentum": 0.5}, MAP),
    ],
    "local_response_norm": [({"size": 5}, MAP), ({"size": 2, "k": 2.0}, MAP)],
    "group_norm": [
        ({"num_groups": 8}, MAP),
        ({"num_groups": 4}, MAP),
        ({"num_groups": 2, "affine": False}, (8, 3)),
    ],
    "layer_norm": [
        ({}, LAST),
        ({"normalized_shape": (6, 5), "eps": 1e-6}, MAP),
        ({"normalized_shape": 8, "bias": False}, (8,)),
        ({"elementwise_affine": False}, (8,)),
    ],
    "layer_norm2d": [({}, MAP), ({"eps": 1e-6}, (8, 2, 5))],
    "rms_norm": [
        ({}, LAST),
        ({"normalized_shape": (6, 5), "eps": 1e-6}, MAP),
        ({"elementwise_affine": False}, (8,)),
    ],
    "layer_scale": [
        ({}, MAP),
        ({"init": 0.1}, LAST),
        ({}, (8,)),
        ({"per_channel": False}, MAP),
        ({"per_channel": False, "has_axis": True}, MAP),
    ],
    "global_response_norm": [({}, MAP), ({"eps": 1e-3}, LAST)],
    "normalize": [
        ({}, MAP),
        ({}, LAST),
        ({"p": 1.0, "dim": -1, "eps": 1e-6}, MAP),
        ({"p": 3.0}, (8,)),
    ],
    "relu": [({}, MAP), ({"inplace": False}, (8,))],
    "relu6": [({}, MAP)],
    "hardtanh": [({}, MAP), ({"min_val": -2.0, "max_val": 0.5}, (8,))],
    "leaky_relu": [({}, MAP), ({"negative_slope": 0.2}, MAP)],
    "elu": [({}, MAP), ({"alpha": 0.5}, MAP)],
    "selu": [({}, MAP)],
    "prelu": [
        ({}, LAST),
        ({"num_parameters": 8, "init": 0.1}, MAP),
        ({"num_parameters": 8}, (8,)),
    ],
    "gelu": [({}, MAP), ({"approximate": "tanh"}, MAP)],
    "silu": [({}, MAP)],
    "mish": [({}, MAP)],
    "softplus": [({}, MAP), ({"beta": 2.0, "threshold": 5.0}, (8,))],
    "sigmoid": [({}, MAP)],
    "log_sigmoid": [({}, MAP), ({}, (8,))],
    "tanh": [({}, MAP)],
    "hardswish": [({}, MAP)],
    "hardsigmoid": [({}, MAP)],
    "softmax": [({}, (8,)), ({"dim": -1}, MAP)],
    "log_softmax": [({}, (8,)), ({"dim": 2}, MAP)],
    "scale": [({"factor": 0.5}, MAP), ({"factor": -2.0}, (8,))],
    "shift": [({"offset": 0.5}, MAP), ({"offset": -2.0}, (8,))],
    "clamp": [
        ({"min": 0.0}, MAP),
        ({"max": 1.0}, (8,)),
        ({"min": -0.5, "max": 0.5}, LAST),
    ],
    "pow": [({"exponent": 2.0}, MAP), ({"exponent": 3.0}, (8,))],
    "exp": [({}, MAP)],
    "sqrt": [({}, MAP)],
    "dropout": [({}, MAP), ({"p": 0.2}, (8,))],
    "dropout2d": [({}, MAP), ({"p": 0.2}, MAP)],
    "stochastic_depth": [({"p": 0.5}, MAP), ({"p": 0.2, "mode": "batch"}, (8,))],
    "flatten": [
        ({}, MAP),
        ({"start_dim": 2}, MAP),
        ({"end_dim": 2}, LAST),
        ({"start_dim": -2, "end_dim": 3}, LAST),
        ({}, (8,)),
    ],
    "identity": [({}, MAP)],
    "upsample": [
        ({"scale_factor": 2}, MAP),
        ({"scale_factor": 1}, MAP),
        ({"scale_factor": (1.5, 2)}, MAP),
        ({"size": (7, 9), "mode": "bilinear", "align_corners": True}, MAP),
    ],
    "zero_pad2d": [
        ({"padding": 1}, MAP),
        ({"padding": 0}, MAP),
        ({"padding": (0, 1, -1, 2)}, MAP),
    ],
    "constant_pad2d": [
        ({"padding": 1, "value": 2.0}, MAP),
        ({"padding": (0, 1, -1, 2), "value": -1.0}, MAP),
    ],
    "reflection_pad2d": [
        ({"padding": 2}, MAP),
        ({"padding": (4, 0, 1, 3)}, MAP),
    ],
    "replication_pad2d": [
        ({"padding": 1}, MAP),
        ({"padding": (7, 0, 1, -3)}, MAP),
    ],
    "permute": [
        ({"dims": (0, 2, 3, 1)}, MAP),
        ({"dims": (0, 3, -3, 2)}, LAST),
        ({"dims": (0, 2, 1)}, WITHOUT),
    ],
    "transpose": [
        ({"dim0": 1, "dim1": 2}, MAP),
        ({"dim0": -1, "dim1": 1}, LAST),
        ({"dim0": 2, "dim1": 2}, MAP),
        ({"dim0": 1, "dim1": 2}, WITHOUT),
    ],
    "unflatten": [
        ({"dim": 1, "unflattened_size": (2, -1)}, MAP),
        ({"dim": 1, "unflattened_size": (-1, 1, 1)}, (8,)),
        ({"dim": -2, "unflattened_size": (2, 3)}, MAP),
        ({"dim": 2, "unflattened_size": (1, 5)}, LAST),
        ({"dim": 2, "unflattened_size": (-1,)}, WITHOUT),
    ],
    "reshape": [
        ({"sizes": (8, -1)}, MAP),
        ({"sizes": (2, 4, 6, 5)}, MAP),
        ({"sizes": (-1,)}, LAST),
        ({"sizes": (1, -1), "channel_dim": 1}, (8,)),
        ({"sizes": (-1, 1, 1)}, WITHOUT),
        ({"sizes": (30, 8)}, LAST),
        ({"sizes": (4, -1)}, GROUPS),
    ],
    "channel_shuffle": [({"groups": 2}, MAP), ({"groups": 1}, MAP)],
    "pixel_shuffle": [
        ({"upscale_factor": 2}, MAP),
        ({"upscale_factor": 1}, MAP),
        ({"upscale_factor": 3}, (18, 2, 5)),
    ],
    "pixel_unshuffle": [
        ({"downscale_factor": 1}, MAP),
        ({"downscale_factor": 2}, (3, 4, 6)),
    ],
    "channel_slice": [
        ({"stop": 4}, MAP),
        ({"start": 2, "stop": 8}, MAP),
        ({"start": 3, "stop": 5}, LAST),
        ({"start": 3, "stop": 5}, (8,)),
    ],
    "channel_pad": [
        ({"padding": 4}, MAP),
        ({"padding": (0, 8)}, MAP),
        ({"padding": (1, 2)}, LAST),
        ({"padding": (3, 0)}, (8,)),
        ({"padding": 0}, (8, 5)),
    ],
    "chunk": [
        ({"chunks": 2}, MAP),
        ({"chunks": 4, "dim": 3}, Shape((6, 5, 8), 2)),
        ({"chunks": 3, "dim": 2}, MAP),
        ({"chunks": 2}, (8,)),
        ({"chunks": 2, "dim": -2}, WITHOUT),
    ],
    "pad": [
        ({"pad": (1, 2)}, MAP),
        ({"pad": (1, 0, -2, 1), "value": -1.5}, MAP),
        ({"pad": (0, 0, 1, 1, 2, 0)}, LAST),
        ({"pad": (3, 1)}, (8,)),
        ({"pad": (3, 4, 0, -1, 1, 1)}, WITHOUT5),
        ({"pad": (3, 4, 0, 2), "mode": "reflect"}, MAP),
        ({"pad": (3, -1), "mode": "reflect"}, SEQUENCE),
        ({"pad": (1, 0, 2, 2, 3, 0), "mode": "reflect"}, VOLUME),
        ({"pad": (1, 0, 2, 7), "mode": "replicate"}, MAP),
        ({"pad": (1, 0, 2, 7), "mode": "replicate"}, LAST),
        ({"pad": (1, 0, 2, 7, 4, 4), "mode": "replicate"}, VOLUME),
        ({"pad": (5, 0, 1, 1), "mode": "circular"}, MAP),
        ({"pad": (7, -2), "mode": "circular"}, SEQUENCE),
        ({"pad": (0, 2, 1, 1, 1, 1), "mode": "circular"}, VOLUME),
    ],
    "roll": [
        ({"shifts": 2, "dims": 2}, MAP),
        ({"shifts": (-3, 7), "dims": (2, -1)}, MAP),
        ({"shifts": (1, 1), "dims": (1, 2)}, LAST),
        ({"shifts": (1,), "dims": (1,)}, (8,)),
        ({"shifts": (0, 1, 2), "dims": (2, 3, 4)}, VOLUME),
        ({"shifts": 1, "dims": 1}, WITHOUT),
    ],
    "expand": [
        ({"sizes": (-1, 6, 5)}, (8, 1, 1)),
        ({"sizes": (8, 3, 5)}, (1, 1, 5)),
        ({"sizes": (-1, -1, -1)}, MAP),
        ({"sizes": (2, 3, 8)}, Shape((1, 1, 8), 2)),
        ({"sizes": (5,)}, (1,)),
    ],
    "add": [
        ({}, [MAP, MAP]),
        ({}, [(8,), (8,), (8,)]),
        ({}, [MAP]),
        ({}, [MAP, (8, 1, 1)]),
        ({}, [(8, 6, 1), (8, 1, 5)]),
        ({}, [WITHOUT, WITHOUT]),
    ],
    "mul": [
        ({}, [MAP, MAP]),
        ({}, [(8, 1, 1), MAP]),
        ({}, [MAP, (8, 1, 1)]),
        ({}, [MAP, (1, 6, 5)]),
        ({}, [(8,), (8,)]),
        ({}, [LAST, Shape((1, 1, 8), 2)]),
        ({}, [(8, 6, 1), (8, 1, 5)]),
        ({}, [(8, 1, 1), (1, 6, 5)]),
        ({}, [MAP]),
    ],
    "sub": [
        ({}, [MAP, MAP]),
        ({}, [(8, 1, 1), MAP]),
        ({}, [MAP, (1, 6, 5)]),
        ({}, [(8,), (8,)]),
        ({}, [LAST, Shape((1, 1, 8), 2)]),
        ({}, [(8, 6, 1), (8, 1, 5)]),
        ({}, [MAP]),
    ],
    "div": [
        ({}, [MAP, MAP]),
        ({}, [(8, 1, 1), MAP]),
        ({}, [MAP, (1, 6, 5)]),
        ({}, [(8,), (8,)]),
        ({}, [MAP]),
    ],
    "concat": [
        ({}, [MAP, (3, 6, 5)]),
        ({}, [MAP]),
        ({}, [(8,), (3,), (8,)]),
        ({}, [LAST, LAST]),
    ],
}


# The same families over one axis and over three, and what takes maps of any.
CASES |= {
    "conv1d": [
        ({"out_channels": 4, "kernel_size": 3}, SEQUENCE),
        ({"out_channels": 6, "kernel_size": (4,), "stride": 2, "padding": 3}, SEQUENCE),
        ({"out_channels": 8, "kernel_size": 3, "dilation": 2, "groups": 4}, SEQUENCE),
        ({"out_channels": 8, "kernel_size": 5, "padding": "same", "bias": False},
         SEQUENCE),
    ],
    "conv3d": [
        ({"out_channels": 4, "kernel_size": 3}, VOLUME),
        ({"out_channels": 6, "kernel_size": (3, 1, 2), "padding": (1, 0, 1)}, VOLUME),
        ({"out_channels": 8, "kernel_size": 3, "stride": (1, 2, 2), "padding": 1,
          "groups": 4}, VOLUME),
        ({"out_channels": 8, "kernel_size": (1, 3, 3), "padding": "same"}, VOLUME),
    ],
    "conv_transpose1d": [
        ({"out_channels": 4, "kernel_size": 2, "stride": 2}, SEQUENCE),
        ({"out_channels": 6, "kernel_size": 3, "stride": 3, "padding": 1,
          "output_padding": 2, "groups": 2, "dilation": 2}, SEQUENCE),
    ],
    "conv_transpose3d": [
        ({"out_channels": 4, "kernel_size": 2, "stride": 2}, VOLUME),
        ({"out_channels": 6, "kernel_size": 3, "stride": (1, 2, 2), "padding": 1,
          "output_padding": (0, 1, 0), "groups": 2, "bias": False}, VOLUME),
    ],
    "max_pool1d": [
        ({"kernel_size": 2}, SEQUENCE),
        ({"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, SEQUENCE),
        ({"kernel_size": 2, "dilation": 2}, SEQUENCE),
    ],
    "max_pool3d": [
        ({"kernel_size": 2}, VOLUME),
        ({"kernel_size": (1, 3, 2), "stride": (1, 2, 2), "padding": (0, 1, 0)}, VOLUME),
    ],
    "avg_pool1d": [
        ({"kernel_size": 2}, SEQUENCE),
        ({"kernel_size": 3, "padding": 1, "count_include_pad": False}, SEQUENCE),
    ],
    "avg_pool3d": [
        ({"kernel_size": 2}, VOLUME),
        ({"kernel_size": (2, 3, 3), "stride": 1, "ceil_mode": True}, VOLUME),
    ],
    "adaptive_avg_pool1d": [
        ({"output_size": 1}, SEQUENCE),
        ({"output_size": 4}, SEQUENCE),
    ],
    "adaptive_avg_pool3d": [
        ({"output_size": 1}, VOLUME),
        ({"output_size": (1, 2, 3)}, VOLUME),
        ({"output_size": (None, 1, 1)}, VOLUME),
    ],
    "adaptive_max_pool1d": [
        ({"output_size": 1}, SEQUENCE),
        ({"output_size": (4,)}, SEQUENCE),
    ],
    "adaptive_max_pool3d": [
        ({"output_size": 1}, VOLUME),
        ({"output_size": (2, 3, 3)}, VOLUME),
        ({"output_size": (None, 2, None)}, VOLUME),
    ],
    "batch_norm3d": [({}, VOLUME), ({"affine": False}, VOLUME)],
    "instance_norm1d": [
        ({}, SEQUENCE),
        ({"affine": True, "track_running_stats": True}, SEQUENCE),
    ],
    "instance_norm3d": [
        ({"affine": True}, VOLUME),
        ({"track_running_stats": True}, VOLUME),
    ],
    "dropout1d": [({}, SEQUENCE), ({"p": 0.2}, SEQUENCE)],
    "dropout3d": [({}, VOLUME), ({"p": 0.2}, VOLUME)],
    "constant_pad1d": [({"padding": (-2, 3), "value": 2.0}, SEQUENCE)],
    "constant_pad3d": [({"padding": 1, "value": -1.0}, VOLUME)],
    "reflection_pad1d": [({"padding": (3, 0)}, SEQUENCE)],
    "reflection_pad3d": [({"padding": (1, 2, 0, 1, 3, 0)}, VOLUME)],
    "replication_pad1d": [({"padding": (9, -2)}, SEQUENCE)],
    "replication_pad3d": [({"padding": (1, 2, 0, 1, 5, -1)}, VOLUME)],
    "lp_pool1d": [
        ({"norm_type": 2.0, "kernel_size": (2,), "stride": (1,)}, SEQUENCE),
        ({"norm_type": 2.0, "kernel_size": 2}, SEQUENCE),
        ({"norm_type": 3.0, "kernel_size": 3, "stride": 1, "ceil_mode": True},
         SEQUENCE),
    ],
    "lp_pool3d": [
        ({"norm_type": 2.0, "kernel_size": 2}, VOLUME),
        ({"norm_type": 4.0, "kernel_size": (1, 3, 2), "stride": 2}, VOLUME),
    ],
    "zero_pad1d": [({"padding": 1}, SEQUENCE), ({"padding": (-2, 3)}, SEQUENCE)],
    "zero_pad3d": [
        ({"padding": 1}, VOLUME),
        ({"padding": (0, 1, -1, 2, 3, 0)}, VOLUME),
    ],
}  # fmt: skip
for _name, _further in {
    "local_response_norm": [({"size": 3}, SEQUENCE), ({"size": 4}, VOLUME)],
    "group_norm": [({"num_groups": 2}, VOLUME)],
    "layer_norm": [({}, SEQUENCE), ({"normalized_shape": (6, 5)}, VOLUME)],
    "layer_scale": [({}, SEQUENCE), ({}, VOLUME)],
    "softmax": [({"dim": 2}, SEQUENCE), ({"dim": -3}, VOLUME)],
    "stochastic_depth": [({"p": 0.5}, SEQUENCE), ({"p": 0.5}, VOLUME)],
    "flatten": [({}, SEQUENCE), ({}, VOLUME), ({"start_dim": 3}, VOLUME)],
    "permute": [({"dims": (0, 2, 1)}, SEQUENCE), ({"dims": (0, 2, 3, 4, 1)}, VOLUME)],
    "channel_shuffle": [({"groups": 2}, SEQUENCE), ({"groups": 4}, VOLUME)],
    "channel_slice": [({"stop": 4}, SEQUENCE), ({"start": 2, "stop": 8}, VOLUME)],
    "channel_pad": [
        ({"padding": (1, 2)}, VOLUME),
        ({"padding": (1, 2)}, Shape((4, 6, 5, 8), 3)),
    ],
    "upsample": [
        ({"scale_factor": 2}, SEQUENCE),
        ({"scale_factor": 1.5, "mode": "linear"}, SEQUENCE),
        ({"size": 7, "mode": "nearest-exact"}, SEQUENCE),
        ({"scale_factor": (1, 2, 2)}, VOLUME),
        ({"size": (4, 9, 9), "mode": "trilinear", "align_corners": True}, VOLUME),
        ({"scale_factor": 2, "mode": "bicubic"}, MAP),
    ],
    "add": [({}, [SEQUENCE, SEQUENCE]), ({}, [VOLUME, VOLUME])],
    "mul": [
        ({}, [SEQUENCE, (8, 1)]),
        ({}, [(1, 9), SEQUENCE]),
        ({}, [VOLUME, (8, 1, 1, 1)]),
    ],
    "concat": [({}, [SEQUENCE, (3, 9)]), ({}, [VOLUME, (3, 4, 6, 5)])],
}.items():
    CASES[_name] += _further


def shapes_of(case: tuple[dict[str, Any], Any]) -> list[Shape]:
    read = case[1] if isinstance(case[1], list) else [case[1]]
    return [x if isinstance(x, Shape) else Shape(x) for x in read]


def shaped(vector: Tensor, x: Tensor, axis: int) -> Tensor:
    """A number for each channel, to be spread over `x`."""
    return vector.reshape([-1 if i == axis else 1 for i in range(x.ndim)])


def _layer_scale(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    factor = tensors[""]
    return x * (shaped(factor, x, axis) if op.per_channel else factor)


def _channel_slice(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    return torch.stack(x.unbind(axis)[op.start : op.stop], axis)


def _channel_pad(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    before, after = pair(op.padding)
    nothing = torch.zeros_like(x.select(axis, 0))
    parts = [nothing] * before + [*x.unbind(axis)] + [nothing] * after
    return torch.stack(parts, axis)


def _padded(size: int, before: int, after: int, mode: str) -> list[int | None]:
    """Which position stands at each of a padded axis; None for a constant."""
    found: list[int | None] = []
    for n in range(-before, size + after):
        # what is cropped is gone before the rest goes around
        match mode:
            case "reflect":
                n = abs(n) if n < size else 2 * (size - 1) - n
            case "replicate":
                n = min(max(n, 0), size - 1)
            case "circular":
                n = n % (size + min(before, 0) + min(after, 0)) - min(before, 0)
            case _:
                pass
        found.append(n if 0 <= n < size else None)
    return found


def _pad(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    sides = list(op.pad)
    for back in range(len(sides) // 2):
        dim = x.ndim - 1 - back
        places = _padded(x.shape[dim], *sides[2 * back : 2 * back + 2], op.mode)
        constant = torch.full_like(x.select(dim, 0), op.value)
        parts = [constant if n is None else x.select(dim, n) for n in places]
        x = torch.stack(parts, dim)
    return x


def _roll(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    given = [v if isinstance(v, tuple) else (v,) for v in (op.shifts, op.dims)]
    for shift, dim in zip(*given, strict=True):
        parts = x.unbind(dim)
        x = torch.stack(
            [parts[(n - shift) % len(parts)] for n in range(len(parts))], dim
        )
    return x


def _expand(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    for dim, size in enumerate(op.sizes, 1):
        if size not in (-1, x.shape[dim]):
            x = torch.cat([x] * size, dim)
    return x


def _global_response_norm(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    spatial = [i for i in (1, 2, 3) if i != axis]
    norm = (x * x).sum(spatial, keepdim=True) ** 0.5
    response = norm / (norm.mean(axis, keepdim=True) + op.eps)
    gamma, beta = (shaped(tensors[name], x, axis) for name in ("weight", "bias"))
    return gamma * (x * response) + beta + x


def _clamp(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    low = x if op.min is None else torch.where(x < op.min, op.min, x)
    return low if op.max is None else torch.where(low > op.max, op.max, low)


def _by_parts(x: Tensor, op: Any, one: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """A reduction of two after two, axis after axis."""
    dims = {d % x.ndim for d in (op.dim if isinstance(op.dim, tuple) else (op.dim,))}
    for dim in sorted(dims, reverse=True):
        first, *rest = x.unbind(dim)
        for part in rest:
            first = one(first, part)
        x = first.unsqueeze(dim) if op.keepdim else first
    return x


def _blur_pool2d(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    """By its definition: means of neighbours, again and again; then every so many."""
    pad = (op.stride - 1 + op.kernel_size - 1) // 2
    x = torch.nn.functional.pad(x, (pad,) * 4, mode="reflect")
    for dim in (2, 3):
        for _ in range(op.kernel_size - 1):
            size = x.shape[dim] - 1
            x = (x.narrow(dim, 0, size) + x.narrow(dim, 1, size)) / 2
    return x[:, :, :: op.stride, :: op.stride]


def _sum(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    return _by_parts(x, op, lambda a, b: a + b)


def _mean(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    return _sum(x, axis, tensors, op) / _sum(torch.ones_like(x), axis, tensors, op)


def _amax(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    return _by_parts(x, op, lambda a, b: torch.where(a > b, a, b))


def _normalize(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    axis = axis if op.dim is None else op.dim
    return x / (x.abs() ** op.p).sum(axis, keepdim=True) ** (1 / op.p)


def _layer_norm2d(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    centred = x - x.mean(1, keepdim=True)
    deviation = ((centred**2).mean(1, keepdim=True) + op.eps) ** 0.5
    gamma, beta = (shaped(tensors[name], x, axis) for name in ("weight", "bias"))
    return gamma * centred / deviation + beta


def _transpose(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    order = list(range(x.ndim))
    order[op.dim0], order[op.dim1] = order[op.dim1], order[op.dim0]
    return x.permute(order)


def _reshape(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    """Number by number, where it comes in its order."""
    sizes = list(op.sizes)
    if -1 in sizes:
        sizes[sizes.index(-1)] = x[0].numel() // -prod(sizes)
    places = list(product(*map(range, sizes)))
    numbers = product(*map(range, x.shape[1:]))
    made = x.new_empty(len(x), *sizes)
    for place, number in zip(places, numbers, strict=True):
        made[:, *place] = x[:, *number]
    return made


def _windows(x: Tensor, kernel: Any, stride: Any, dilation: Any, fill: float) -> Tensor:
    """What each window sees: its pixels last, and `fill` where TensorFlow pads."""
    seen: list[Tensor] = []
    rows, columns = (
        [
            [
                i * s
                + n * d
                - max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0) // 2
                for n in range(k)
            ]
            for i in range(-(-size // s))
        ]
        for size, k, s, d in zip(
            x.shape[2:], pair(kernel), pair(stride), pair(dilation), strict=True
        )
    )
    for row in rows:
        for column in columns:
            pixels = [
                x[:, :, i, j]
                if 0 <= i < x.shape[2] and 0 <= j < x.shape[3]
                else torch.full_like(x[:, :, 0, 0], fill)
                for i in row
                for j in column
            ]
            seen.append(torch.stack(pixels, -1))
    return torch.stack(seen, 2).unflatten(2, (len(rows), len(columns)))


def _conv2d_same(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    seen = _windows(x, op.kernel_size, op.stride, op.dilation, 0)
    weight = tensors["weight"].flatten(2)
    made: list[Tensor] = []
    for channel, row in enumerate(weight):
        first = channel // (len(weight) // op.groups) * len(row)
        made.append(
            (seen[:, first : first + len(row)] * row[:, None, None]).sum((1, -1))
        )
    y = torch.stack(made, 1)
    return y + shaped(tensors["bias"], y, 1) if op.bias else y


def _max_pool2d_same(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    stride = op.stride or op.kernel_size
    return _windows(x, op.kernel_size, stride, 1, float("-inf")).amax(-1)


def _avg_pool2d_same(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    return _windows(x, op.kernel_size, op.stride or op.kernel_size, 1, 0).mean(-1)


def _std_conv2d(x: Tensor, axis: int, tensors: Any, op: Any) -> Tensor:
    weight = tensors["weight"]
    centred = weight - weight.mean((1, 2, 3), keepdim=True)
    weight = centred / ((centred**2).mean((1, 2, 3), keepdim=True) + op.eps) ** 0.5
    if "gain" in tensors:
        weight = weight * tensors["gain"] * op.gamma / weight[0].numel() ** 0.5
    return torch.nn.functional.conv2d(
        x, weight, tensors.get("bias"), op.stride, op.padding, op.dilation, op.groups
    )


# What is computed by ops that neither torch nor torchvision has as a module: from the
# input, the axis of its channels with the batch counted, the parameters, and the op.
FORMULAS: dict[str, Callable[[Tensor, int, dict[str, Tensor], Any], Tensor]] = {
    "layer_scale": _layer_scale,
    "global_response_norm": _global_response_norm,
    "layer_norm2d": _layer_norm2d,
    "blur_pool2d": _blur_pool2d,
    "mean": _mean,
    "sum": _sum,
    "amax": _amax,
    "normalize": _normalize,
    "scale": lambda x, axis, tensors, op: x + (op.factor - 1) * x,
    "shift": lambda x, axis, tensors, op: (x - 1) + (op.offset + 1),
    "clamp": _clamp,
    "pow": lambda x, axis, tensors, op: torch.stack([x] * int(op.exponent)).prod(0),
    "exp": lambda x, axis, tensors, op: torch.e**x,
    "sqrt": lambda x, axis, tensors, op: x**0.5,
    "channel_slice": _channel_slice,
    "channel_pad": _channel_pad,
    "transpose": _transpose,
    "pad": _pad,
    "roll": _roll,
    "expand": _expand,
    "conv2d_same": _conv2d_same,
    "max_pool2d_same": _max_pool2d_same,
    "avg_pool2d_same": _avg_pool2d_same,
    "std_conv2d": _std_conv2d,
    "scaled_std_conv2d": _std_conv2d,
    "reshape": _reshape,
}

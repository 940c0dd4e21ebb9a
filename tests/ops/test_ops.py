"""What each op claims about itself, held against the PyTorch module it becomes."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
import torchvision
from pydantic import ValidationError
from pydantic_core import PydanticUndefined
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archc.ops.base import UNKNOWN, Op, Shape, ShapeError
from archc.ops.registry import OPS
from archc.spec.expressions import Expr, Name, Undecidable, evaluate

from .live import call, make, module, run

MAP = (8, 6, 5)
LAST = Shape((6, 5, 8), 2)  # channels last, as permute leaves them

# For every op of the language at least one use: its attributes and the shapes it reads.
# A plain tuple is a shape whose channels come first.
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
    "linear": [
        ({"out_features": 5}, (8,)),
        ({"out_features": 5, "bias": False}, LAST),
    ],
    "max_pool2d": [
        ({"kernel_size": 2}, MAP),
        ({"kernel_size": (3, 2), "stride": 2, "padding": 1, "ceil_mode": True}, MAP),
    ],
    "avg_pool2d": [
        ({"kernel_size": 1}, MAP),
        ({"kernel_size": 3, "stride": 1, "count_include_pad": False}, MAP),
    ],
    "adaptive_avg_pool2d": [
        ({"output_size": 1}, MAP),
        ({"output_size": (2, 3)}, MAP),
        ({"output_size": (6, 5)}, MAP),
    ],
    "adaptive_max_pool2d": [
        ({"output_size": 1}, MAP),
        ({"output_size": (6, 5)}, MAP),
    ],
    "batch_norm2d": [
        ({}, MAP),
        ({"eps": 1e-3, "affine": False}, MAP),
        ({"momentum": 0.01, "track_running_stats": False}, MAP),
    ],
    "batch_norm1d": [({}, (8,)), ({"momentum": None}, (8, 5))],
    "local_response_norm": [({"size": 5}, MAP), ({"size": 2, "k": 2.0}, MAP)],
    "group_norm": [
        ({"num_groups": 4}, MAP),
        ({"num_groups": 2, "affine": False}, (8, 3)),
    ],
    "layer_norm": [
        ({}, LAST),
        ({"normalized_shape": (6, 5), "eps": 1e-6}, MAP),
        ({"normalized_shape": 8, "bias": False}, (8,)),
        ({"elementwise_affine": False}, (8,)),
    ],
    "layer_scale": [({}, MAP), ({"init": 0.1}, LAST), ({}, (8,))],
    "relu": [({}, MAP), ({"inplace": False}, (8,))],
    "relu6": [({}, MAP)],
    "leaky_relu": [({}, MAP), ({"negative_slope": 0.2}, MAP)],
    "elu": [({}, MAP), ({"alpha": 0.5}, MAP)],
    "gelu": [({}, MAP), ({"approximate": "tanh"}, MAP)],
    "silu": [({}, MAP)],
    "sigmoid": [({}, MAP)],
    "tanh": [({}, MAP)],
    "hardswish": [({}, MAP)],
    "hardsigmoid": [({}, MAP)],
    "softmax": [({}, (8,)), ({"dim": -1}, MAP)],
    "log_softmax": [({}, (8,)), ({"dim": 2}, MAP)],
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
    "permute": [({"dims": (0, 2, 3, 1)}, MAP), ({"dims": (0, 3, -3, 2)}, LAST)],
    "channel_shuffle": [({"groups": 2}, MAP), ({"groups": 1}, MAP)],
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
    "add": [({}, [MAP, MAP]), ({}, [(8,), (8,), (8,)])],
    "mul": [
        ({}, [MAP, MAP]),
        ({}, [(8, 1, 1), MAP]),
        ({}, [MAP, (8, 1, 1)]),
        ({}, [MAP, (1, 6, 5)]),
        ({}, [(8,), (8,)]),
        ({}, [LAST, Shape((1, 1, 8), 2)]),
    ],
    "concat": [
        ({}, [MAP, (3, 6, 5)]),
        ({}, [(8,), (3,), (8,)]),
        ({}, [LAST, LAST]),
    ],
}


def shapes_of(case: tuple[dict[str, Any], Any]) -> list[Shape]:
    read = case[1] if isinstance(case[1], list) else [case[1]]
    return [x if isinstance(x, Shape) else Shape(x) for x in read]


def tensors(shapes: list[Shape]) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(4, *x.dims) for x in shapes]


def live(op: Op, x: Shape) -> Any:
    return None if op.merges else module(op, x)


def training(part: Any, mode: bool) -> Any:
    return part.train(mode) if isinstance(part, nn.Module) else part


each_case = pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, id=f"{name}-{i}")
        for name in OPS
        # an op without a case is one case that fails
        for i, case in enumerate(CASES.get(name, [None]))
    ],
)
each_op = pytest.mark.parametrize("name", OPS)


@each_case
def test_output_shape(name: str, case: Any) -> None:
    shapes = shapes_of(case)
    op = make(name, **case[0])
    y = run(op, live(op, shapes[0]), shapes[0], *tensors(shapes))
    assert op.infer(*shapes).dims == tuple(y.shape[1:])


@each_case
def test_parameters_and_buffers(name: str, case: Any) -> None:
    x = shapes_of(case)[0]
    op = make(name, **case[0])
    part = live(op, x)
    parameters: dict[str, Tensor] = {}
    buffers: dict[str, Tensor] = {}
    if isinstance(part, nn.Parameter):
        parameters[""] = part
    elif part is not None:
        parameters, buffers = dict(part.named_parameters()), dict(part.named_buffers())
    assert op.parameters(x) == {k: tuple(v.shape) for k, v in parameters.items()}
    assert op.buffers(x) == {k: tuple(v.shape) for k, v in buffers.items()}
    assert op.bare_parameter == isinstance(part, nn.Parameter)


@each_case
def test_macs(name: str, case: Any) -> None:
    shapes = shapes_of(case)
    op = make(name, **case[0])
    part = training(live(op, shapes[0]), False)
    counter = FlopCounterMode(display=False)
    with counter:
        run(op, part, shapes[0], *(t[:1] for t in tensors(shapes)))
    counted = op.macs(shapes[0], op.infer(*shapes))
    assert counted * 2 == counter.get_total_flops()


def test_the_counter_counts() -> None:
    """Guards the test above, where nearly every op rightly has no MACs."""
    x = Shape((8, 6, 5))
    conv = make("conv2d", out_channels=4, kernel_size=3)
    assert conv.macs(x, conv.infer(x)) == 4 * 4 * 3 * 8 * 9


@each_case
def test_function_computes_what_the_module_does(name: str, case: Any) -> None:
    shapes = shapes_of(case)
    op = make(name, **case[0])
    if op.merges:
        return
    part = training(live(op, shapes[0]), False)
    (x,) = tensors(shapes)
    y = call(op, shapes[0], x)
    if op.parameters(shapes[0]) or op.buffers(shapes[0]):
        assert y is None
    if y is not None:
        assert torch.equal(y, run(op, part, shapes[0], x))


def test_most_ops_have_a_function_form() -> None:
    stateless = {"batch_norm2d", "batch_norm1d", "group_norm", "layer_norm"}
    without = {"conv2d", "conv_transpose2d", "linear", "layer_scale", *stateless}
    for name, cases in CASES.items():
        op = make(name, **cases[0][0])
        if not op.merges:
            has = op.function(shapes_of(cases[0])[0], "x") is not None
            assert has == (name not in without | {"stochastic_depth"}), name


# ------------------------------------------------------------- attributes and defaults

INFERRED = {"in_channels", "in_features", "num_features", "num_channels"}
LEFT_OUT = {"self", "device", "dtype", "return_indices"}
# What one op lacks or has otherwise than PyTorch, and why.
OTHERWISE: dict[str, dict[str, Any]] = {
    "conv_transpose2d": {"padding_mode": "PyTorch takes no value but its default"},
    "upsample": {"recompute_scale_factor": "a matter of exporting to other formats"},
    "batch_norm2d": {"bias": "not in every PyTorch from 2.4 on"},
    "batch_norm1d": {"bias": "not in every PyTorch from 2.4 on"},
    "group_norm": {"bias": "not in every PyTorch from 2.4 on"},
}
DEFAULTS: dict[tuple[str, str], Any] = {
    ("softmax", "dim"): 1,  # PyTorch's None is deprecated
    ("log_softmax", "dim"): 1,
    ("layer_norm", "normalized_shape"): None,  # inferred, if not given
    ("stochastic_depth", "mode"): "row",  # what all of torchvision's networks use
}
# PyTorch has no module for these
OF_ARCHC = {"layer_scale", "channel_slice", "channel_pad"}

"""Window arithmetic against PyTorch's own, over random settings."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from archc.ops.sizes import Shape, ShapeError

from .live import make, module

small = settings(max_examples=150, deadline=None)


def size(low: int, high: int) -> st.SearchStrategy[Any]:
    """A number or a (height, width), as PyTorch and specs take it."""
    number = st.integers(low, high)
    return number | st.tuples(number, number)


def some(**attributes: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Each attribute drawn or left out, which is PyTorch's default."""
    return st.fixed_dictionaries({}, optional=attributes)


def settings_of(
    required: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


maps = st.tuples(st.integers(1, 6), st.integers(1, 12), st.integers(1, 12))


def shape_in_torch(build: Any, dims: tuple[int, ...]) -> tuple[int, ...] | None:
    """The output's shape, or None where PyTorch refuses or gives an empty map.

    A map without pixels, which a few modules return, is of no use to any network. The
    CPU is asked, and not meta tensors, which some kernels let pass what cannot be run.
    Nor is one with infinite numbers: the maximum over a window without pixels, which
    max pooling gives, and whose gradient it writes outside of the tensor.
    """
    try:
        y = build()(torch.zeros(2, *dims))
    except (RuntimeError, ValueError):
        return None
    return tuple(y.shape[1:]) if y.numel() and not y.isinf().any() else None


def shape_in_archc(
    name: str, attributes: dict[str, Any], dims: tuple[int, ...]
) -> tuple[int, ...] | None:
    """The inferred shape, after the op's own module has given the same one."""
    try:
        op = make(name, **attributes)
        y = op.infer(Shape(dims)).dims
    except (ValidationError, ShapeError):
        return None
    assert shape_in_torch(lambda: module(op, Shape(dims)), dims) == y
    return y


def agree(
    name: str,
    torch_class: type[nn.Module],
    attributes: dict[str, Any],
    dims: tuple[int, ...],
    *inferred: int,
) -> None:
    ours = shape_in_archc(name, attributes, dims)
    theirs = shape_in_torch(lambda: torch_class(*inferred, **attributes), dims)
    assert ours == theirs


@small
@given(
    settings_of(
        {"out_channels": st.integers(1, 6), "kernel_size": size(1, 7)},
        stride=size(1, 4),
        padding=size(0, 4) | st.sampled_from(["same", "valid"]),
        dilation=size(1, 3),
        groups=st.integers(1, 4),
        bias=st.booleans(),
        padding_mode=st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
    ),
    maps,
)
@example(
    {"out_channels": 1, "kernel_size": 4, "padding": "same", "padding_mode": "reflect"},
    (1, 2, 3),  # the right side is padded by two, and has but one pixel to reflect
)
def test_conv2d(attributes: dict[str, Any], dims: tuple[int, ...]) -> None:
    agree("conv2d", nn.Conv2d, attributes, dims, dims[0])


@small
@given(
    settings_of(
        {"out_channels": st.integers(1, 6), "kernel_size": size(1, 5)},
        stride=size(1, 4),
        padding=size(0, 4),
        output_padding=size(0, 3),
        dilation=size(1, 3),
        groups=st.integers(1, 4),
        bias=st.booleans(),
    ),
    maps,
)
@example(
    {"out_channels": 1, "kernel_size": 1, "output_padding": 1},
    (1, 1, 1),  # not below stride or dilation: the CPU refuses it, meta tensors do not
)
def test_conv_transpose2d(attributes: dict[str, Any], dims: tuple[int, ...]) -> None:
    agree("conv_transpose2d", nn.ConvTranspose2d, attributes, dims, dims[0])


@small
@given(
    settings_of(
        {"kernel_size": size(1, 7)},
        stride=size(1, 5),
        padding=size(0, 4),
        dilation=size(1, 3),
        ceil_mode=st.booleans(),
    ),
    maps,
)
@example({"kernel_size": 2, "padding": 1, "dilation": 2}, (1, 1, 8))
@example({"kernel_size": 2, "padding": 1, "dilation": 3}, (1, 2, 8))
@example(
    {"kernel_size": 2, "padding": 1, "dilation": 4, "stride": 4, "ceil_mode": True},
    (1, 2, 8),
)
def test_max_pool2d(attributes: dict[str, Any], dims: tuple[int, ...]) -> None:
    agree("max_pool2d", nn.MaxPool2d, attributes, dims)


@small
@given(
    settings_of(
        {"kernel_size": size(1, 7)},
        stride=size(1, 5),
        padding=size(0, 4),
        ceil_mode=st.booleans(),
        count_include_pad=st.booleans(),
        divisor_override=st.integers(1, 5),
    ),
    maps,
)
def test_avg_pool2d(attributes: dict[str, Any], dims: tuple[int, ...]) -> None:
    agree("avg_pool2d", nn.AvgPool2d, attributes, dims)


@small
@given(settings_of({"output_size": size(1, 15)}), maps)
def test_adaptive_pools(attributes: dict[str, Any], dims: tuple[int, ...]) -> None:
    agree("adaptive_avg_pool2d", nn.AdaptiveAvgPool2d, attributes, dims)
    agree("adaptive_max_pool2d", nn.AdaptiveMaxPool2d, attributes, dims)


sides = st.integers(-4, 4)


@small
@given(
    settings_of({"padding": sides | st.tuples(sides, sides, sides, sides)}),
    maps,
)
def test_zero_pad2d(attributes: dict[str, Any], dims: tuple[int, ...]) -> None:
    agree("zero_pad2d", nn.ZeroPad2d, attributes, dims)


@small
@given(
    settings_of({"padding": sides | st.tuples(sides, sides, sides, sides)}),
    maps,
    st.sampled_from(["reflection_pad2d", "replication_pad2d"]),
)
def test_pads_of_edges(
    attributes: dict[str, Any], dims: tuple[int, ...], name: str
) -> None:
    kinds = {"reflection_pad2d": nn.ReflectionPad2d}
    agree(name, kinds.get(name, nn.ReplicationPad2d), attributes, dims)


@small
@given(
    settings_of(
        {"norm_type": st.just(2.0), "kernel_size": size(1, 4)},
        stride=size(1, 3),
        ceil_mode=st.booleans(),
    ),
    maps,
)
def test_lp_pool2d(attributes: dict[str, Any], dims: tuple[int, ...]) -> None:
    agree("lp_pool2d", nn.LPPool2d, attributes, dims)


@small
@given(settings_of({"downscale_factor": st.integers(1, 4)}), maps)
def test_pixel_unshuffle(attributes: dict[str, Any], dims: tuple[int, ...]) -> None:
    agree("pixel_unshuffle", nn.PixelUnshuffle, attributes, dims)


factors = st.integers(1, 4) | st.floats(0.05, 4)


@small
@given(
    some(
        size=size(1, 20),
        scale_factor=factors | st.tuples(factors, factors),
        mode=st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic"]),
        align_corners=st.booleans(),
    ),
    maps,
)
def test_upsample(attributes: dict[str, Any], dims: tuple[int, ...]) -> None:
    agree("upsample", nn.Upsample, attributes, dims)

"""Window arithmetic against PyTorch's own, over random settings."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from archc.ops.base import Everywhere, Shape, ShapeError

from .live import make, module, run

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


# ------------------------------------------------------------------------------ reach


def seen(name: str, attributes: dict[str, Any], height: int, width: int) -> Any:
    """Which input pixels each output pixel depends on: [oh, ow, h, w], by gradient."""
    op = make(name, **attributes)
    shape = Shape((1, height, width))
    live = module(op, shape)
    for parameter in live.parameters():
        nn.init.ones_(parameter)
    x = torch.rand(1, 1, height, width)
    slope = torch.autograd.functional.jacobian(lambda t: run(op, live, shape, t), x)
    return slope[0, 0, :, :, 0, 0] != 0


def extents(mask: Any) -> tuple[int, int]:
    """The largest height and width that one output pixel sees."""
    tall = [mask[i, j].any(1).nonzero() for i, j in _pixels(mask)]
    wide = [mask[i, j].any(0).nonzero() for i, j in _pixels(mask)]
    return _span(tall), _span(wide)


def _pixels(mask: Any) -> list[tuple[int, int]]:
    return [(i, j) for i in range(mask.shape[0]) for j in range(mask.shape[1])]


def _span(positions: list[Any]) -> int:
    return max(int(p.max() - p.min()) + 1 if len(p) else 0 for p in positions)


small_size = st.integers(1, 7)
reaching = st.one_of(
    st.tuples(
        st.just("conv2d"),
        settings_of(
            {"out_channels": st.just(1), "kernel_size": size(1, 3)},
            stride=size(1, 3),
            dilation=size(1, 2),
        ),
    ),
    st.tuples(
        st.just("avg_pool2d"),
        settings_of({"kernel_size": size(1, 7)}, stride=size(1, 3)),
    ),
    st.tuples(st.just("adaptive_avg_pool2d"), settings_of({"output_size": size(1, 9)})),
)


@settings(max_examples=120, deadline=None)
@given(reaching, small_size, small_size)
def test_reach_is_what_the_gradient_sees(
    case: tuple[str, dict[str, Any]], height: int, width: int
) -> None:
    x = Shape((1, height, width))
    op = make(case[0], **case[1])
    try:
        y = op.infer(x)
    except ShapeError:
        return
    mask = seen(*case, height, width)
    reach = op.reach(x, y)
    if isinstance(reach, Everywhere):
        assert bool(mask.all())
        assert height * width > 1
    else:
        assert reach is not None
        assert reach.span == extents(mask)
        pools = case[0] != "conv2d"
        assert not (pools and mask.all() and y.dims[1:] == (1, 1) != x.dims[1:])


spreading = st.one_of(
    st.tuples(
        st.just("conv_transpose2d"),
        settings_of(
            {"out_channels": st.just(1), "kernel_size": size(1, 4)},
            stride=size(1, 3),
            padding=size(0, 1),
        ),
    ),
    st.tuples(
        st.just("upsample"),
        settings_of(
            {
                "size": st.tuples(st.integers(1, 12), st.integers(1, 12)),
                "mode": st.sampled_from(["nearest", "bilinear", "bicubic"]),
            }
        ),
    ),
)


@settings(max_examples=80, deadline=None)
@given(spreading, small_size, small_size)
def test_reach_bounds_what_an_upsampling_sees(
    case: tuple[str, dict[str, Any]], height: int, width: int
) -> None:
    x = Shape((1, height, width))
    op = make(case[0], **case[1])
    try:
        y = op.infer(x)
    except ShapeError:
        return
    reach = op.reach(x, y)
    assert reach is not None and not isinstance(reach, Everywhere)
    tall, wide = extents(seen(*case, height, width))
    assert tall <= reach.span[0] and wide <= reach.span[1]


@pytest.mark.parametrize(
    ("name", "attributes", "span"),
    [
        ("conv_transpose2d", {"out_channels": 1, "kernel_size": 4, "stride": 2}, 2),
        ("conv_transpose2d", {"out_channels": 1, "kernel_size": 2, "stride": 2}, 1),
        ("upsample", {"scale_factor": 2}, 1),
        ("upsample", {"scale_factor": 2, "mode": "bilinear"}, 2),
        ("upsample", {"scale_factor": 2, "mode": "bicubic"}, 4),
    ],
)
def test_reach_of_an_upsampling(name: str, attributes: Any, span: int) -> None:
    x = Shape((1, 8, 8))
    op = make(name, **attributes)
    reach = op.reach(x, op.infer(x))
    assert reach is not None and not isinstance(reach, Everywhere)
    assert reach.span == extents(seen(name, attributes, 8, 8)) == (span, span)
    assert reach.step[0] * 2 == 1

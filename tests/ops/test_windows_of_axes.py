"""Window arithmetic over one axis and over three, against PyTorch's own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from .test_windows import agree, settings_of, some

few = settings(max_examples=80, deadline=None)
each = pytest.mark.parametrize("axes", [1, 3])
LARGEST = {1: 12, 3: 6}


def size(axes: int, low: int, high: int) -> st.SearchStrategy[Any]:
    number = st.integers(low, high)
    return number | st.tuples(*[number] * axes)


def dims_of(draw: Any, axes: int) -> tuple[int, ...]:
    sides = [draw(st.integers(1, LARGEST[axes])) for _ in range(axes)]
    return (draw(st.integers(1, 4)), *sides)


def against(
    name: str, axes: int, attributes: Any, dims: tuple[int, ...], *inferred: int
) -> None:
    words = "".join(word.capitalize() for word in name.split("_"))
    torch_class = getattr(nn, f"{words}{axes}d")
    agree(f"{name}{axes}d", torch_class, attributes, dims, *inferred)


@each
@few
@given(data=st.data())
def test_conv(axes: int, data: Any) -> None:
    attributes = data.draw(
        settings_of(
            {"out_channels": st.integers(1, 6), "kernel_size": size(axes, 1, 5)},
            stride=size(axes, 1, 3),
            padding=size(axes, 0, 3) | st.sampled_from(["same", "valid"]),
            dilation=size(axes, 1, 3),
            groups=st.integers(1, 3),
            bias=st.booleans(),
            padding_mode=st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
        )
    )
    dims = dims_of(data.draw, axes)
    against("conv", axes, attributes, dims, dims[0])


@each
@few
@given(data=st.data())
def test_conv_transpose(axes: int, data: Any) -> None:
    attributes = data.draw(
        settings_of(
            {"out_channels": st.integers(1, 6), "kernel_size": size(axes, 1, 4)},
            stride=size(axes, 1, 3),
            padding=size(axes, 0, 3),
            output_padding=size(axes, 0, 3),
            dilation=size(axes, 1, 3),
            groups=st.integers(1, 3),
            bias=st.booleans(),
        )
    )
    dims = dims_of(data.draw, axes)
    against("conv_transpose", axes, attributes, dims, dims[0])


@each
@few
@given(data=st.data())
def test_max_pool(axes: int, data: Any) -> None:
    attributes = data.draw(
        settings_of(
            {"kernel_size": size(axes, 1, 5)},
            stride=size(axes, 1, 4),
            padding=size(axes, 0, 3),
            dilation=size(axes, 1, 3),
            ceil_mode=st.booleans(),
        )
    )
    against("max_pool", axes, attributes, dims_of(data.draw, axes))


@each
@few
@given(data=st.data())
def test_avg_pool(axes: int, data: Any) -> None:
    further = {"divisor_override": st.integers(1, 5)} if axes == 3 else {}
    attributes = data.draw(
        settings_of(
            {"kernel_size": size(axes, 1, 5)},
            stride=size(axes, 1, 4),
            padding=size(axes, 0, 3),
            ceil_mode=st.booleans(),
            count_include_pad=st.booleans(),
            **further,
        )
    )
    against("avg_pool", axes, attributes, dims_of(data.draw, axes))


@each
@few
@given(data=st.data())
def test_adaptive_pools(axes: int, data: Any) -> None:
    attributes = data.draw(settings_of({"output_size": size(axes, 1, 9)}))
    dims = dims_of(data.draw, axes)
    against("adaptive_avg_pool", axes, attributes, dims)
    against("adaptive_max_pool", axes, attributes, dims)


@each
@few
@given(data=st.data())
def test_zero_pad(axes: int, data: Any) -> None:
    sides = st.integers(-3, 4)
    padding = sides | st.tuples(*[sides] * 2 * axes)
    attributes = data.draw(settings_of({"padding": padding}))
    against("zero_pad", axes, attributes, dims_of(data.draw, axes))


@few
@given(
    some(
        size=st.integers(1, 9) | st.lists(st.integers(1, 9), min_size=1, max_size=3),
        scale_factor=st.floats(0.1, 3)
        | st.lists(st.floats(0.1, 3), min_size=1, max_size=3),
        mode=st.sampled_from(
            ["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear"]
        ),
        align_corners=st.booleans(),
    ),
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
)
@example({"size": [4], "mode": "linear"}, [2, 5])
@example({"scale_factor": [1.5, 2.0, 1.0], "mode": "trilinear"}, [2, 3, 4, 5])
def test_upsample(attributes: dict[str, Any], dims: list[int]) -> None:
    tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in attributes.items()}
    agree("upsample", nn.Upsample, tuples, tuple(dims))

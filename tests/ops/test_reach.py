"""What ops say they read, against live modules."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from archc.measure.extent import PIXEL, Extent, seen_through
from archc.ops.base import Op
from archc.ops.reach import Along, Everywhere
from archc.ops.sizes import Shape, ShapeError

from .live import make, module, run


def seen(op: Op, x: Shape) -> torch.Tensor:
    """Which input pixels each output pixel depends on: one channel in and one out,
    the sizes of the output and then those of the input."""
    live = module(op, x).double()
    for parameter in live.parameters():
        nn.init.ones_(parameter)
    # All ops here are affine, so that differences do for gradients. torch's own are
    # wrong for a bicubic resizing by a factor that leaves the sizes as they are.
    sizes = x.sizes[1:]
    images = torch.eye(prod(sizes), dtype=torch.double).view(-1, *x.sizes)
    with torch.no_grad():
        change = run(op, live, x, images) - run(op, live, x, images * 0)
    mask = change[:, 0].abs() > 1e-9  # as far as a rounding, weights may be off 0
    return mask.movedim(0, -1).reshape(*mask.shape[1:], *sizes)


def extent(along: Along, x: Shape, y: Shape, axis: int) -> Extent:
    assert along.axis == axis
    return seen_through(PIXEL, along.reads, x.sizes[axis], y.sizes[axis])


def hold(name: str, attributes: dict[str, Any], *sizes: int) -> None:
    """Every pixel sees what the op says, as far as it lies on the map."""
    x = Shape((1, *sizes))
    op = make(name, **attributes)
    try:
        y = op.infer(x)
    except ShapeError:
        return
    mask = seen(op, x)
    reach = op.reach(x, y)
    if isinstance(reach, Everywhere):
        assert bool(mask.all())
        assert prod(sizes) > 1
        return
    _, *each = reach or (None, *(Along(axis) for axis in range(1, len(x.dims))))
    read = [along for along in each if along is not None]
    assert len(read) == len(sizes)
    extents = [extent(along, x, y, axis) for axis, along in enumerate(read, 1)]
    dilated = any(r.gap > 1 for along in read for r in along.reads)
    for pixel in product(*map(range, y.sizes[1:])):
        sides = [(e.at(i), n) for e, i, n in zip(extents, pixel, sizes, strict=True)]
        if dilated and any(s and not 0 <= s[0] <= s[1] < n for s, n in sides):
            continue  # what is left within the border depends on where holes are
        assert _box(mask[pixel]) == _on_map(sides)


Box = list[tuple[int, int]] | None


def _on_map(sides: list[tuple[tuple[int, int] | None, int]]) -> Box:
    box: list[tuple[int, int]] = []
    for span, size in sides:
        if span is None or span[1] < 0 or span[0] >= size:
            return None
        box.append((max(span[0], 0), min(span[1], size - 1)))
    return box


def _box(mask: torch.Tensor) -> Box:
    """From the first to the last position that is seen, along each axis."""
    if not mask.any():
        return None
    found = mask.nonzero().unbind(1)
    return [(int(f.min()), int(f.max())) for f in found]


sides = st.integers(-2, 3)
smooth = {1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}
# what binary fractions give is exact in torch's arithmetic
factors = st.integers(1, 30).map(lambda n: n / 8)


def cases(axes: int) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """An op on maps with so many axes, and its attributes."""

    def size(low: int, high: int) -> st.SearchStrategy[Any]:
        number = st.integers(low, high)
        return number | st.tuples(*[number] * axes)

    modes = st.sampled_from(["nearest", "nearest-exact", *smooth[axes]])
    return st.one_of(
        st.tuples(
            st.just(f"conv{axes}d"),
            st.fixed_dictionaries(
                {"out_channels": st.just(1), "kernel_size": size(1, 4)},
                optional={
                    "stride": size(1, 3),
                    "dilation": size(1, 3),
                    "padding": size(0, 3),
                },
            ),
        ),
        st.tuples(
            st.just(f"conv{axes}d"),
            st.fixed_dictionaries(
                {
                    "out_channels": st.just(1),
                    "kernel_size": size(1, 4),
                    "padding": st.sampled_from(["same", "valid"]),
                },
                optional={"dilation": size(1, 2)},
            ),
        ),
        st.tuples(
            st.just(f"conv_transpose{axes}d"),
            st.fixed_dictionaries(
                {"out_channels": st.just(1), "kernel_size": size(1, 4)},
                optional={
                    "stride": size(1, 4),
                    "padding": size(0, 2),
                    "dilation": size(1, 3),
                    "output_padding": st.just(1),
                },
            ),
        ),
        st.tuples(
            st.just(f"avg_pool{axes}d"),
            st.fixed_dictionaries(
                {"kernel_size": size(1, 7)},
                optional={
                    "stride": size(1, 3),
                    "padding": size(0, 2),
                    "ceil_mode": st.booleans(),
                },
            ),
        ),
        st.tuples(
            st.just(f"adaptive_avg_pool{axes}d"),
            st.fixed_dictionaries({"output_size": size(1, 9)}),
        ),
        st.tuples(
            st.just("mean"),
            st.fixed_dictionaries(
                {
                    "dim": st.sampled_from([1, 2, -1, (1 + axes, axes)]),
                    "keepdim": st.just(True),
                }
            ),
        ),
        st.tuples(
            st.just("upsample"),
            st.fixed_dictionaries({"size": size(1, 14), "mode": modes}),
        ),
        st.tuples(
            st.just("upsample"),
            st.fixed_dictionaries(
                {"scale_factor": factors | st.tuples(*[factors] * axes), "mode": modes}
            ),
        ),
        st.tuples(
            st.just("upsample"),
            st.fixed_dictionaries(
                {
                    "size": size(1, 14),
                    "mode": st.sampled_from(smooth[axes]),
                    "align_corners": st.just(True),
                }
            ),
        ),
        st.tuples(
            st.just(f"zero_pad{axes}d"),
            st.fixed_dictionaries({"padding": sides | st.tuples(*[sides] * 2 * axes)}),
        ),
        st.tuples(
            st.just("pad"),
            st.fixed_dictionaries({"pad": st.tuples(*[sides] * 2 * axes)}),
        ),
        st.tuples(
            st.just("expand"),
            st.fixed_dictionaries(
                {"sizes": st.tuples(st.just(1), *[st.sampled_from([-1, 4])] * axes)}
            ),
        ),
    )


@settings(max_examples=300, deadline=None)
@given(cases(2), st.integers(1, 8), st.integers(1, 8))
@example(("adaptive_avg_pool2d", {"output_size": (1, 5)}), 7, 7)
@example(
    # every other pixel sees nothing, and of the rest every other window
    (
        "conv_transpose2d",
        {"out_channels": 1, "kernel_size": 2, "stride": 2, "dilation": 2},
    ),
    5,
    5,
)
def test_reach_is_what_the_output_depends_on(
    case: tuple[str, dict[str, Any]], height: int, width: int
) -> None:
    hold(*case, height, width)


@pytest.mark.parametrize("axes", [1, 3])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_reach_over_other_axes(axes: int, data: Any) -> None:
    most = {1: 12, 3: 5}[axes]
    sizes = data.draw(st.tuples(*[st.integers(1, most)] * axes))
    hold(*data.draw(cases(axes)), *sizes)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("factor", [1.25, 2.125])
def test_factors_that_round_to_the_size_or_twice_it(axes: int, factor: float) -> None:
    for mode in ("nearest", "nearest-exact", *smooth[axes]):
        sizes = (1,) * (axes - 1) + (2,)
        along = (1.0,) * (axes - 1) + (factor,)
        hold("upsample", {"scale_factor": along, "mode": mode}, *sizes)


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
    assert reach[1] is not None
    spans = extent(reach[1], x, op.infer(x), 1).spans
    assert max(s[1] - s[0] + 1 for s in spans if s is not None) == span

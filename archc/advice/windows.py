"""Rules about the windows of convolutions and poolings."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from archc.advice.view import (
    Finding,
    Rule,
    View,
    along,
    is_transposed,
    size,
    window,
)
from archc.network.graph import Layer


def _windowed(view: View) -> Iterator[tuple[Layer, tuple[int, ...], tuple[int, ...]]]:
    """Convolutions and poolings with their windows and strides."""
    for layer in view.layers:
        extent, step = window(layer), along(layer, "stride")
        if extent and len(step) == len(extent) and not is_transposed(layer):
            yield layer, extent, step


def _stride_beyond_kernel(view: View) -> Iterator[Finding]:
    for layer, extent, step in _windowed(view):
        if prod(extent) > 1 and any(s > k for k, s in zip(extent, step, strict=True)):
            yield Finding(
                layer, f"a stride of {size(step)} goes past a window of {size(extent)}"
            )


def _padding_beyond_kernel(view: View) -> Iterator[Finding]:
    for layer, extent, _ in _windowed(view):
        padding = along(layer, "padding", 0)
        if len(padding) == len(extent) and any(
            p >= k for k, p in zip(extent, padding, strict=True) if p
        ):
            yield Finding(
                layer,
                f"with a padding of {size(padding)}, windows of {size(extent)} at the"
                " border see nothing but padding",
            )


def _pooling_drops_rows(view: View) -> Iterator[Finding]:
    for layer, extent, step in _windowed(view):
        padding = along(layer, "padding", 0)
        if layer.op.category != "pooling" or len(padding) != len(extent):
            continue
        shapes = layer.input_shape(), layer.output_shape()
        read, made = (shape.sizes[-len(extent) :] for shape in shapes)
        unseen = [
            n - ((m - 1) * s + k - p)
            for n, m, s, k, p in zip(read, made, step, extent, padding, strict=True)
        ]
        skips = any(s > k for k, s in zip(extent, step, strict=True))
        if max(unseen) > 0 and not skips:
            yield Finding(
                layer,
                f"{max(unseen)} of {max(read)} rows at the end are in no window",
            )


def _strided_pointwise(view: View) -> Iterator[Finding]:
    for layer, extent, step in _windowed(view):
        if prod(extent) == 1 and prod(step) > 1:
            share = f"{prod(step) - 1} of {prod(step)}"
            yield Finding(layer, f"a strided 1x1 ignores {share} pixels of its input")


def _checkerboard(view: View) -> Iterator[Finding]:
    for layer in view.layers:
        if not is_transposed(layer):
            continue
        kernel, step = along(layer, "kernel_size"), along(layer, "stride")
        if any(k % s for k, s in zip(kernel, step, strict=True)):
            yield Finding(
                layer,
                f"a stride of {size(step)} does not divide a kernel of {size(kernel)}:"
                " windows overlap unevenly, which shows as a checkerboard",
            )


def _sees_all_already(view: View) -> Iterator[Finding]:
    given = view.network.input.shape
    image = 0 if given is None else max(given.sizes[1:], default=0)
    for layer, extent, _ in _windowed(view):
        before = layer.inputs[0].layer
        if layer.op.category != "convolution" or prod(extent) == 1 or before is None:
            continue
        seen = view.facts.layers[before].receptive_field
        field = min(seen) if isinstance(seen, tuple) else seen
        if field is not None and field > image > 0:
            yield Finding(
                layer,
                f"its input sees {field} pixels of an image of {image}: a larger window"
                " adds no context",
            )


RULES = (
    Rule(
        "stride-beyond-kernel",
        "A stride that is larger than the window skips pixels that nothing reads.",
        "Dumoulin and Visin 2016, arXiv:1603.07285, section 2",
        "take a stride of at most the kernel's size, or a larger kernel",
        _stride_beyond_kernel,
    ),
    Rule(
        "padding-beyond-kernel",
        "A padding that is not smaller than the kernel makes outputs of padding alone.",
        "Dumoulin and Visin 2016, arXiv:1603.07285, section 2.2",
        "pad by less than the kernel: half of it keeps the size",
        _padding_beyond_kernel,
    ),
    Rule(
        "pooling-drops-rows",
        "The last rows of a map are in no window of a pooling.",
        "Krizhevsky et al. 2012, section 3.4, whose windows end with the map",
        "set ceil_mode = true, pad, or choose an input that divides",
        _pooling_drops_rows,
    ),
    Rule(
        "strided-pointwise",
        "A strided 1x1 convolution reads one pixel of each stride, and no other.",
        "He et al. 2018, arXiv:1812.01187, section 4.2",
        "move the stride to a 3x3, or put an average pooling in front",
        _strided_pointwise,
    ),
    Rule(
        "checkerboard",
        "The kernel of a transposed convolution is not a multiple of its stride.",
        "Odena, Dumoulin and Olah 2016, Distill, doi:10.23915/distill.00003",
        "take a kernel that the stride divides, or an upsampling and a convolution",
        _checkerboard,
    ),
    Rule(
        "sees-all-already",
        "A window on a map whose receptive field exceeds the image adds no context.",
        "Richter et al. 2021, arXiv:2106.12307",
        "give the network larger images, or leave such layers out",
        _sees_all_already,
    ),
)

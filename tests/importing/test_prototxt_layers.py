"""Layers of Caffe's give what Caffe's own definitions say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

import archc
from archc.importing.writing.caffe import CaffeResult, import_caffe

INPUT = 'input: "data" input_dim: 1 input_dim: 6 input_dim: 7 input_dim: 9\n'


def _layer(kind: str, bottom: str, top: str, **settings: str) -> str:
    names = [f'bottom: "{b}"' for b in bottom.split()]
    names += [f'top: "{t}"' for t in top.split()]
    parts = [f"{key}_param {{ {value} }}" for key, value in settings.items()]
    return f'layer {{ name: "{top}" type: "{kind}" {" ".join([*names, *parts])} }}\n'


def _run(text: str, tmp_path: Path, x: Tensor) -> tuple[CaffeResult, Any]:
    result = import_caffe(text, "net.prototxt")
    assert result.passed, result.refused
    spec = tmp_path / "net.toml"
    spec.write_text(result.text)
    module = archc.load(str(spec)).module().eval()
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        return module, module(x)


TANH = _layer("TanH", "data", "t")
MEANS = (
    _layer("Pooling", "data", "p", pooling="pool: AVE global_pooling: true")
    + _layer("Flatten", "p", "f")
)  # fmt: skip

_LAYERS: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    "weighed": (
        TANH + _layer("Eltwise", "data t", "e", eltwise="coeff: 0.5 coeff: -1"),
        lambda x: 0.5 * x - x.tanh(),
    ),
    "largest": (
        TANH + _layer("Eltwise", "data t", "e", eltwise="operation: MAX"),
        lambda x: torch.maximum(x, x.tanh()),
    ),
    "joined rows": (
        TANH + _layer("Concat", "data t", "c", concat="axis: 2"),
        lambda x: torch.cat([x, x.tanh()], 2),
    ),
    "joined columns": (
        TANH + _layer("Concat", "data t", "c", concat="axis: -1"),
        lambda x: torch.cat([x, x.tanh()], 3),
    ),
    "parted columns": (
        _layer("Slice", "data", "a b c", slice="axis: 3 slice_point: 4 slice_point: 5")
        + _layer("Silence", "b", "") + _layer("Silence", "c", "")
        + _layer("ReLU", "a", "a"),
        lambda x: x[..., :4].relu(),
    ),
    "silenced": (
        TANH + _layer("Sigmoid", "data", "s") + _layer("Silence", "s", ""),
        torch.tanh,
    ),
    "cropped": (
        _layer("Pooling", "data", "p", pooling="kernel_size: 2 stride: 2")
        + _layer("Crop", "data p", "c", crop="offset: 1 offset: 2"),
        lambda x: x[..., 1:5, 2:7],
    ),
    "power": (
        _layer("Power", "data", "p", power="power: 2 scale: 0.5 shift: 1"),
        lambda x: (1 + 0.5 * x) ** 2,
    ),
    "shift": (_layer("Power", "data", "p", power="shift: -1"), lambda x: x - 1),
    "absolute": (_layer("AbsVal", "data", "a"), torch.abs),
    "powers of two": (
        _layer("Exp", "data", "e", exp="base: 2 scale: 0.5 shift: 1"),
        lambda x: 2 ** (1 + 0.5 * x),
    ),
    "exponential": (_layer("Exp", "data", "e"), torch.exp),
    "swish": (
        _layer("Swish", "data", "s", swish="beta: 2"),
        lambda x: x * torch.sigmoid(2 * x),
    ),
    "clip": (_layer("Clip", "data", "c", clip="min: -1 max: 0.5"),
             lambda x: x.clamp(-1, 0.5)),
    "reduced": (
        _layer("Reduction", "data", "r", reduction="operation: MEAN axis: 2 coeff: 2"),
        lambda x: 2 * x.mean((2, 3)),
    ),
    "tiled": (_layer("Tile", "data", "t", tile="tiles: 2"),
              lambda x: torch.cat([x, x], 1)),
    "flat rows": (_layer("Flatten", "data", "f", flatten="axis: 2"),
                  lambda x: x.flatten(2)),
    "flat channels": (_layer("Flatten", "data", "f", flatten="axis: 1 end_axis: 2"),
                      lambda x: x.flatten(1, 2)),
    "some axes": (
        _layer("Reshape", "data", "r", reshape="shape { dim: 2 dim: 3 } axis: 1"
                                               " num_axes: 1"),
        lambda x: x.reshape(-1, 2, 3, 7, 9),
    ),
    "inferred samples": (
        _layer("Reshape", "data", "r", reshape="shape { dim: -1 dim: 0 dim: 63 }"),
        lambda x: x.flatten(2),
    ),
    "softmax of rows": (
        _layer("Softmax", "data", "s", softmax="axis: 2") + _layer("ReLU", "s", "s"),
        lambda x: x.softmax(2),
    ),
    "gated": (
        MEANS + _layer("Scale", "data f", "s", scale="axis: 0"),
        lambda x: x * x.mean((2, 3), keepdim=True),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", _LAYERS)
def test_a_layer_gives_what_caffe_says(name: str, tmp_path: Path) -> None:
    text, wanted = _LAYERS[name]
    x = torch.randn(3, 6, 7, 9, generator=torch.Generator().manual_seed(1))
    _, made = _run(INPUT + text, tmp_path, x)
    torch.testing.assert_close(made, wanted(x))


def test_factors_of_channels_are_learned(tmp_path: Path) -> None:
    x = torch.randn(3, 6, 7, 9)
    module, made = _run(INPUT + _layer("Scale", "data", "s"), tmp_path, x)
    (weight,) = module.parameters()
    assert weight.numel() == 6
    torch.testing.assert_close(made, x * weight.reshape(6, 1, 1))


def test_products_over_the_last_axes(tmp_path: Path) -> None:
    text = INPUT + _layer(
        "InnerProduct", "data", "i", inner_product="num_output: 5 axis: 2"
    )
    module, made = _run(text, tmp_path, x := torch.randn(3, 6, 7, 9))
    weight, bias = module.parameters()
    torch.testing.assert_close(made, x.flatten(2) @ weight.T + bias)


def test_layers_of_older_files_share_their_weights() -> None:
    layer = """layers {{ name: "{0}" type: CONVOLUTION bottom: "{1}" top: "{0}"
      param: "w" param: "b" convolution_param {{ num_output: 6 kernel_size: 3 }} }}"""
    text = INPUT + layer.format("one", "data") + layer.format("two", "one")
    result = import_caffe(text, "net.prototxt")
    assert result.passed, result.refused
    assert result.params == 6 * 6 * 9 + 6


def test_numbers_are_those_of_c() -> None:
    text = "\ufeff" + INPUT.replace("7", "0x7").replace("9", "011")
    result = import_caffe(text + _layer("ReLU", "data", "r"), "net.prototxt")
    assert "input = [6, 7, 9]" in result.text


def test_what_is_given_has_to_be_an_input() -> None:
    text = INPUT + _layer("ReLU", "data", "r")
    for given in ([("image", (6, 8, 8))], [(None, (6, 8, 8)), (None, (6, 8, 8))]):
        (refusal,) = import_caffe(text, "net.prototxt", given).refused
        assert "it reads data, and no more" in refusal.reason


def test_dummy_data_says_its_shape_in_two_ways() -> None:
    dummy = "num: 1 channels: 6 height: 7 width: 9"
    text = _layer("DummyData", "", "data", dummy_data=dummy)
    result = import_caffe(text + _layer("ReLU", "data", "r"), "net.prototxt")
    assert "input = [6, 7, 9]" in result.text


def test_files_that_are_no_network_say_what_they_are() -> None:
    (refusal,) = import_caffe('net: "train.prototxt" base_lr: 0.1', "solver").refused
    assert "a solver" in refusal.reason and "`net`" in refusal.mend
    older = 'layers { layer { name: "c" type: "conv" } bottom: "data" top: "c" }'
    (refusal,) = import_caffe(INPUT + older, "old").refused
    assert "that tool" in refusal.mend

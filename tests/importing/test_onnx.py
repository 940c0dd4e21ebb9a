"""ONNX files become specs whose modules give what onnxruntime gives."""

from __future__ import annotations

import json
import tomllib
import warnings
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.command import invoke

pytest.importorskip("onnxruntime")

import numpy as np
import torch
from torch import Tensor, nn

from archc.importing.onnx.file import file_of
from archc.importing.onnx.network import network_of
from archc.importing.spec import imported
from archc.run.importing import onnx_proof as proving
from archc.run.importing.onnx import import_onnx
from archc.run.importing.session import Result
from tests.importing.graphs import Graph

onnx: Any = import_module("onnx")
safetensors: Any = import_module("safetensors.torch")
LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"

Made = tuple[Graph, str]


def _made(path: Path, *given: tuple[str | None, tuple[int, ...]]) -> Result:
    result = import_onnx(path, given)
    assert result.passed, (result.refused, result.proof, result.text)
    # the same float32 sums in another order
    assert result.proof.outputs in ("equal", "close")
    assert result.proof.max_difference <= 1e-5
    return result


def _spec(result: Result) -> dict[str, Any]:
    return tomllib.loads(result.text)


def _nodes(result: Result) -> list[dict[str, Any]]:
    return _spec(result)["network"]["layers"]


def _ops(result: Result) -> list[str]:
    return [node.get("op", "") for node in _nodes(result)]


# ---- operators


def _asymmetric() -> Made:
    g = Graph(1, 3, 16, 16)
    return g, g.conv("x", 8, 3, pads=[0, 1, 2, 1], strides=[2, 1])


def _same_upper() -> Made:
    g = Graph("N", 3, 15, 16)
    return g, g.conv("x", 8, 3, auto_pad="SAME_UPPER", strides=[2, 2])


def _transposed() -> Made:
    g = Graph(1, 4, 8, 8)
    weight, bias = g.weight(4, 3, 3, 3), g.weight(3)
    settings = {"strides": [2, 2], "auto_pad": "SAME_UPPER"}
    return g, g("ConvTranspose", "x", weight, bias, **settings)


def _max_pool() -> Made:
    g = Graph(1, 3, 9, 9)
    pool = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 1, 1, 0]}
    return g, g("MaxPool", "x", **pool)


def _average_pool() -> Made:
    g = Graph(1, 3, 8, 8)
    pool = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1]}
    inside = g("AveragePool", "x", **pool)
    return g, g("Add", inside, g("AveragePool", "x", **pool, count_include_pad=1))


def _clip() -> Made:
    g = Graph(1, 3, 8, 8)
    bounds = [g.constant(np.float32(n)) for n in (0, 6)]
    return g, g("Clip", g.conv("x", 4, 3), *bounds)


def _old_clip() -> Made:
    g = Graph(1, 3, 8, 8, opset=9)
    return g, g("Clip", g.conv("x", 4, 3), min=-1.0, max=6.0)


def _clip_by_lists() -> Made:
    g = Graph(1, 3, 8, 8)
    return g, g("Clip", g.conv("x", 4, 3), g.floats(0), g.floats(6))


def _numbers() -> Made:
    g = Graph(1, 3, 8, 8)
    x = g("Div", "x", g.constant(np.float32(127.5)))
    x = g("Sub", x, g.constant(np.float32(1)))
    return g, g("Sub", g.constant(np.float32(1)), g("Sigmoid", x))


def _linear() -> Made:
    g = Graph("N", 3, 4, 4)
    x = g("Gemm", g("Flatten", "x"), g.weight(48, 7), g.weight(7), alpha=0.5, beta=2.0)
    return g, g("Add", g("MatMul", x, g.weight(7, 5)), g.weight(5))


def _computed_shape() -> Made:
    g = Graph("N", 3, 8, 8)
    x = g.conv("x", 4, 3)
    batch = g("Gather", g("Shape", x), g.constant(np.int64(0)))
    shape = g("Concat", g("Unsqueeze", batch, g.ints(0)), g.ints(-1), axis=0)
    return g, g("Gemm", g("Reshape", x, shape), g.weight(144, 5), g.weight(5))


def _resized() -> Made:
    g = Graph(1, 4, 8, 8)
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    nearest = g("Resize", "x", "", g.floats(1, 1, 2, 2), mode="nearest", **how)
    linear = g("Resize", "x", "", g.floats(1, 1, 2, 2), mode="linear")
    return g, g("Add", nearest, linear)


def _depth() -> Made:
    g = Graph(1, 8, 4, 4)
    x = g("DepthToSpace", "x", blocksize=2)
    return g, g("SpaceToDepth", x, blocksize=2)


def _normalised() -> Made:
    g = Graph(1, 4, 8, 8)
    x = g("InstanceNormalization", "x", g.weight(4), g.weight(4))
    x = g("LRN", x, size=3, alpha=0.01, beta=0.75, bias=2.0)
    x = g("Transpose", x, perm=[0, 2, 3, 1])
    x = g("LayerNormalization", x, g.weight(4), g.weight(4))
    return g, g("PRelu", g("Transpose", x, perm=[0, 3, 1, 2]), g.weight(4, 1, 1))


def _volume() -> Made:
    g = Graph(1, 2, 6, 8, 8)
    x = g("Conv", "x", g.weight(6, 2, 3, 3, 3), pads=[1] * 6)
    return g, g("MaxPool", x, kernel_shape=[2, 2, 2], strides=[2, 2, 2])


def _sequence() -> Made:
    g = Graph(1, 4, 32)
    return g, g("Conv", "x", g.weight(6, 4, 3), g.weight(6), pads=[1, 1])


@pytest.mark.parametrize(
    ("make", "ops"),
    [
        (_asymmetric, "zero_pad2d conv2d"),
        (_same_upper, "zero_pad2d conv2d"),
        (_transposed, "conv_transpose2d zero_pad2d"),
        (_max_pool, "max_pool2d zero_pad2d"),
        (_average_pool, ""),
        (_clip, "conv2d relu6"),
        (_old_clip, "conv2d hardtanh"),
        (_clip_by_lists, "conv2d relu6"),
        (_numbers, "scale shift sigmoid scale shift"),
        (_linear, ""),
        (_computed_shape, "conv2d flatten linear"),
        (_resized, ""),
        (_depth, "channel_shuffle pixel_shuffle pixel_unshuffle channel_shuffle"),
        (_normalised, "instance_norm2d local_response_norm permute layer_norm permute"
                      " prelu"),
        (_volume, "conv3d max_pool3d"),
        (_sequence, "conv1d"),
    ],
)  # fmt: skip
def test_operators(make: Callable[[], Made], ops: str, tmp_path: Path) -> None:
    graph, output = make()
    result = _made(graph.saved(tmp_path, output))
    if ops:
        assert _ops(result) == ops.split()


def test_tensorflow_pads_ahead_of_its_strides(tmp_path: Path) -> None:
    """SAME with a stride of 2, behind a transposition, as tf2onnx writes it: the zeros
    stand under the convolution's name, and are not it."""
    g = Graph("n", 8, 8, 3, opset=13)
    x = g("Transpose", "x", perm=[0, 3, 1, 2], name="model/conv1/Conv2D__6")
    how: dict[str, Any] = {"strides": [2, 2], "pads": [0, 0, 1, 1]}
    x = g.conv(x, 4, 3, name="model/conv1/Conv2D", **how)
    x = g("Relu", x, name="model/relu/Relu")
    x = g("Transpose", x, perm=[0, 2, 3, 1], name="model/relu/Relu__8")
    text = _made(g.saved(tmp_path, x)).text
    assert "share" not in text
    assert 'op = "zero_pad2d", padding = [0, 1, 0, 1]' in text
    assert 'name = "conv1", op = "conv2d"' in text


def test_windows_of_any_padding(tmp_path: Path) -> None:
    """What onnxruntime pools and convolves is refused, or right."""
    seed = int(np.random.default_rng().integers(1 << 30))
    print("seed", seed)
    draw = np.random.default_rng(seed)
    proven = 0
    for _ in range(12):
        g = Graph(1, 2, *(int(n) for n in draw.integers(7, 12, 2)), seed=seed)
        kernel = [int(n) for n in draw.integers(1, 5, 2)]
        pads = [int(draw.integers(0, kernel[n % 2])) for n in range(4)]
        strides = [int(n) for n in draw.integers(1, 4, 2)]
        how = {"kernel_shape": kernel, "pads": pads, "strides": strides}
        largest = draw.integers(2)
        if largest:
            output = g("MaxPool", "x", **how, ceil_mode=int(draw.integers(2)))
        elif draw.integers(2):
            counted = int(draw.integers(2))
            output = g("AveragePool", "x", **how, count_include_pad=counted)
        else:
            output = g("Conv", "x", g.weight(3, 2, *kernel), **how)
        result = import_onnx(g.saved(tmp_path, output))
        assert result.proof.outputs != "differ", (how, result.text)
        assert result.proof.outputs == "equal" or not largest, (how, result.refused)
        proven += result.passed
    assert proven


# ---- channels behind the map, and constants of channels


def test_channels_behind_the_map_are_put_before_it(tmp_path: Path) -> None:
    """As TensorFlow's and Keras' files are."""
    g = Graph("N", 16, 16, 3)
    x = g("Pad", "x", g.ints(0, 3, 3, 0, 0, 3, 3, 0))
    x = g("Transpose", x, perm=[0, 3, 1, 2])
    x = g.conv(x, 8, 3, 7, strides=[2, 2])
    x = g("Relu", g("Transpose", x, perm=[0, 2, 3, 1]))
    y = g.conv(g("Transpose", x, perm=[0, 3, 1, 2]), 8, 8, pads=[1, 1, 1, 1])
    y = g("Add", x, g("Transpose", y, perm=[0, 2, 3, 1]))
    y = g("ReduceMean", g("Concat", y, x, axis=3), axes=[1, 2], keepdims=0)
    y = g("Add", g("MatMul", y, g.weight(16, 5)), g.weight(5))
    result = _made(g.saved(tmp_path, g("Softmax", y)))
    assert _spec(result)["network"]["input"] == [3, 16, 16]
    assert "permute" not in result.text
    assert "before it" in result.remarks[0]
    assert 'skip = "add"' in result.text


def test_units_of_tensorflow_are_blocks(tmp_path: Path) -> None:
    """MobileNetV2 with gates, as tf2onnx writes what Keras builds."""
    g = Graph("N", 32, 32, 3)
    six = [g.constant(np.float32(0)), g.constant(np.float32(6))]
    x = g("Transpose", "x", perm=[0, 3, 1, 2])
    x = g.conv(x, 8, 3, strides=[2, 2], pads=[0, 0, 1, 1], name="model/stem/Conv2D")
    x = g("Clip", x, *six)
    for n, (before, after) in enumerate(pairwise((8, 12, 12, 16, 16, 20, 20))):
        strides = 2 if before != after else 1
        pads = [0, 0, 1, 1] if strides == 2 else [1, 1, 1, 1]
        name = f"model/block_{n}_{{}}/Conv2D"
        wide = before * 6
        y = g("Clip", g.conv(x, wide, before, 1, name=name.format("expand")), *six)
        y = g("Clip", g.conv(y, wide, 1, group=wide, strides=[strides] * 2, pads=pads,
                             name=name.format("depthwise")), *six)  # fmt: skip
        z = g("Squeeze", g("GlobalAveragePool", y), g.ints(2, 3))
        z = g("Transpose", g("Reshape", z, g.ints(-1, 1, 1, wide)), perm=[0, 3, 1, 2])
        z = g("Relu", g.conv(z, before, wide, 1, name=name.format("reduce")))
        z = g("Sigmoid", g.conv(z, wide, before, 1, name=name.format("gate")))
        y = g.conv(g("Mul", y, z), after, wide, 1, name=name.format("project"))
        x = g("Add", x, y) if before == after else y
    y = g("ReduceMean", g("Transpose", x, perm=[0, 2, 3, 1]), axes=[1, 2], keepdims=0)
    y = g("MatMul", y, g.weight(20, 5), name="model/predictions/MatMul")
    result = _made(g.saved(tmp_path, g("Softmax", g("Add", y, g.weight(5)))))
    assert "permute" not in result.text and "reshape" not in result.text
    (block,) = _spec(result)["blocks"].values()
    (skip,) = block["layers"]
    # TensorFlow pads ahead of its strides, and the skip is around all of it
    assert [n["name"] for n in skip["layers"] if n.get("op") == "conv2d"] == [
        "expand", "depthwise", "project",
    ]  # fmt: skip


def test_a_map_with_channels_behind_it_is_flattened_in_that_order(
    tmp_path: Path,
) -> None:
    g = Graph("N", 8, 8, 3)
    x = g.conv(g("Transpose", "x", perm=[0, 3, 1, 2]), 8, 3)
    x = g("Reshape", g("Transpose", x, perm=[0, 2, 3, 1]), g.ints(-1, 288))
    result = _made(g.saved(tmp_path, g("MatMul", x, g.weight(288, 5))))
    assert _ops(result) == ["conv2d", "permute", "flatten", "linear"]


def test_constants_of_channels_go_into_weights(tmp_path: Path) -> None:
    g = Graph(1, 8, 8, 8)
    x = g("Mul", g.conv("x", 4, 8), g.weight(1, 4, 1, 1))
    result = _made(g.saved(tmp_path, g("Add", x, g.weight(4, 1, 1))))
    assert _ops(result) == ["conv2d"]
    assert "folded" in result.remarks[0]


def test_weights_that_are_applied_again_take_no_constants(tmp_path: Path) -> None:
    g = Graph(1, 4, 8, 8)
    weight = g.weight(4, 4, 3, 3, name="again.weight")
    x = g("Conv", "x", weight, pads=[1] * 4)
    x = g("Conv", g("Mul", x, g.weight(4, 1, 1)), weight, pads=[1] * 4)
    result = _made(g.saved(tmp_path, g("Mul", x, g.weight(4, 1, 1))))
    assert 'share = "again"' in result.text
    assert "batch_norm2d" in result.text


# ---- what is refused


def _refusals(graph: Graph, directory: Path, *outputs: str) -> list[str]:
    result = import_onnx(graph.saved(directory, *outputs))
    assert not result.passed
    assert not result.text
    assert all(refusal.mend for refusal in result.refused)
    return [refusal.reason for refusal in result.refused]


def test_all_refusals_are_told_at_once(tmp_path: Path) -> None:
    g = Graph(1, 4, 8, 8)
    x = g.conv(g("Sin", "x"), 4, 4)
    x = g("Det", x)
    first, second = _refusals(g, tmp_path, x)
    assert "`Sin`" in first
    assert "`Det`" in second


def test_what_nothing_depends_on_is_not_looked_at(tmp_path: Path) -> None:
    g = Graph(1, 4, 8, 8)
    g("Sin", "x")
    _made(g.saved(tmp_path, g("Relu", "x")))


def test_refusals(tmp_path: Path) -> None:
    g = Graph(1, 4, 8)
    product = g("MatMul", "x", g("Transpose", "x", perm=[0, 2, 1]))
    assert "attention" in _refusals(g, tmp_path, product)[0]
    g = Graph(1, 4, 8, 8)
    assert "the batch" in _refusals(g, tmp_path, g("ReduceMean", "x"))[0]
    g = Graph(1, 4, "H", "W")
    assert "--input" in _refusals(g, tmp_path, g("Relu", "x"))[0]
    assert _made(g.saved(tmp_path, g("Relu", "x")), (None, (4, 6, 6))).passed


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    for content in (b"", b"\x08\x07" + b"\xff" * 50, b"[net]\n"):
        path.write_bytes(content)
        result = import_onnx(path)
        assert len(result.refused) == 1, content
        assert result.refused[0].mend
    g = Graph(1, 4, 8, 8, opset=6)
    assert "opset 6" in _refusals(g, tmp_path, g("Relu", "x"))[0]


def _without_data() -> Made:
    g, made = _asymmetric()
    g.weights[0].raw_data = g.weights[0].raw_data[:-3]
    return g, made


def _without_weight() -> Made:
    g, made = _asymmetric()
    del g.nodes[0].input[1:]
    return g, made


def _of_other_channels() -> Made:
    g = Graph(1, 2, 8, 8)
    return g, g.conv("x", 4, 3)


def _of_nothing() -> Made:
    g = Graph(1, 4, 8, 8)
    return g, g("Add", "x", g("RandomNormal", shape=[1, 4, 8, 8]))


def _beyond() -> Made:
    g = Graph(1, 4, 8, 8)
    return g, g("Mul", g("Relu", "x"), g.floats(1e30))


@pytest.mark.parametrize(
    ("make", "said"),
    [(_without_data, "the numbers of `c1` cannot be read"),
     (_without_weight, "Conv: its shape cannot be told"),
     (_of_other_channels, "take 3 channels, and it reads 2"),
     (_of_nothing, "at random"), (_beyond, "beyond 2**62"),
     (lambda: (Graph(1, 4, 8, 8), "nowhere"), "nothing is computed"),
     (lambda: (_clip()[0], "nowhere"), "`nowhere` is made by nothing"),
     (lambda: (_clip()[0], "x"), "its outputs are not computed"),
     (lambda: (_clip()[0], ""), "is made by nothing")],
)  # fmt: skip
def test_a_refusal_names_file_and_reason_and_what_to_do(
    make: Callable[[], Made], said: str, tmp_path: Path
) -> None:
    graph, made = make()
    path = graph.saved(tmp_path, made)
    refused = import_onnx(path).refused
    assert said in refused[0].reason
    assert all(each.file == str(path) and each.mend for each in refused)


def test_a_fault_is_the_file_s_where_onnxruntime_does_not_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr(proving, "network_of", fails)
    graph, made = _clip()
    with pytest.raises(KeyError):
        import_onnx(graph.saved(tmp_path, made))
    graph.nodes[0].input[0] = "nowhere"
    (refusal,) = import_onnx(graph.saved(tmp_path, made)).refused
    assert "no valid file" in refusal.reason


def test_odd_files(tmp_path: Path) -> None:
    g = Graph(1, 4, 8, 8)
    assert "nothing before it makes" in _refusals(g, tmp_path, g("Relu", "y"))[0]
    g = Graph(1, 4, 8, 1 << 40)
    assert "is the most" in _refusals(g, tmp_path, g("Relu", "x"))[0]
    g = Graph(1, 2, 2, 2, 2, 2)
    assert "has 5 axes" in _refusals(g, tmp_path, g("Relu", "x"))[0]
    g = Graph(1, 4, 8, 8)
    result = _made(g.saved(tmp_path, g("Relu", "x"), "x"))
    assert len(_spec(result)["network"]["outputs"]) == 2
    # one layer is called as what another stands in
    g = Graph(1, 4, 8, 8)
    x = g("Conv", "x", g.weight(4, 4, 3, 3, name="a.b.weight"))
    _made(g.saved(tmp_path, g("Conv", x, g.weight(4, 4, 3, 3, name="a.weight"))))


def test_equal_arrays_are_one_module_by_their_names(tmp_path: Path) -> None:
    """Exporters merge arrays that are equal."""
    for names, count in ((("bn1", "bn2"), 2), (("bn", "bn_1"), 1)):
        g = Graph("N", 4, 8, 8)
        arrays = [g.weight(4) for _ in range(4)]
        x = g("BatchNormalization", "x", *arrays, name=f"/{names[0]}/Norm")
        x = g("BatchNormalization", g("Relu", x, name="/relu/Relu"), *arrays,
              name=f"/{names[1]}/Norm")  # fmt: skip
        assert _made(g.saved(tmp_path, x)).params == 8 * count


def test_the_proof_finds_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    g = Graph(1, 4, 8, 8)
    path = g.saved(tmp_path, g("Relu", g.conv("x", 4, 4)))

    def spoiled(*args: Any) -> Any:
        network = network_of(*args)
        key = next(iter(network.weights))
        network.weights[key] = network.weights[key] * 1.0001
        return network

    monkeypatch.setattr(proving, "network_of", spoiled)
    result = import_onnx(path)
    assert result.proof.outputs == "differ"
    assert not result.passed
    assert "is not what onnxruntime gives" in result.refused[0].reason


# ---- names and modules, of exporters


class Unit(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.act = nn.SiLU()
        self.project = nn.Conv2d(channels, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(x)) + self.project(x))


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(Unit(3, 8), Unit(8, 16), Unit(16, 32))
        self.again = nn.Conv2d(32, 32, 3, padding=1)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.again(self.again(self.stages(x)))
        return self.head(x.mean((2, 3)))


@pytest.fixture(scope="module")
def small() -> nn.Module:
    module = Small().eval()
    for key, tensor in module.state_dict().items():
        if tensor.is_floating_point() and tensor.ndim == 1:
            tensor.uniform_(0.5, 1.5)
        assert key
    return module


@pytest.mark.parametrize("dynamo", [False, True])
def test_exported_by_torch(small: nn.Module, dynamo: bool, tmp_path: Path) -> None:
    path = tmp_path / "small.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = (torch.zeros(1, 3, 16, 16),)
        exporting: Any = torch.onnx
        exporting.export(small, given, str(path), dynamo=dynamo, verbose=False)
    result = _made(path)
    spec = _spec(result)
    assert len(spec["blocks"]) == 1
    assert ("unit" in spec["blocks"]) == dynamo
    assert 'share = "again"' in result.text
    assert result.text.count("repeat = 3") == 1
    assert 'op = "silu"' in result.text
    assert "folded" in result.remarks[0]
    # the names are those of the module, and so are weights that nothing is folded into
    names = {f"stages.{n}.{part}" for n in range(3) for part in ("conv", "project")}
    found = {key.rpartition(".")[0] for key in result.state}
    assert found == {*names, "again", "head"}
    assert torch.equal(result.state["head.weight"], small.state_dict()["head.weight"])


@pytest.mark.parametrize(
    ("name", "params", "lines"),
    [("squeezenet", 1_235_496, 45), ("inception_v1", 6_998_552, 75),
     ("densenet121", 7_978_856, 70)],
)  # fmt: skip
def test_light_graphs(name: str, params: int, lines: int) -> None:
    """Of the onnx package, whose weights are all one number: random ones are put in
    their place for the comparison. Caffe's counts of parameters."""
    result = _made(LIGHT / f"light_{name}.onnx")
    assert result.params == params
    assert len(result.text.splitlines()) <= lines
    assert result.blocks == 1
    assert "random" in result.remarks[-1]


def test_names_of_tensorflow_are_paths(tmp_path: Path) -> None:
    g = Graph("N", 3, 8, 8)
    x = "x"
    for n in (1, 2):
        prefix = f"net/block{n}_conv/Conv2D"
        weight = g.weight(3, 3, 3, 3, name=f"{prefix}/ReadVariableOp:0")
        x = g("Conv", x, weight, pads=[1] * 4, name=prefix)
        x = g("Relu", x, name=f"net/block{n}_relu/Relu")
    result = _made(g.saved(tmp_path, x))
    assert set(result.state) == {"block1.conv.weight", "block2.conv.weight"}


# ---- the command


def test_the_command_writes_spec_and_weights(tmp_path: Path) -> None:
    g = Graph("N", 3, 8, 8)
    path = g.saved(tmp_path, g("Relu", g.conv("x", 4, 3)))
    out = tmp_path / "net.toml"
    for ending in ("safetensors", "pt"):
        weights = tmp_path / f"net.{ending}"
        arguments = ["import", str(path), "-o", str(out), "--weights", str(weights)]
        done = invoke(*arguments, "--format", "json")
        assert done.exit_code == 0, done.output
        report = json.loads(done.output)
        assert report["proof"]["state_dict"] is True
        assert report["proof"]["max_difference"] <= 1e-5
        assert report["refused"] == []
        assert report["spec"] == out.read_text()
        if ending == "pt":
            state = torch.load(weights, weights_only=True)
        else:
            state = safetensors.load_file(weights)
        assert set(state) == {"conv1.weight", "conv1.bias"}
    refused = invoke("import", str(path), "--weights", "net.bin")
    assert refused.exit_code == 2
    assert ".safetensors" in refused.output
    missing = invoke("import", str(tmp_path / "no.onnx"))
    assert missing.exit_code == 2


def test_reading_needs_no_torch(tmp_path: Path) -> None:
    g = Graph("N", 3, 8, 8)
    path = g.saved(tmp_path, g("Relu", g.conv("x", 4, 3)))
    network = network_of(onnx.load(str(path)), "net.onnx")
    network.trace.name = "net"
    assert imported(network.trace, None, "", "").tables is not None
    assert file_of(onnx.load(str(path))).opset == 17

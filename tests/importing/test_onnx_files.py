"""ONNX files as other programs write them: each is refused, or right."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import product
from math import pi, sqrt
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnxruntime")

import numpy as np
import torch

import archc
from archc.importing.onnx.network import network_of
from archc.run.importing import onnx_proof as proving
from archc.run.importing.onnx import import_onnx
from archc.run.importing.session import Result
from tests.command import invoke
from tests.importing.graphs import Graph

onnx: Any = import_module("onnx")
onnxruntime: Any = import_module("onnxruntime")

Made = tuple[Graph, str]


def _imported(path: Path, *given: tuple[int, ...]) -> Result:
    result = import_onnx(path, [(None, shape) for shape in given])
    assert result.passed, (result.refused, result.proof, result.text)
    return result


def _same_at(result: Result, path: Path, *shape: int) -> None:
    """The generated module gives what onnxruntime gives for an input of this shape."""
    spec = path.with_suffix(".toml")
    spec.write_text(result.text)
    module = archc.load(str(spec)).module().eval()
    module.load_state_dict(result.state)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    wanted = onnxruntime.InferenceSession(str(path)).run(None, {"x": x.numpy()})
    with torch.no_grad():
        made = module(x)
    for one, other in zip(wanted, made if len(wanted) > 1 else [made], strict=True):
        assert one.shape == tuple(other.shape)
        assert np.abs(one - other.numpy()).max() <= 1e-5 * np.abs(one).max()


def _refusals(path: Path, *given: tuple[int, ...]) -> str:
    result = import_onnx(path, [(None, shape) for shape in given])
    assert not result.passed and not result.text
    assert all(r.mend and r.file == str(path) for r in result.refused)
    told = [f"{r.module}: {r.reason}; {r.mend}" for r in result.refused]
    assert told
    return "\n".join(told)


def _number(g: Graph, number: float) -> str:
    return g.constant(np.float32(number))


# ---- what is written out


def _gelu(order: int) -> Made:
    """As torch's older exporter writes it, as its newer one does, and as Keras'."""
    g = Graph("N", 3, 8, 8, opset=13)
    x = g.conv("x", 4, 3)
    if order == 2:
        curve = g("Erf", g("Mul", x, _number(g, sqrt(0.5))))
        total = g("Add", _number(g, 1), curve)
        return g, g("Mul", g("Mul", _number(g, 0.5), x), total)
    curve = g("Erf", g("Div", x, _number(g, sqrt(2))))
    total = g("Add", curve, _number(g, 1))
    made = g("Mul", x, total)
    pair = (made, _number(g, 0.5))
    return g, g("Mul", *(pair if order else pair[::-1]))


def _tanh_gelu(cube: Callable[[Graph, str], str]) -> Made:
    g = Graph("N", 3, 8, 8, opset=13)
    x = g.conv("x", 4, 3)
    inner = g("Add", x, g("Mul", cube(g, x), _number(g, 0.044715)))
    curve = g("Tanh", g("Mul", inner, _number(g, sqrt(2 / pi))))
    total = g("Add", curve, _number(g, 1))
    return g, g("Mul", total, g("Mul", x, _number(g, 0.5)))


def _layer_norm() -> Made:
    g = Graph("N", 6, 8, opset=13)
    off = g("Sub", "x", g("ReduceMean", "x", axes=[-1]))
    squares = g("ReduceMean", g("Pow", off, _number(g, 2)), axes=[-1])
    root = g("Sqrt", g("Add", squares, _number(g, 1e-5)))
    x = g("Mul", g("Div", off, root), g.weight(8))
    return g, g("Add", x, g.weight(8))


def _group_norm() -> Made:
    g = Graph("N", 6, 5, 5, opset=13)
    x = g.conv("x", 8, 6)
    flat = g("Reshape", x, g.ints(0, 2, -1))
    ones, zeros = (g.constant(np.full(2, n, np.float32)) for n in (1, 0))
    flat = g("InstanceNormalization", flat, ones, zeros)
    flat = g("Reshape", flat, g("Shape", x))
    return g, g("Add", g("Mul", flat, g.weight(8, 1, 1)), g.weight(8, 1, 1))


@pytest.mark.parametrize(
    ("made", "op"),
    [
        (_gelu(0), 'op = "gelu" }'), (_gelu(1), 'op = "gelu" }'),
        (_gelu(2), 'op = "gelu" }'),
        (_tanh_gelu(lambda g, x: g("Pow", x, _number(g, 3))), 'approximate = "tanh"'),
        (_tanh_gelu(lambda g, x: g("Mul", x, g("Mul", x, x))), 'approximate = "tanh"'),
        (_layer_norm(), 'op = "layer_norm"'), (_group_norm(), 'op = "group_norm"'),
    ],
)  # fmt: skip
def test_what_exporters_write_out_is_one_op(
    made: Made, op: str, tmp_path: Path
) -> None:
    graph, output = made
    path = graph.saved(tmp_path, output)
    result = _imported(path)
    assert result.text.count(op) == 1
    assert not {"pow", "mul", "batch_norm2d", "reshape"}.intersection(_ops(result))
    _same_at(result, path, 3, *(d.dim_value for d in _sizes(graph)[1:]))


def _ops(result: Result) -> set[str]:
    return {part.split('"')[0] for part in result.text.split('op = "')[1:]}


def _sizes(graph: Graph) -> Any:
    return graph.inputs[0].type.tensor_type.shape.dim


def test_what_only_looks_like_a_gelu_stays_what_it_is(tmp_path: Path) -> None:
    for factor, offset, half in ((0.7, 1, 0.5), (sqrt(0.5), 2, 0.5), (sqrt(0.5), 1, 1)):
        g = Graph("N", 3, 8, 8, opset=13)
        curve = g("Erf", g("Mul", "x", _number(g, factor)))
        made = g("Mul", "x", g("Add", curve, _number(g, offset)))
        path = g.saved(tmp_path, g("Mul", made, _number(g, half)))
        assert "`Erf`" in _refusals(path)


def test_operators_of_onnxruntime_s_own(tmp_path: Path) -> None:
    """Its optimiser puts them in the place of several."""
    g = Graph("N", 3, 8, 8, opset=17)
    x = g.conv("x", 4, 3, name="conv")
    x = g("Relu", g("Add", x, g.conv(g("Sigmoid", "x"), 4, 3)))
    x = g("LeakyRelu", g.conv(x, 4, 4), alpha=0.2)
    curve = g("Erf", g("Div", x, _number(g, sqrt(2))))
    made = g("Mul", x, g("Add", curve, _number(g, 1)))
    path = g.saved(tmp_path, g("Mul", made, _number(g, 0.5)))
    kept = tmp_path / "optimised.onnx"
    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(kept)
    onnxruntime.InferenceSession(str(path), options)
    assert {n.op_type for n in onnx.load(str(kept)).graph.node} >= {"FusedConv", "Gelu"}
    result = _imported(kept)
    assert _ops(result) >= {"relu", "leaky_relu", "gelu"}
    _same_at(result, kept, 3, 3, 8, 8)


# ---- resizing


_WHERE = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
_ROUNDED = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


@pytest.mark.parametrize(("where", "mode"), [*product(_WHERE, ("nearest", "linear",
                                                               "cubic"))])  # fmt: skip
def test_resizing_is_refused_or_right(where: str, mode: str, tmp_path: Path) -> None:
    """By whole and other factors, to sizes, larger and smaller."""
    how = {"mode": mode, "coordinate_transformation_mode": where}
    roundings = _ROUNDED if mode == "nearest" else ("floor",)
    right = 0
    for factors, rounded in product(
        ((2, 2), (1, 3), (1.5, 1.7), (0.5, 0.5), None), roundings
    ):
        g = Graph(1, 3, 6, 7, opset=13)
        asked = ("", g.ints(1, 3, 11, 9)) if factors is None else (
            g.floats(1, 1, *factors),
        )  # fmt: skip
        path = g.saved(tmp_path, g("Resize", "x", "", *asked, nearest_mode=rounded,
                                   **how))  # fmt: skip
        result = import_onnx(path)
        if not result.refused:
            assert result.passed, (factors, rounded, result.text, result.proof)
            _same_at(result, path, 1, 3, 6, 7)
            right += 1
    assert right or (where, mode) in {
        ("align_corners", "nearest"), ("asymmetric", "linear"), ("asymmetric", "cubic"),
    }  # fmt: skip


# ---- inputs of other sizes


def _open() -> Graph:
    return Graph("N", 3, "H", "W", opset=13)


def _size_of(g: Graph, x: str, start: int, stop: int) -> str:
    return g("Slice", g("Shape", x), g.ints(start), g.ints(stop), g.ints(0))


def test_what_a_file_takes_from_its_maps_is_taken_at_any_size(tmp_path: Path) -> None:
    g = _open()
    x = g.conv("x", 4, 3, strides=[2, 2], pads=[1, 1, 1, 1])
    size = g("Concat", _size_of(g, x, 0, 2), _size_of(g, "x", 2, 4), axis=0)
    large = g("Resize", x, "", "", size, mode="linear")
    mean = g("GlobalAveragePool", x)
    size = g("Concat", _size_of(g, mean, 0, 2), _size_of(g, "x", 2, 4), axis=0)
    wide = g("Resize", mean, "", "", size, mode="linear")
    path = g.saved(tmp_path, g("Concat", "x", large, wide, axis=1))
    result = _imported(path, (3, 16, 16))
    assert result.remarks == []
    for shape in ((1, 3, 16, 16), (2, 3, 24, 16), (1, 3, 17, 23)):
        _same_at(result, path, *shape)


def _halved(g: Graph) -> str:
    size = g("Div", g("Gather", g("Shape", "x"), g.ints(2)), g.ints(2))
    return g("Slice", "x", g.ints(0), size, g.ints(2))


@pytest.mark.parametrize(
    ("make", "said"),
    [(lambda g: g.conv("x", 4, 3, auto_pad="SAME_UPPER", strides=[2, 2]), "some sizes"),
     (lambda g: g("AveragePool", "x", kernel_shape=[16, 16]), "this size alone"),
     (_halved, "this size alone"),
     (lambda g: g("Split", "x", g.ints(16), axis=2), "this size alone")],
)  # fmt: skip
def test_it_is_told_where_other_sizes_would_be_another_network(
    make: Callable[[Graph], str], said: str, tmp_path: Path
) -> None:
    g = _open()
    path = g.saved(tmp_path, make(g))
    result = _imported(path, (3, 16, 16))
    assert said in result.remarks[0]
    assert said in result.text
    _same_at(result, path, 2, 3, 16, 16)


def test_a_branch_that_depends_on_the_shape_is_taken(tmp_path: Path) -> None:
    """As squeezing axes of unknown size is written."""
    helper = onnx.helper
    for size, op in ((8, "relu"), (9, "sigmoid")):
        g = Graph("N", 3, size, 8)
        x = g.conv("x", 4, 3, pads=[1, 1, 1, 1])
        found = g("Gather", g("Shape", x), g.constant(np.int64(2)))
        branches = {
            name: helper.make_graph(
                [helper.make_node(of, [x], [f"{name}_y"], name=f"{name}/{of}")], name,
                [], [helper.make_empty_tensor_value_info(f"{name}_y")],
            )
            for name, of in (("then_branch", "Relu"), ("else_branch", "Sigmoid"))
        }  # fmt: skip
        y = g("If", g("Equal", found, g.constant(np.int64(8))), **branches)
        path = g.saved(tmp_path, g("MaxPool", y, kernel_shape=[2, 2]))
        result = _imported(path)
        assert _ops(result) == {"conv2d", op, "max_pool2d"}
        _same_at(result, path, 2, 3, size, 8)


# ---- inputs and outputs


def _inputs(g: Graph, *names: str, kind: int = 1) -> None:
    sizes = [d.dim_value or "N" for d in _sizes(g)]
    make = onnx.helper.make_tensor_value_info
    g.inputs = [make(name, kind, sizes) for name in names]


def test_names_that_are_one_in_python_stay_apart(tmp_path: Path) -> None:
    g = Graph("N", 3, 8, 8)
    _inputs(g, "a/b", "a:b", "unread")
    total = g("Sub", "a/b", g("Sigmoid", "a:b"))
    for made in ("out/1", "out:1"):
        total = g("Relu", g.conv(total, 3, 3, pads=[1] * 4))
        g.nodes[-1].output[0] = total = made
    result = _imported(g.saved(tmp_path, "out/1", "out:1"))
    assert '"a_b"' in result.text or "a_b =" in result.text
    assert "a_b_2" in result.text and "out_1_2" in result.text


def test_zeros_that_are_joined_are_no_weight(tmp_path: Path) -> None:
    """Weights of which all numbers are one are compared with random ones; these not."""
    g = Graph(1, 3, 4, 4)
    zeros = g.constant(np.zeros((1, 2, 4, 4), np.float32))
    path = g.saved(tmp_path, g("Concat", zeros, g.conv("x", 4, 3, 1), axis=1))
    result = _imported(path)
    assert "channel_pad" in result.text
    _same_at(result, path, 1, 3, 4, 4)


# ---- operators that are said by others


def _expand(g: Graph) -> str:
    return g("Mul", "x", g("Expand", g("GlobalAveragePool", "x"), g("Shape", "x")))


def _last_axis(g: Graph) -> str:
    return g("Mul", g("Relu", "x"), g.weight(9))


def _bent_from_behind(g: Graph) -> str:
    x = g("Transpose", g.conv("x", 5, 6), perm=[0, 2, 3, 1])
    return g("Transpose", g("PRelu", x, g.weight(1, 1, 5)), perm=[0, 3, 1, 2])


def _by_norm(g: Graph) -> str:
    return g("Div", "x", g("ReduceL2", "x", axes=[1]))


def _strided(g: Graph) -> str:
    """The mean of a map, as torch's newer exporter puts it on four axes."""
    mean = g("ReduceMean", "x", axes=[2, 3], keepdims=1)
    batch = g("Gather", g("Shape", "x"), g.constant(np.int64(0)))
    rows = g("Range", g.constant(np.int64(0)), batch, g.constant(np.int64(1)))
    rows = g("Mul", g("Reshape", rows, g.ints(-1, 1, 1, 1)), g.ints(6))
    columns = g.constant(np.arange(6, dtype=np.int64).reshape(1, 6, 1, 1))
    places = g("Add", rows, columns)
    return g("Relu", g("Gather", g("Reshape", mean, g.ints(-1)), places))


_SAID_OTHERWISE: dict[str, Callable[[Graph], str]] = {
    "channels turned about": lambda g: g("Gather", "x", g.ints(5, 4, 3, 0, 1), axis=1),
    "one channel": lambda g: g("Gather", "x", g.constant(np.int64(-1)), axis=1),
    "one row": lambda g: g("Gather", "x", g.constant(np.int64(2)), axis=2),
    "expand": _expand,
    "last axis": _last_axis,
    "slopes from behind": _bent_from_behind,
    "norm of channels": _by_norm,
    "strided": _strided,
    "normalised": lambda g: g("LpNormalization", "x", axis=1, p=2),
    "least": lambda g: g("ReduceMin", "x", axes=[2, 3]),
    "squares": lambda g: g("ReduceSumSquare", "x", axes=[2, 3], keepdims=0),
    "norm of windows": lambda g: g("LpPool", "x", kernel_shape=[3, 3], strides=[2, 2],
                                   pads=[1, 0, 1, 1]),
    "norm of maps": lambda g: g("GlobalLpPool", "x", p=2),
    "at least": lambda g: g("Max", "x", _number(g, 0.3)),
    "at most": lambda g: g("Min", _number(g, 0.3), "x"),
    "the larger": lambda g: g("Max", "x", g("Tanh", "x"), g("Sigmoid", "x")),
    "the smaller": lambda g: g("Min", "x", g("Tanh", "x")),
    "mean of values": lambda g: g("Mean", "x", g("Tanh", "x"), g("Sigmoid", "x")),
    "absolute": lambda g: g("Abs", "x"),
    "tiled": lambda g: g("Tile", "x", g.ints(1, 2, 1, 3)),
    "celu": lambda g: g("Celu", "x", alpha=2.0),
    "from the left": lambda g: g("MatMul", g.weight(7, 8), "x"),
    "by one of three axes": lambda g: g("MatMul", "x", g.weight(1, 9, 4)),
    "cast as before": lambda g: g("CastLike", "x", _number(g, 1)),
    "smallest of float32": lambda g: g(
        "MaxPool",
        g("Pad", "x", g.ints(0, 0, 1, 1, 0, 0, 1, 1), _number(g, -3.4028e38)),
        kernel_shape=[3, 3], strides=[2, 2],
    ),
    "upwards": lambda g: g("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2],
                           ceil_mode=1),
    "output shape": lambda g: g("ConvTranspose", "x", g.weight(6, 4, 3, 3),
                                strides=[2, 2], output_shape=[16, 18]),
    "nothing dropped": lambda g: g("Dropout", "x", _number(g, 0),
                                   g.constant(np.bool_(True))),
}  # fmt: skip


@pytest.mark.parametrize("name", _SAID_OTHERWISE)
def test_operators_that_others_say(name: str, tmp_path: Path) -> None:
    g = Graph("N", 6, 8, 9, opset=15)
    path = g.saved(tmp_path, _SAID_OTHERWISE[name](g))
    result = _imported(path)
    _same_at(result, path, 3, 6, 8, 9)


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_a_softmax_over_several_axes_at_once(axis: int, tmp_path: Path) -> None:
    g = Graph("N", 6, 8, 9, opset=11)
    path = g.saved(tmp_path, g("Softmax", "x", axis=axis))
    _same_at(_imported(path), path, 3, 6, 8, 9)


@pytest.mark.parametrize(("opset", "op"), [(18, "GroupNormalization"),
                                           (21, "GroupNormalization"),
                                           (23, "RMSNormalization"),
                                           (24, "Swish")])  # fmt: skip
def test_operators_of_newer_sets(opset: int, op: str, tmp_path: Path) -> None:
    g = Graph("N", 6, 8, 9, opset=opset)
    if op == "GroupNormalization":
        count = 6 if opset >= 21 else 3
        made = g(op, "x", g.weight(count), g.weight(count), num_groups=3)
    else:
        made = g(op, "x", g.weight(9)) if op == "RMSNormalization" else g(op, "x")
    path = g.saved(tmp_path, made)
    _same_at(_imported(path), path, 3, 6, 8, 9)


# ---- what is refused, and what about it


def _learning(opset: int) -> Made:
    g = Graph("N", 6, 8, 8, opset=opset)
    more = {"training_mode": 1} if opset >= 14 else {}
    x = g("BatchNormalization", "x", *(g.weight(6) for _ in range(4)), **more)
    g.nodes[-1].output.extend(["mean", "variance"])
    return g, x


def _dropping() -> Made:
    g = Graph("N", 6, 8, 8, opset=13)
    yes = g.constant(np.bool_(True))
    return g, g("Dropout", "x", _number(g, 0.5), yes)


def _without_weights() -> Made:
    g = Graph("N", 6, 8, 8)
    x = g.conv("x", 4, 6)
    (weight, bias) = (tensor.name for tensor in g.weights)
    g.weights.clear()
    make = onnx.helper.make_tensor_value_info
    g.inputs += [make(weight, 1, [4, 6, 3, 3]), make(bias, 1, [4])]
    return g, x


def _quantised() -> Made:
    g = Graph("N", 6, 8, 8)
    step, zero = _number(g, 0.1), g.constant(np.uint8(128))
    return g, g("DequantizeLinear", g("QuantizeLinear", "x", step, zero), step, zero)


def _scalar() -> Made:
    g = Graph("N", 6, 8, 8)
    g.inputs.append(onnx.helper.make_tensor_value_info("s", 1, []))
    return g, g("Mul", "x", "s")


def _integers() -> Made:
    g = Graph("N", 5)
    _inputs(g, "x", kind=7)
    return g, g("Gather", g.weight(10, 4), "x")


def _by_sample() -> Made:
    g = Graph(4, 6)
    return g, g("Gemm", "x", g.weight(6, 4), g.weight(4, 1))


def _without_batch() -> Made:
    g = Graph(1, 6, 8, 8)
    return g, g("Squeeze", g("GlobalAveragePool", "x"))


@pytest.mark.parametrize(
    ("made", "said", "mend"),
    [(_learning(13), "as in training", "export the network for evaluation"),
     (_learning(15), "as in training", "export the network for evaluation"),
     (_dropping(), "as in training", "export the network for evaluation"),
     (_without_weights(), "it is a weight, and", "export_params=True"),
     (_quantised(), "of a quantised network", "import the file that was quantised"),
     (_scalar(), "s: a sample of it has no axis", "for a batch of samples"),
     (_integers(), "INT64", "extract_model"),
     (_by_sample(), "differs by sample", "extract_model"),
     (_without_batch(), "takes the axis of the batch away", "any number of samples")],
)  # fmt: skip
def test_refusals_say_what_to_do(
    made: Made, said: str, mend: str, tmp_path: Path
) -> None:
    graph, output = made
    told = _refusals(graph.saved(tmp_path, output))
    assert said in told
    assert mend in told


def test_what_ops_refuse_is_placed_at_a_node(tmp_path: Path) -> None:
    g = Graph(2, 6, 8, 8)
    x = g("Concat", "x", g("Relu", "x"), axis=0, name="twins")
    assert _refusals(g.saved(tmp_path, x)).startswith("twins: it joins samples")


def test_an_input_that_is_given_has_the_channels_of_the_file(tmp_path: Path) -> None:
    g = Graph("N", 6, 8, 8)
    path = g.saved(tmp_path, g.conv("x", 4, 6))
    told = _refusals(path, (3, 8, 8))
    assert "--input says 3x8x8, and in the file it is 6x8x8" in told
    assert _imported(path, (6, 12, 12)).passed


# ---- files that hardly anybody writes


def test_a_bias_has_one_number_for_each_channel(tmp_path: Path) -> None:
    """Which ONNX's own rules for shapes do not ask."""
    g = Graph("N", 6, 8, 8)
    weight = g.weight(4, 6, 3, 3)
    assert "its bias is of (4, 6, 3, 3)" in _refusals(
        g.saved(tmp_path, g("Conv", "x", weight, weight))
    )
    g = Graph("N", 6, 8, 8)
    norm = g("BatchNormalization", "x", *(g.weight(n) for n in (6, 6, 6, 5)))
    assert "its variance is of (5,)" in _refusals(g.saved(tmp_path, norm))
    g = Graph("N", 6, 8, 8, opset=18)
    norm = g("GroupNormalization", "x", g.weight(3), g.weight(3), num_groups=2)
    assert "for 6 channels" in _refusals(g.saved(tmp_path, norm))


def test_one_output_twice_is_one(tmp_path: Path) -> None:
    g = Graph("N", 6, 8, 8)
    x = g("Relu", "x")
    assert "outputs" not in _imported(g.saved(tmp_path, x, x)).text


def test_inputs_that_no_memory_holds_are_not_computed(tmp_path: Path) -> None:
    g = Graph(1, 3, 1 << 20, 1 << 20)
    result = _imported(g.saved(tmp_path, g("Relu", "x")))
    assert result.proof.outputs == "not run"
    assert "inputs are above 1 GB" in result.proof.why


def test_what_gives_nothing_is_refused(tmp_path: Path) -> None:
    g = Graph("N", 6, 1, 1)
    assert "gives nothing" in _refusals(g.saved(tmp_path, g("Expand", "x", g.ints(
        1, 6, 0, 4))))  # fmt: skip


def test_a_large_factor_of_many_digits(tmp_path: Path) -> None:
    g = Graph("N", 6, 8, 8)
    path = g.saved(tmp_path, g("Div", "x", _number(g, 1e-5)))
    _same_at(_imported(path), path, 3, 6, 8, 8)


def test_what_is_lost_with_a_shape_is_not_told_again(tmp_path: Path) -> None:
    g = Graph("N", 6, 8, 8)
    x = g("Det", g.conv("x", 4, 6))
    size = g("Concat", _size_of(g, x, 0, 1), g.ints(-1), axis=0)
    wide = g("ConstantOfShape", size)
    told = _refusals(g.saved(tmp_path, g("Add", g("Reshape", x, size), wide)))
    assert told.count("\n") == 0
    assert "`Det`" in told


def test_weights_that_are_normalised_are_computed(tmp_path: Path) -> None:
    """As a batch norm of the weights in training, of an older set of operators."""
    g = Graph("N", 6, 8, 8, opset=13)
    weight = g("Reshape", g.weight(4, 6, 3, 3), g.ints(1, 4, -1))
    parts = [g.weight(4), g.constant(np.zeros(4, np.float32)), g.weight(4), g.weight(4)]
    normed = g("BatchNormalization", weight, *parts)
    g.nodes[-1].output.extend(["mean", "variance", "own_mean", "own_variance"])
    path = g.saved(tmp_path, g("Conv", "x", g("Reshape", normed, g.ints(4, 6, 3, 3))))
    result = _imported(path)
    assert _ops(result) == {"conv2d"}


def test_constants_that_are_the_same_for_all_samples(tmp_path: Path) -> None:
    g = Graph("N", 6, 8, 8)
    sizes = g("Concat", _size_of(g, "x", 0, 1), g.ints(6, 1, 1), axis=0)
    path = g.saved(tmp_path, g("Mul", "x", g("Expand", g.weight(1, 6, 1, 1), sizes)))
    _same_at(_imported(path), path, 3, 6, 8, 8)


# ---- modules


def _units(g: Graph, optimised: bool) -> str:
    """Units that split and gate what they read, as torch's newer exporter notes them,
    whose optimiser makes nodes without notes."""
    x = "x"
    for n in range(2):
        noted = ["''", "'units'", f"'units.{n}'"]
        first = len(g.nodes)
        y = g.conv(x, 12, 6, 1)
        parts = [f"part{n}{k}" for k in range(2)]
        g("Split", y, g.ints(6, 6), axis=1)
        del g.nodes[-1].output[:]
        g.nodes[-1].output.extend(parts)
        x = g("Add", x, g("Mul", parts[0], g("Sigmoid", parts[1])))
        for node in g.nodes[first:]:
            inner = "'c'" if node.op_type == "Conv" else "'f'"
            scopes = [*noted, *([f"'units.{n}.conv'"] * (inner == "'c'")), inner]
            classes = ["'Net'", "'torch.nn.Sequential'", "'net.Unit'",
                       *(["'torch.nn.Conv2d'"] * (inner == "'c'")), "'f'"]  # fmt: skip
            if not (optimised and node.op_type == "Split"):
                for key, value in (
                    ("name_scopes", scopes),
                    ("class_hierarchy", classes),
                ):
                    note = node.metadata_props.add()
                    note.key = f"pkg.torch.onnx.{key}"
                    note.value = f"[{', '.join(value)}]"
    return x


def test_nodes_without_notes_stand_in_the_modules_around_them(tmp_path: Path) -> None:
    texts: list[str] = []
    for optimised in (False, True):
        g = Graph("N", 6, 8, 8, opset=13)
        texts.append(_imported(g.saved(tmp_path, _units(g, optimised))).text)
    assert texts[0] == texts[1]
    assert "repeat = 2" in texts[0]


def test_a_name_with_a_number_is_another_module_if_it_is_its_own(
    tmp_path: Path,
) -> None:
    """`repeat_1` may be the second call of `repeat`, or a module."""
    g = Graph("N", 6, 8, 8)
    x = "x"
    for name in ("repeat", "repeat_1"):
        for n in range(2):
            weight = g.weight(6, 6, 1, 1)
            x = g("Conv", x, weight, name=f"/{name}/{name}.{n}/Conv")
            x = g("Relu", x, name=f"/{name}/relu_{n}/Relu")
    result = _imported(g.saved(tmp_path, x))
    assert {*result.state} == {
        f"{name}.{n}.weight" for name in ("repeat", "repeat_1") for n in range(2)
    }
    assert "repeat_1" in result.text and "share" not in result.text


def test_a_member_of_a_list_that_another_module_took_over_stands_in_it(
    tmp_path: Path,
) -> None:
    """As a convolution does that a batch norm behind the list is folded into."""
    g = Graph("N", 6, 8, 8)
    x = "x"
    for n, path in enumerate(("stem.0", "stem.1", "")):
        weight = g.weight(6, 6, 1, 1, name=f"stem.{n}.weight")
        x = g("Relu", g("Conv", x, weight), name=f"relu{n}")
        scopes = [part for part in ("stem", path, "f") if part] if path else ["bn", "f"]
        for node in g.nodes[-2:]:
            for key, value in (
                ("name_scopes", ["", *scopes]),
                ("class_hierarchy", ["Net", *("C" for _ in scopes)]),
            ):
                note = node.metadata_props.add()
                note.key, note.value = f"pkg.torch.onnx.{key}", str(value)
    assert {*_imported(g.saved(tmp_path, x)).state} == {
        f"stem.{n}.weight" for n in range(3)
    }


def test_outputs_that_are_next_to_nothing_are_not_compared(tmp_path: Path) -> None:
    """As what finds text gives where there is none."""
    g = Graph("N", 6, 8, 8)
    x = g("Sub", g.conv("x", 4, 6), _number(g, 14))
    result = import_onnx(g.saved(tmp_path, g("Sigmoid", x)))
    assert not result.passed
    (refusal,) = result.refused
    assert "so small are ends of curves" in refusal.reason
    assert "sigmoid" in refusal.mend


def _steep() -> Made:
    """A difference of large numbers."""
    g = Graph("N", 6, 8, 8)
    x = g("Conv", "x", g.weight(4, 6, 3, 3, name="c.weight"), g.weight(4))
    far = g("Add", x, _number(g, 3e3))
    return g, g("Sub", g("Mul", far, _number(g, 1.1)), _number(g, 3.3e3))


def test_what_rounding_does_is_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held to what float64 gives; a wrong weight is a difference all the same."""
    graph, made = _steep()
    path = graph.saved(tmp_path, made)
    result = _imported(path)
    assert result.proof.max_difference > 1e-5
    assert "as rounding makes them" in result.remarks[-1]

    def spoiled(*args: Any) -> Any:
        network = network_of(*args)
        network.weights["c.weight"] = network.weights["c.weight"] * 1.01
        return network

    monkeypatch.setattr(proving, "network_of", spoiled)
    result = import_onnx(path)
    assert not result.passed
    assert "is not what onnxruntime gives" in result.refused[0].reason


def test_constants_of_shapes_are_counted_by_their_shapes(tmp_path: Path) -> None:
    """And not by their numbers, as those of places of boxes."""
    g = Graph("N", 2, 40, 40)
    rows = g.constant(np.arange(1.5, 41.5, dtype=np.float32).reshape(1, 1, 40, 1))
    wide = g("Expand", rows, g.ints(1, 1, 40, 40))
    path = g.saved(tmp_path, g("Add", "x", g("Slice", wide, g.ints(0), g.ints(1),
                                             g.ints(3))))  # fmt: skip
    _same_at(_imported(path), path, 3, 2, 40, 40)


def test_a_file_s_ending_may_be_in_capitals(tmp_path: Path) -> None:
    g = Graph("N", 6, 8, 8)
    path = g.saved(tmp_path, g("Relu", "x")).rename(tmp_path / "NET.ONNX")
    assert invoke("import", path).exit_code == 0


def test_a_window_that_onnxruntime_would_never_leave_is_refused(tmp_path: Path) -> None:
    g = Graph("N", 6, 8, 8)
    pooled = g("LpPool", "x", kernel_shape=[3, 1 << 40], auto_pad="SAME_LOWER")
    assert "its window is above" in _refusals(g.saved(tmp_path, pooled))


def _narrow(model: Any, kind: int) -> Any:
    """The model with all its numbers in another precision."""
    for tensor in model.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        if array.dtype == np.float32:
            numbers = array.ravel().tolist()
            made = onnx.helper.make_tensor(tensor.name, kind, array.shape, numbers)
            tensor.CopyFrom(made)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = kind
    return model


def _clipped() -> Made:
    g = Graph("N", 3, 8, 8)
    low, high = g.constant(np.float32(-0.5)), g.constant(np.float32(0.5))
    return g, g("Clip", g.conv("x", 4, 3), low, high)


@pytest.mark.parametrize("precision", ["FLOAT16", "BFLOAT16", "DOUBLE"])
@pytest.mark.parametrize("outside", [True, False])
def test_other_precisions_are_taken_as_float32(
    precision: str, outside: bool, tmp_path: Path
) -> None:
    """Of the whole file, or between conversions at its ends."""
    kind = onnx.TensorProto.DataType.Value(precision)
    graph, made = _clipped()
    model = _narrow(graph.model(made), kind)
    if outside:
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        for node in model.graph.node:
            node.input[:] = ["inner" if n == "x" else n for n in node.input]
            node.output[:] = ["made" if n == made else n for n in node.output]
        cast = onnx.helper.make_node
        model.graph.node.insert(0, cast("Cast", ["x"], ["inner"], to=kind))
        model.graph.node.append(cast("Cast", ["made"], [made], to=1))
    path = tmp_path / "net.onnx"
    onnx.save(model, str(path))
    result = _imported(path)
    name = {"DOUBLE": "float64"}.get(precision, precision.lower())
    assert result.remarks == [
        f"its {name} numbers were taken, and compared, as float32"
    ]
    assert result.params == 4 * (3 * 9 + 1)
    weight = onnx.numpy_helper.to_array(model.graph.initializer[2])
    found = next(t for key, t in result.state.items() if key.endswith("weight"))
    assert np.array_equal(found.numpy(), weight.astype(np.float32))


@pytest.mark.parametrize("counted", [True, False])
def test_sparse_weights_are_weights(counted: bool, tmp_path: Path) -> None:
    """With places counted over all axes, or along each."""
    graph, made = _clipped()
    model = graph.model(made)
    tensor = next(t for t in model.graph.initializer if len(t.dims) == 4)
    array = onnx.numpy_helper.to_array(tensor).copy()
    array[np.abs(array) < 0.1] = 0
    at = np.flatnonzero(array) if counted else np.argwhere(array)
    model.graph.initializer.remove(tensor)
    model.graph.sparse_initializer.append(
        onnx.helper.make_sparse_tensor(
            onnx.numpy_helper.from_array(array[array != 0], tensor.name),
            onnx.numpy_helper.from_array(at.astype(np.int64), "places"),
            array.shape,
        )
    )
    path = tmp_path / "net.onnx"
    onnx.save(model, str(path))
    result = _imported(path)
    found = next(t for key, t in result.state.items() if key.endswith("weight"))
    assert np.array_equal(found.numpy(), array)
    _same_at(result, path, 2, 3, 8, 8)

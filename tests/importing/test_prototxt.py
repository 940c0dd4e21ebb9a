"""Caffe's files become specs by Caffe's own rules."""

from __future__ import annotations

import tomllib
from itertools import product
from math import ceil
from typing import Any

import pytest

from archc.importing.prototxt.network import network_of
from archc.importing.prototxt.text import Malformed, Message, Scalar, read
from archc.importing.trace import Param, Trace, Value
from archc.importing.writing.caffe import CaffeResult, import_caffe
from archc.spec.expressions import is_sequence

INPUT = 'input: "data" input_dim: 1 input_dim: 3 input_dim: 15 input_dim: 15\n'


def _layer(kind: str, bottom: str, top: str, more: str = "", name: str = "") -> str:
    bottoms = " ".join(f'bottom: "{b}"' for b in bottom.split())
    tops = " ".join(f'top: "{t}"' for t in top.split())
    first = f'name: "{name or top}" type: "{kind}"'
    return f"layer {{ {first} {bottoms} {tops} {more} }}\n"


def _conv(bottom: str, top: str, out: int, more: str = "kernel_size: 1") -> str:
    param = f"convolution_param {{ num_output: {out} {more} }}"
    return _layer("Convolution", bottom, top, param)


def _pool(more: str, bottom: str = "data") -> str:
    return _layer("Pooling", bottom, "pool", f"pooling_param {{ {more} }}")


def _made(text: str, *given: tuple[str | None, tuple[int, ...]]) -> CaffeResult:
    result = import_caffe(text, "net.prototxt", given)
    assert result.passed, result.refused
    return result


def _spec(text: str) -> dict[str, Any]:
    return tomllib.loads(_made(text).text)


def _nodes(text: str) -> list[dict[str, Any]]:
    return _spec(text)["network"]["layers"]


def _reasons(text: str) -> list[str]:
    result = import_caffe(text, "net.prototxt")
    assert not result.passed
    assert all(r.mend and r.file == "net.prototxt" for r in result.refused)
    return [str(refusal) for refusal in result.refused]


# ---- the text


def test_the_text_format() -> None:
    found = read(
        """# a comment
        name: "two" 'parts'  # and another
        layer { a: 1, b: -2.5e-3; c: [1, 2] } layer: < a: 2 >
        """
    )
    assert found.text("name") == "twoparts"
    first, second = found.messages("layer")
    assert (first.integer("a"), second.integer("a")) == (1, 2)
    assert first.number("b", 0) == -2.5e-3
    assert first.integers("c") == [1, 2]
    assert (first.line, second.line) == (3, 3)
    assert first.fields[0] == ("a", Scalar("1", 3))
    assert isinstance(second, Message)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a {\n b: 1\n", 1, "never closed"),
        ("a: 1\n}", 2, "stands where a key"),
        ("a\nb: 1", 1, "neither a value nor braces"),
        ("a: {}\nb:", 2, "no value"),
        ("a: [1, 2", 1, "no value"),
        ('a: "open\n', 1, "no meaning"),
        ("\n\n@", 3, "no meaning"),
        ("a { " * 100, 1, "too deep"),
    ],
)
def test_text_that_is_none(text: str, line: int, said: str) -> None:
    with pytest.raises(Malformed, match=said) as caught:
        read(text)
    assert caught.value.line == line


# ---- the rules of single layers


@pytest.mark.parametrize("kind", ["MAX", "AVE"])
@pytest.mark.parametrize(("size", "kernel", "stride", "pad"),
                         [(15, 3, 2, 0), (14, 3, 2, 0), (14, 3, 2, 1), (15, 5, 3, 2),
                          (14, 2, 2, 1), (6, 3, 2, 1)])  # fmt: skip
def test_pooling_is_that_of_caffe(
    kind: str, size: int, kernel: int, stride: int, pad: int
) -> None:
    torch = pytest.importorskip("torch")
    more = f"pool: {kind} kernel_size: {kernel} stride: {stride} pad: {pad}"
    text = INPUT.replace("15", str(size)) + _pool(more)
    (call,) = network_of(text, "", ()).evaluated.calls
    x = torch.randn(1, 1, size, size, dtype=torch.float64)
    found = _ran(call, {0: x}, {})
    # caffe/src/caffe/layers/pooling_layer.cpp, written out
    pooled = ceil((size + 2 * pad - kernel) / stride) + 1
    if pad and (pooled - 1) * stride >= size + pad:
        pooled -= 1
    assert found.shape[-2:] == (pooled, pooled)
    for i, j in product(range(pooled), repeat=2):
        rows, columns = (
            (n * stride - pad, min(n * stride - pad + kernel, size + pad))
            for n in (i, j)
        )
        area = (rows[1] - rows[0]) * (columns[1] - columns[0])
        window = x[0, 0, max(rows[0], 0) : rows[1], max(columns[0], 0) : columns[1]]
        wanted = window.max() if kind == "MAX" else window.sum() / area
        assert torch.isclose(found[0, 0, i, j], wanted, rtol=1e-12)


def test_pooling_rounds_up_where_that_can_matter() -> None:
    (node,) = _nodes(INPUT + _pool("kernel_size: 3 stride: 2"))
    assert node == {
        "name": "pool", "op": "max_pool2d", "kernel_size": 3, "stride": 2,
        "ceil_mode": True,
    }  # fmt: skip
    (node,) = _nodes(INPUT + _pool("kernel_size: 3 pad: 1 stride: 1 pool: MAX"))
    assert "ceil_mode" not in node
    (node,) = _nodes(INPUT + _pool("kernel_size: 3 stride: 2 round_mode: FLOOR"))
    assert "ceil_mode" not in node
    for over in ("kernel_size: 15 pool: AVE", "global_pooling: true pool: AVE"):
        (node,) = _nodes(INPUT + _pool(over))
        assert node["op"] == "adaptive_avg_pool2d"


def test_a_window_beyond_the_map_is_refused() -> None:
    # without padding Caffe keeps a window that begins behind the map; torch does not
    (reason,) = _reasons(INPUT + _pool("kernel_size: 1 stride: 8"))
    assert "its last window starts behind the map" in reason


def test_what_is_too_large_is_refused() -> None:
    text = INPUT + _conv("data", "c", 8, "kernel_size: 3 pad: 99999999")
    fc = "inner_product_param { num_output: 5 }"
    (reason,) = _reasons(text + _layer("InnerProduct", "c", "fc", fc))
    assert "more than 2**48 numbers along axis 1" in reason


def test_numbers_are_counted_by_hand() -> None:
    text = INPUT + _conv("data", "c", 8, "kernel_size: 3 stride: 2 group: 1")
    text += _conv("c", "d", 6, "kernel_h: 1 kernel_w: 3 pad_w: 1 pad_h: 0 group: 2")
    fc = "inner_product_param { num_output: 5 bias_term: false }"
    text += _layer("InnerProduct", "d", "fc", fc)
    result = _made(text)
    # 7 x 7 places; 6 x 7 x 7 features
    assert result.params == (8 * 27 + 8) + (6 * 4 * 3 + 6) + 5 * 294
    assert result.macs == 49 * 8 * 27 + 49 * 6 * 4 * 3 + 5 * 294
    assert result.names == {}
    assert [n["op"] for n in _nodes(text)] == ["conv2d", "conv2d", "flatten", "linear"]


def test_a_local_response_norm() -> None:
    said = "lrn_param { local_size: 3 alpha: 0.0005 beta: 0.5 k: 2 }"
    (node,) = _nodes(INPUT + _layer("LRN", "data", "norm1", said))
    assert node == {
        "name": "norm1", "op": "local_response_norm", "size": 3, "alpha": 5e-4,
        "beta": 0.5, "k": 2.0,
    }  # fmt: skip


NORM = (
    _conv("data", "c", 4)
    + _layer("BatchNorm", "c", "c", "batch_norm_param { eps: 0.001 }", "bn")
)  # fmt: skip


def test_a_batch_norm_and_the_scale_behind_it_are_one() -> None:
    scale = _layer("Scale", "c", "c", "scale_param { bias_term: true }", "scale")
    spec = _spec(INPUT + NORM + scale + _layer("ReLU", "c", "c", name="relu"))
    nodes = spec["network"]["layers"]
    assert nodes[1:] == [{"name": "bn", "op": "batch_norm2d", "eps": 1e-3},
                         {"op": "relu"}]  # fmt: skip
    assert spec["expect"]["params"] == 4 * 3 + 4 + 2 * 4
    alone = _nodes(INPUT + NORM)[1]
    assert alone["affine"] is False
    without = _layer("Scale", "c", "c", name="scale")
    assert [node["op"] for node in _nodes(INPUT + NORM + without)[1:]] == [
        "batch_norm2d", "layer_scale",
    ]  # fmt: skip


def test_old_files_name_their_types_otherwise() -> None:
    text = """
    input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }
    layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" blobs_lr: 1
      convolution_param { num_output: 4 kernel_size: 3 } }
    layers { name: "r" type: RELU bottom: "c" top: "c" }
    layers { name: "prob" type: SOFTMAX bottom: "c" top: "prob" }
    """
    assert [n["op"] for n in _nodes(text)] == ["conv2d", "relu"]
    assert "`prob`" in _made(text).remarks[0]
    older = 'layers { layer { name: "c" type: "conv" } bottom: "data" top: "c" }'
    assert "before 2013" in _reasons(INPUT + older)[0]


def test_weights_that_are_shared() -> None:
    shared = 'param { name: "w" } param { name: "b" } '
    conv = "convolution_param { num_output: 3 kernel_size: 1 }"
    text = INPUT + _layer("Convolution", "data", "one", shared + conv)
    text += _layer("Convolution", "one", "two", shared + conv)
    result = _made(text)
    assert 'share = "one"' in result.text
    assert result.params == 12
    other = text.replace("num_output: 3", "num_output: 4", 1)
    assert "shares `one.weight`" in _reasons(other)[0]


def test_a_loss_of_two_values_has_two_outputs() -> None:
    shared = 'param { name: "w" } param { name: "b" } '
    conv = "convolution_param { num_output: 3 kernel_size: 1 }"
    text = INPUT + 'input: "sim"\n'
    text += _layer("Slice", "data", "a b c", "", "slice")
    text += _layer("Convolution", "a", "one", shared + conv)
    text += _layer("Convolution", "b", "two", shared + conv)
    text += _layer("ContrastiveLoss", "one two sim", "loss")
    spec = _spec(text)
    assert list(spec["network"]["outputs"]) == ["one", "two"]
    assert spec["network"]["input"] == [3, 15, 15]
    assert spec["expect"]["params"] == 6


# ---- structure


def _unit(n: str, bottom: str, width: int, *, project: bool) -> str:
    text = ""
    ways = [("branch2a", bottom), ("branch2b", f"res{n}_branch2a")]
    ways += [("branch1", bottom)] if project else []
    for way, source in ways:
        top = f"res{n}_{way}"
        text += _conv(source, top, width, "kernel_size: 1 bias_term: false")
        text += _layer("BatchNorm", top, top, "", f"bn{n}_{way}")
        scale = "scale_param { bias_term: true }"
        text += _layer("Scale", top, top, scale, f"scale{n}_{way}")
    around = f"res{n}_branch1" if project else bottom
    text += _layer("Eltwise", f"{around} res{n}_branch2b", f"res{n}")
    return text + _layer("ReLU", f"res{n}", f"res{n}", name=f"res{n}_relu")


RESIDUAL = (
    INPUT
    + _unit("2a", "data", 8, project=True)
    + "".join(_unit(f"2b{n}", f"res2{'a' if n == 1 else f'b{n - 1}'}", 8, project=False)
              for n in range(1, 6))
    + _unit("3a", "res2b5", 16, project=True)
)  # fmt: skip


def test_residual_units_are_one_block() -> None:
    result = _made(RESIDUAL)
    spec = tomllib.loads(result.text)
    (block,) = spec["blocks"].values()
    assert block["layers"][0]["skip"] == "add"
    assert block["layers"][0]["shortcut"]["when"] == "in_channels != width"
    names = [node["name"] for node in spec["network"]["layers"]]
    assert names == ["res2a", "res2b{i + 1}", "res3a"]
    assert result.names["bn2b3_branch2a"] == "res2b3.bn_branch2a"
    assert result.names["res2a_branch1"] == "res2a.branch1"
    norms = 2 * 8 * 3 + 5 * 2 * 8 * 2 + 2 * 16 * 3
    convs = 24 + 24 + 64 + 5 * (64 + 64) + 128 + 128 + 256
    assert result.params == norms + convs


def _head(n: int, bottom: str, weight: str) -> str:
    return (
        _layer("InnerProduct", bottom, f"loss{n}/fc", "inner_product_param"
               " { num_output: 4 }")
        + _layer("SoftmaxWithLoss", f"loss{n}/fc label", f"loss{n}/loss", weight)
        + _layer("Accuracy", f"loss{n}/fc label", f"loss{n}/top", "include"
                 " { phase: TEST }")
    )  # fmt: skip


DATA = "include { phase: PHASE } transform_param { crop_size: 8 }"
TRAINED = (
    _layer("Data", "", "data label", DATA.replace("PHASE", "TRAIN"))
    + _layer("Data", "", "data label", DATA.replace("PHASE", "TEST"))
    + _conv("data", "a", 6)
    + _head(1, "a", "loss_weight: 0.3")
    + _conv("a", "b", 6)
    + _head(2, "b", "")
)


def test_auxiliary_losses_are_heads() -> None:
    spec = _spec(TRAINED)
    assert spec["network"]["input"] == [3, 8, 8]
    (head,) = spec["heads"]
    assert (head["name"], head["from"], head["loss_weight"]) == ("loss1", "a", 0.3)
    fc = 6 * 64 * 4 + 4
    assert spec["expect"]["params"] == 24 + 42 + fc
    assert spec["expect"]["params_with_heads"] == 24 + 42 + 2 * fc
    equal = _spec(TRAINED.replace("loss_weight: 0.3", ""))
    assert list(equal["network"]["outputs"]) == ["loss1_loss", "loss2_loss"]


def test_a_name_that_none_may_be_is_mapped() -> None:
    text = INPUT + _conv("data", "train", 4) + _conv("train", "a-b/c.d", 4)
    assert _made(text).names == {"train": "train_", "a-b/c.d": "a_b.c_d"}
    # what is a layer cannot hold others
    text = INPUT + _conv("data", "c", 4) + _conv("c", "c/bn", 4)
    assert _made(text).names == {"c/bn": "c_bn"}


# ---- what is refused


def test_all_refusals_come_at_once() -> None:
    text = INPUT + "\n".join(
        [
            _layer("LRN", "data", "a", "lrn_param { norm_region: WITHIN_CHANNEL }"),
            _conv("a", "b", 3),
            _layer("Eltwise", "a b", "c", "eltwise_param { operation: LEAST }"),
            _layer("Log", "c", "d"),
            _layer("MVN", "d", "e"),
        ]
    )
    found = _reasons(text)
    assert [reason.partition(":")[0] for reason in found] == ["a", "c", "d", "e"]
    assert [reason.rpartition(":")[2] for reason in found] == ["2)", "6)", "8)", "10)"]
    assert all("(net.prototxt:" in reason for reason in found)


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (_conv("data", "c", 4, "kernal_size: 3 kernel_size: 3"), "`kernal_size`"),
        (_conv("data", "c", 4, ""), "has no `kernel_size`"),
        (_conv("data", "c", 4, "kernel_size: 3 group: 2"), "equal groups"),
        (_conv("data", "c", 4, "kernel_size: x"), "no whole number"),
        (_conv("data", "c", 4, "kernel_size: 0"), "below 1"),
        (_conv("data", "c", 4, "kernel_size: 99"), "net.prototxt:2"),
        (_conv("nowhere", "c", 4), "nothing before it makes"),
        (_pool("pool: STOCHASTIC kernel_size: 2"), "STOCHASTIC"),
        (_layer("Concat", "data data", "c", "concat_param { axis: 0 }"), "axis 0"),
        (_layer("Eltwise", "data data", "c", "eltwise_param { coeff: 2 }"), "factors"),
        (_layer("Eltwise", "data data", "c", "eltwise_param { operation: PROD coeff: 2"
                                             " coeff: 1 }"), "for a PROD"),
        (_layer("LRN", "data", "c", "lrn_param { local_size: 4 }"), "odd"),
        (_layer("Scale", "data", "c", "scale_param { bias_term: true }"), "BatchNorm"),
        (_layer("Scale", "data", "c", "scale_param { axis: 2 }"), "scale channels"),
        (_layer("ReLU", "data", "c", "relu_parm { negative_slope: 1 }"), "`relu_parm`"),
        (_layer("ReLU", "data", "c").replace("layer", "layr"), "`layr` outside"),
        (_layer("InnerProduct", "data", "c"), "`num_output` is not said"),
        (_layer("Crop", "data data", "c", "crop_param { offset: 2 }"), "takes 2 to 17"),
        (_layer("ArgMax", "data", "c") + _layer("ReLU", "c", "d"), "type `ArgMax`"),
        (_layer("Reshape", "data", "c", "reshape_param { shape { dim: 1 dim: -1 } }"),
         "out on other axes"),
        (_layer("Reshape", "data", "c", "reshape_param { shape { dim: 0 dim: 4 } }"),
         "not reshaped"),
        (_layer("ReLU", "data", "c d"), "gives 2 values"),
        (_layer("Power", "data", "c", "power_param { power: 0 }"), "power"),
        (_layer("LRN", "data", "c", "lrn_param { alpha: 1e30 }"), "beyond 2**62"),
        (_layer("Input", "", "c", "input_param { shape { dim: 1 dim: 99999999 } }")
         + _layer("ReLU", "c", "d"), "16777216 is the most"),
        (_layer("Input", "", "c", "input_param { shape {" + 6 * " dim: 2" + " } }")
         + _layer("ReLU", "c", "d"), "has 5 axes"),
        ("layer { name: \"x\" }", "no `type`"),
        ("", "nothing is computed"),
    ],
)  # fmt: skip
def test_what_cannot_be_said(layer: str, said: str) -> None:
    assert said in "\n".join(_reasons(INPUT + layer))


def test_a_shape_that_nothing_says_is_asked_for() -> None:
    text = TRAINED.replace("crop_size: 8", "mirror: true")
    assert "--input" in _reasons(text)[0]
    spec = tomllib.loads(_made(text, (None, (1, 6, 6))).text)
    assert spec["network"]["input"] == [1, 6, 6]


# ---- as torch runs it


WIRED = (
    INPUT
    + _layer("Slice", "data", "a b", "slice_param { slice_point: 1 }", "slice")
    + _conv("a", "ca", 3)
    + _conv("b", "cb", 3)
    + _layer("Eltwise", "ca cb data", "sum")
    + _layer("PReLU", "sum", "sum", name="prelu")
    + _layer("Split", "sum", "left right", name="split")
    + _layer("Sigmoid", "left", "gate")
    + _layer("Eltwise", "gate right", "m", "eltwise_param { operation: PROD }")
    + _layer("Power", "m", "m", "power_param { scale: 0.5 }", "half")
    + _layer("Eltwise", "m cb", "d", "eltwise_param { coeff: 1 coeff: -1 }")
    + _layer("Concat", "d data", "joined")
    + _layer(
        "Reshape", "joined", "r", "reshape_param { shape { dim: 0 dim: 6 dim: -1 } }"
    )
)


@pytest.mark.parametrize(
    "text", [RESIDUAL, TRAINED, WIRED], ids=["residual", "heads", "wired"]
)
def test_the_module_computes_what_the_layers_do(text: str) -> None:
    torch = pytest.importorskip("torch")
    from archc.run.subject import imported

    result = _made(text)
    namespace = imported("of_a_prototxt", _code(result))
    module = getattr(namespace, namespace.__all__[0])().eval()
    trace = network_of(text, "", ()).evaluated
    state = module.state_dict()
    for tensor in state.values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.5)
    (number,) = trace.inputs.values()
    x = torch.randn(2, *trace.shapes[number][1:])
    with torch.no_grad():
        assert torch.equal(module(x), _run(trace, {number: x}, state))


def _code(result: CaffeResult) -> str:
    from archc.importing.writing.compiled import compiled

    tables = tomllib.loads(result.text)
    return compiled(tables, "of_a_prototxt").source


def _run(trace: Trace, values: dict[int, Any], state: dict[str, Any]) -> Any:
    for call in trace.calls:
        made = _ran(call, values, state)
        parts = made if len(call.makes) > 1 else [made]
        values.update(zip(call.makes, parts, strict=True))
    return values[trace.outputs[""]]


def _ran(call: Any, values: dict[int, Any], state: dict[str, Any]) -> Any:
    import torch

    def given(value: Any) -> Any:
        if isinstance(value, Value):
            return values[value.number]
        if is_sequence(value):
            return tuple(map(given, value))
        return state[value.key] if isinstance(value, Param) else value

    function: Any = torch
    for part in call.function.split(".")[1:]:
        function = getattr(function, part)
    named = {name: given(value) for name, value in call.settings.items()}
    if function is torch.split:
        named["tensor"] = named.pop("input")
    return function(**named)

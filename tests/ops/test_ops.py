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
    "batch_norm2d": {"bias": "not in every PyTorch from 2.5 on"},
    "batch_norm1d": {"bias": "not in every PyTorch from 2.5 on"},
    "group_norm": {"bias": "not in every PyTorch from 2.5 on"},
}
DEFAULTS: dict[tuple[str, str], Any] = {
    ("softmax", "dim"): 1,  # PyTorch's None is deprecated
    ("log_softmax", "dim"): 1,
    ("layer_norm", "normalized_shape"): None,  # inferred, if not given
    ("stochastic_depth", "mode"): "row",  # what all of torchvision's networks use
}
# PyTorch has no module for these
OF_ARCHC = {"layer_scale", "channel_slice", "channel_pad"}


def torch_class(name: str) -> type[nn.Module]:
    elsewhere: dict[str, Any] = {
        "stochastic_depth": torchvision.ops.StochasticDepth,
        "permute": torchvision.ops.Permute,
    }
    if name in elsewhere:
        return elsewhere[name]
    attributes, _ = CASES[name][0]
    function = make(name, **attributes).module(shapes_of(CASES[name][0])[0]).function
    return getattr(nn, function.removeprefix("nn."))


@each_op
def test_attributes_are_those_of_pytorch(name: str) -> None:
    if OPS[name].merges or name in OF_ARCHC:
        return
    signature = inspect.signature(torch_class(name).__init__).parameters
    theirs = {
        key: PydanticUndefined if p.default is p.empty else p.default
        for key, p in signature.items()
        if key not in INFERRED | LEFT_OUT | OTHERWISE.get(name, {}).keys()
        and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
    ours = {key: field.default for key, field in OPS[name].model_fields.items()}
    assert list(ours) == list(theirs)
    for key, default in ours.items():
        expected = DEFAULTS.get((name, key), theirs[key])
        if key == "inplace":
            assert not default and OPS[name].has_inplace
        else:
            assert default == expected and type(default) is type(expected), key


@each_op
def test_has_inplace_says_what_pytorch_offers(name: str) -> None:
    if OPS[name].merges or name in OF_ARCHC:
        return
    offered = "inplace" in inspect.signature(torch_class(name).__init__).parameters
    assert OPS[name].has_inplace == offered
    assert ("inplace" in OPS[name].model_fields) == offered


@each_op
def test_json_schema(name: str) -> None:
    schema = OPS[name].model_json_schema()
    assert schema["additionalProperties"] is False
    assert set(schema.get("properties", {})) == set(OPS[name].model_fields)
    assert "torch" in (OPS[name].__doc__ or "")


# -------------------------------------------------------------------- memory and views


@each_op
def test_aliases(name: str) -> None:
    shared: list[bool] = []
    for case in CASES[name]:
        shapes = shapes_of(case)
        op = make(name, **case[0])
        part = training(live(op, shapes[0]), False)
        inputs = tensors(shapes)
        outputs = [run(op, part, shapes[0], *inputs)]
        if not op.merges and (other := call(op, shapes[0], inputs[0])) is not None:
            outputs.append(other)
        places = {x.untyped_storage().data_ptr() for x in inputs}
        shared += [y.untyped_storage().data_ptr() in places for y in outputs]
    assert OPS[name].aliases == any(shared)


@each_op
def test_saves(name: str) -> None:
    found: set[str] = set()
    for case in CASES[name]:
        found |= saved(make(name, **case[0]), shapes_of(case))
    known = {"input", "output", "weight"}
    assert found & known == OPS[name].saves & known
    assert ("other" in found) == bool(OPS[name].saves - known)
    assert ("indices" in found) == ("indices" in OPS[name].saves)


def saved(op: Op, shapes: list[Shape]) -> set[str]:
    """What autograd keeps for the op, in the words of `Saved`."""
    part = training(live(op, shapes[0]), True)
    inputs = [t.requires_grad_() for t in tensors(shapes)]
    kept: list[Tensor] = []

    def keep(t: Tensor) -> Tensor:
        kept.append(t)
        return t

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        y = run(op, part, shapes[0], *inputs)
    parameters: list[Tensor] = []
    if isinstance(part, nn.Module):
        parameters = list(part.parameters())
    elif part is not None:
        parameters = [part]
    names = {y.data_ptr(): "output"}
    names |= {p.data_ptr(): "weight" for p in parameters}
    names |= {x.data_ptr(): "input" for x in inputs}
    found = {names.get(t.data_ptr(), "other") for t in kept}
    if any(not t.is_floating_point() for t in kept):
        found.add("indices")
    return found


# ----------------------------------------------------------------------------- symbols

AXES = {"dim", "dims", "start_dim", "end_dim"}


def symbols(attributes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """The attributes with a name in place of each number, and what the names mean."""
    named: dict[str, Any] = {}
    meaning: dict[str, int] = {}

    def name(key: str, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int) or key in AXES:
            return value
        meaning[key] = value
        return Name(key)

    for key, value in attributes.items():
        named[key] = (
            tuple(name(f"{key}_{i}", v) if key not in AXES else v for i, v in parts)
            if (parts := isinstance(value, tuple) and list(enumerate(value)))
            else name(key, value)
        )
    return named, meaning


@each_case
@pytest.mark.parametrize("sizes", ["symbols", "unknown"])
def test_the_rule_on_symbols_is_the_rule_on_numbers(
    name: str, case: Any, sizes: str
) -> None:
    shapes = shapes_of(case)
    named, meaning = symbols(case[0])
    inputs: list[Shape] = []
    for i, x in enumerate(shapes):
        dims: list[Any] = []
        for axis, size in enumerate(x.dims):
            if size == 1:  # where a gate is spread is never a matter of a symbol
                dims.append(1)
            elif axis != x.channel_axis and sizes == "unknown":
                dims.append(UNKNOWN)
            else:
                # merges join sizes that are one number, so one name
                shared = axis != x.channel_axis or name != "concat"
                key = f"d{axis}" if shared else f"d{axis}_{i}"
                meaning[key] = size
                dims.append(Name(key))
        inputs.append(Shape(tuple(dims), x.channel_axis))
    op = OPS[name].model_construct(**named)
    y = op.infer(*inputs)
    numbers = make(name, **case[0]).infer(*shapes)
    assert y.channel_axis == numbers.channel_axis
    assert len(y.dims) == len(numbers.dims)
    for symbolic, number in zip(y.dims, numbers.dims, strict=True):
        if symbolic is not UNKNOWN:
            value = (
                evaluate(symbolic, meaning) if isinstance(symbolic, Expr) else symbolic
            )
            assert value == number
    if len(y.dims) == len(shapes[0].dims):
        assert y.channels is not UNKNOWN
    if not op.merges:  # the code must be there for symbols too
        op.module(inputs[0])
        op.function(inputs[0], "x")


@pytest.mark.parametrize(
    ("name", "attributes", "x", "axis"),
    [
        ("permute", {"dims": (0, 2, 3, 1)}, Shape(MAP), 2),
        ("permute", {"dims": (0, 3, 1, 2)}, LAST, 0),
        ("flatten", {}, LAST, 0),
        ("flatten", {"end_dim": 2}, LAST, 1),
        ("flatten", {"start_dim": 2}, Shape(MAP), 0),
        ("flatten", {"start_dim": 2}, LAST, 1),
        ("linear", {"out_features": 3}, LAST, 2),
        ("add", {}, LAST, 2),
    ],
)
def test_where_the_channels_are(
    name: str, attributes: dict[str, Any], x: Shape, axis: int
) -> None:
    assert make(name, **attributes).infer(x).channel_axis == axis


def test_a_product_of_symbols_keeps_its_order() -> None:
    dims = (Name("c"), Name("h"), Name("w"))
    (joined,) = make("flatten").infer(Shape(dims)).dims
    assert evaluate(joined, {"c": 512, "h": 7, "w": 7}) == 25088
    assert joined == dims[0] * dims[1] * dims[2]


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("flatten", {"start_dim": Name("n")}),
        ("permute", {"dims": (0, Name("n"), 2, 3)}),
    ],
)
def test_axes_cannot_be_symbols(name: str, attributes: dict[str, Any]) -> None:
    with pytest.raises(Undecidable):
        OPS[name].model_construct(**attributes).infer(Shape(MAP))


# ----------------------------------------------------------------------------- refusals

REFUSED: list[tuple[str, dict[str, Any], Any, str]] = [
    ("conv2d", {"out_channels": 4, "kernel_size": 9}, MAP, "window-too-large"),
    ("conv2d", {"out_channels": 4, "kernel_size": 3}, (8,), "wrong-rank"),
    (
        "conv2d",
        {"out_channels": 4, "kernel_size": 1, "groups": 3},
        MAP,
        "not-divisible",
    ),
    ("linear", {"out_features": 4}, MAP, "needs-flatten"),
    ("max_pool2d", {"kernel_size": 3, "padding": 2}, MAP, "bad-padding"),
    ("batch_norm2d", {}, (8,), "wrong-rank"),
    ("batch_norm1d", {}, MAP, "wrong-rank"),
    ("group_norm", {"num_groups": 3}, MAP, "not-divisible"),
    ("layer_norm", {"normalized_shape": 7}, LAST, "shape-mismatch"),
    ("layer_norm", {"normalized_shape": (8, 8)}, (8,), "shape-mismatch"),
    ("softmax", {"dim": 2}, (8,), "bad-axis"),
    ("softmax", {"dim": 0}, (8,), "bad-axis"),
    ("flatten", {"start_dim": 0}, MAP, "bad-axis"),
    ("flatten", {"start_dim": 3, "end_dim": 2}, MAP, "bad-axis"),
    ("permute", {"dims": (0, 2, 3)}, MAP, "bad-axis"),
    ("permute", {"dims": (1, 0, 2, 3)}, MAP, "bad-axis"),
    ("permute", {"dims": (0, 1, 1, 2)}, MAP, "bad-axis"),
    ("channel_shuffle", {"groups": 3}, MAP, "not-divisible"),
    ("channel_slice", {"start": 4, "stop": 4}, MAP, "bad-slice"),
    ("channel_slice", {"stop": 9}, MAP, "bad-slice"),
    ("zero_pad2d", {"padding": -3}, MAP, "bad-padding"),
    ("upsample", {"scale_factor": 0.1}, MAP, "window-too-large"),
    ("add", {}, [MAP, (4, 6, 5)], "merge-mismatch"),
    ("add", {}, [MAP, (8, 1, 1)], "merge-mismatch"),
    ("add", {}, [MAP, (8,)], "merge-mismatch"),
    ("add", {}, [MAP, Shape(MAP, 2)], "merge-mismatch"),
    ("mul", {}, [MAP, (4, 1, 1)], "merge-mismatch"),
    ("mul", {}, [MAP, (8, 6, 1)], "merge-mismatch"),
    ("mul", {}, [(8, 1, 1), (1, 6, 5)], "merge-mismatch"),
    ("concat", {}, [MAP, (8, 6, 4)], "merge-mismatch"),
]


@pytest.mark.parametrize(("name", "attributes", "read", "code"), REFUSED)
def test_refusals(name: str, attributes: Any, read: Any, code: str) -> None:
    shapes = shapes_of((attributes, read))
    with pytest.raises(ShapeError) as error:
        make(name, **attributes).infer(*shapes)
    assert error.value.code == code
    assert error.value.help
    if code == "merge-mismatch":
        assert all(str(x) in error.value.message for x in shapes)


@pytest.mark.parametrize(
    ("name", "attributes", "location"),
    [
        ("conv2d", {"out_channels": 0, "kernel_size": 1}, ("out_channels",)),
        ("conv2d", {"out_channels": 1, "kernel_size": True}, ("kernel_size",)),
        ("conv2d", {"out_channels": 1, "kernel_size": (1, 2, 3)}, ("kernel_size",)),
        (
            "conv2d",
            {"out_channels": 1, "kernel_size": 1, "padding": "sam"},
            ("padding",),
        ),
        ("max_pool2d", {"kernel_size": 2, "stride": 0}, ("stride",)),
        ("max_pool2d", {"kernel_size": 2, "stirde": 1}, ("stirde",)),
        ("dropout", {"p": 1.5}, ("p",)),
        ("dropout", {"p": float("nan")}, ("p",)),
        ("softmax", {"dim": 1.0}, ("dim",)),
        ("stochastic_depth", {"p": 0.5, "mode": "column"}, ("mode",)),
        ("zero_pad2d", {"padding": (1, 2)}, ("padding",)),
        ("zero_pad2d", {"padding": True}, ("padding",)),
        ("permute", {"dims": 3}, ("dims",)),
        ("permute", {"dims": ("c", "h")}, ("dims",)),
        ("layer_norm", {"normalized_shape": ()}, ("normalized_shape",)),
        ("upsample", {"scale_factor": float("inf")}, ("scale_factor",)),
        ("upsample", {"scale_factor": (1, 2, 3)}, ("scale_factor",)),
        ("upsample", {"scale_factor": "2"}, ("scale_factor",)),
        ("upsample", {}, ()),
        ("upsample", {"size": 4, "scale_factor": 2}, ()),
        ("upsample", {"size": 4, "align_corners": True}, ()),
    ],
)
def test_bad_attributes_are_named(
    name: str, attributes: Any, location: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError) as error:
        make(name, **attributes)
    assert [e["loc"] for e in error.value.errors()] == [location]


def test_helping_with_huge_numbers_takes_no_time() -> None:
    with pytest.raises(ShapeError, match="leaves"):
        make("group_norm", num_groups=7).infer(Shape((10**15, 2, 2)))


# -------------------------------------------------------------------------- the helpers


@pytest.mark.parametrize("mode", ["row", "batch"])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_stochastic_depth_is_torchvision_s(mode: str, p: float) -> None:
    ours = module(make("stochastic_depth", p=p, mode=mode), Shape(MAP))
    theirs = torchvision.ops.StochasticDepth(p, mode)
    x = torch.randn(16, *MAP)
    torch.manual_seed(1)
    expected = theirs(x)
    torch.manual_seed(1)
    assert torch.equal(ours(x), expected)
    assert ours.eval()(x) is x

"""Attributes and defaults of ops, what they refuse, where the channels are.

What holds for all ops alike is in `test_contract.py`."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
import torchvision
from pydantic import ValidationError
from pydantic_core import PydanticUndefined
from torch import nn

from archc.ops.registry import OPS
from archc.ops.sizes import Shape, ShapeError
from archc.spec.expressions import Name, Undecidable, evaluate

from .cases import CASES, FORMULAS, GROUPS, LAST, MAP, SEQUENCE, WITHOUT, shapes_of
from .live import make, module, run

# ------------------------------------------------------------- attributes and defaults

INFERRED = {"in_channels", "in_features", "num_features", "num_channels"}
LEFT_OUT = {"self", "device", "dtype", "return_indices"}
# What one op lacks or has otherwise than PyTorch, and why.
OTHERWISE: dict[str, dict[str, Any]] = {
    "conv_transpose1d": {"padding_mode": "PyTorch takes no value but its default"},
    "conv_transpose2d": {"padding_mode": "PyTorch takes no value but its default"},
    "conv_transpose3d": {"padding_mode": "PyTorch takes no value but its default"},
    "upsample": {"recompute_scale_factor": "a matter of exporting to other formats"},
    "hardtanh": dict.fromkeys(("min_value", "max_value"), "deprecated"),
    "batch_norm2d": {"bias": "not in every PyTorch from 2.4 on"},
    "batch_norm1d": {"bias": "not in every PyTorch from 2.4 on"},
    "batch_norm3d": {"bias": "not in every PyTorch from 2.4 on"},
    "instance_norm1d": {"bias": "not in every PyTorch from 2.4 on"},
    "instance_norm2d": {"bias": "not in every PyTorch from 2.4 on"},
    "instance_norm3d": {"bias": "not in every PyTorch from 2.4 on"},
    "group_norm": {"bias": "not in every PyTorch from 2.4 on"},
}
DEFAULTS: dict[tuple[str, str], Any] = {
    ("softmax", "dim"): 1,  # PyTorch's None is deprecated
    ("log_softmax", "dim"): 1,
    ("layer_norm", "normalized_shape"): None,  # inferred, if not given
    ("rms_norm", "normalized_shape"): None,
    ("linear", "in_features"): None,
    ("stochastic_depth", "mode"): "row",  # what all of torchvision's networks use
}
OWN = {("upsample", "size_of")}  # a node's name, which is no argument
ELSEWHERE: dict[str, type[nn.Module]] = {
    "stochastic_depth": torchvision.ops.StochasticDepth,
    "permute": torchvision.ops.Permute,
}


def torch_class(name: str) -> type[nn.Module] | None:
    """The class that an op was made after; None if there is none."""
    prefix, _, written = (OPS[name].module_class or "").partition("nn.")
    return ELSEWHERE.get(name) or (
        getattr(nn, written) if not prefix and written else None
    )


of_pytorch = pytest.mark.parametrize("name", [n for n in OPS if torch_class(n)])


@pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, id=f"{name}-{i}")
        for name, op in OPS.items()
        if not torch_class(name) and not op.merges
        for i, case in enumerate(CASES[name])
    ],
)
def test_other_ops_compute_their_formula(name: str, case: Any) -> None:
    (x,) = shapes_of(case)
    op = make(name, **case[0])
    part = module(op, x)
    own = {"": part} if op.bare_parameter else dict(part.named_parameters())
    torch.manual_seed(0)
    for tensor in own.values():
        nn.init.normal_(tensor)
    value = torch.randn(4, *x.dims)
    expected = FORMULAS[name](value, (x.channel_axis or 0) + 1, own, op)
    # sums may be taken in another order
    found = run(op, part, x, value)
    torch.testing.assert_close(found, expected, equal_nan=True)


@of_pytorch
def test_attributes_are_those_of_pytorch(name: str) -> None:
    signature = inspect.signature(torch_class(name)).parameters
    theirs = {
        key: PydanticUndefined if p.default is p.empty else p.default
        for key, p in signature.items()
        if key not in LEFT_OUT | OTHERWISE.get(name, {}).keys()
        and (key not in INFERRED or key in OPS[name].model_fields)
        and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
    fields = OPS[name].model_fields
    ours = {k: f.default for k, f in fields.items() if (name, k) not in OWN}
    assert list(ours) == list(theirs)
    for key, default in ours.items():
        expected = DEFAULTS.get((name, key), theirs[key])
        if key == "inplace":
            assert not default and OPS[name].has_inplace
        else:
            assert default == expected and type(default) is type(expected), key


@of_pytorch
def test_has_inplace_says_what_pytorch_offers(name: str) -> None:
    offered = "inplace" in inspect.signature(torch_class(name)).parameters
    assert OPS[name].has_inplace == offered
    assert ("inplace" in OPS[name].model_fields) == offered


@pytest.mark.parametrize(
    ("name", "attributes", "x", "axis"),
    [
        ("permute", {"dims": (0, 2, 3, 1)}, Shape(MAP), 2),
        ("permute", {"dims": (0, 3, 1, 2)}, LAST, 0),
        ("transpose", {"dim0": 1, "dim1": 3}, Shape(MAP), 2),
        ("sum", {"dim": 1}, Shape(MAP), None),
        ("sum", {"dim": 1}, GROUPS, 0),
        ("sum", {"dim": 1}, Shape(SEQUENCE), 0),
        ("linear", {"out_features": 3, "in_features": 9}, Shape(SEQUENCE), 0),
        ("linear", {"out_features": 3}, WITHOUT, None),
        ("unflatten", {"dim": 1, "unflattened_size": (2, -1)}, Shape(MAP), 1),
        ("unflatten", {"dim": 1, "unflattened_size": (-1, 1, 1)}, Shape((8,)), 0),
        ("unflatten", {"dim": 1, "unflattened_size": (2, 3)}, LAST, 3),
        ("reshape", {"sizes": (8, -1)}, Shape(MAP), 0),
        ("reshape", {"sizes": (2, 4, 30)}, Shape(MAP), 1),
        ("reshape", {"sizes": (30, 8)}, LAST, 1),
        ("reshape", {"sizes": (10, -1)}, Shape(MAP), None),
        ("reshape", {"sizes": (8, 5)}, GROUPS, 0),
        ("reshape", {"sizes": (1, -1)}, Shape((8,)), 1),
        ("reshape", {"sizes": (1, -1), "channel_dim": 1}, Shape((8,)), 0),
        ("reshape", {"sizes": (-1,)}, WITHOUT, 0),
        ("reshape", {"sizes": (-1, 1, 1)}, Shape((1, 8)), None),
        ("reshape", {"sizes": (1, 2, 4)}, Shape((1, 8)), 0),
        ("add", {}, WITHOUT, None),
        ("flatten", {}, LAST, 0),
        ("flatten", {"end_dim": 2}, LAST, 1),
        ("flatten", {"start_dim": 2}, Shape(MAP), 0),
        ("flatten", {"start_dim": 2}, LAST, 1),
        ("linear", {"out_features": 3}, LAST, 2),
        ("mean", {"dim": (2, 3)}, Shape(MAP), 0),
        ("mean", {"dim": (1, 2)}, LAST, 0),
        ("sum", {"dim": 1}, LAST, 1),
        ("amax", {"dim": 1, "keepdim": True}, LAST, 2),
        ("add", {}, LAST, 2),
    ],
)
def test_where_the_channels_are(
    name: str, attributes: dict[str, Any], x: Shape, axis: int | None
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
    ("prelu", {"num_parameters": 7}, MAP, "shape-mismatch"),
    ("prelu", {"num_parameters": 8}, LAST, "channels-not-first"),
    ("instance_norm2d", {}, (8, 1, 1), "shape-mismatch"),
    ("instance_norm2d", {}, LAST, "channels-not-first"),
    ("layer_norm2d", {}, LAST, "channels-not-first"),
    ("rms_norm", {"normalized_shape": 7}, LAST, "shape-mismatch"),
    ("mean", {"dim": (2, 3)}, (8,), "bad-axis"),
    ("mean", {"dim": 0}, MAP, "bad-axis"),
    ("linear", {"out_features": 4, "in_features": 6}, MAP, "shape-mismatch"),
    ("linear", {"out_features": 4, "in_features": 6}, (8,), "shape-mismatch"),
    ("transpose", {"dim0": 0, "dim1": 1}, MAP, "bad-axis"),
    ("transpose", {"dim0": 1, "dim1": 4}, MAP, "bad-axis"),
    ("unflatten", {"dim": 4, "unflattened_size": (2, -1)}, MAP, "bad-axis"),
    ("unflatten", {"dim": 1, "unflattened_size": (3, -1)}, MAP, "not-divisible"),
    ("unflatten", {"dim": 1, "unflattened_size": (2, 2)}, MAP, "not-divisible"),
    ("reshape", {"sizes": (7, -1)}, MAP, "shape-mismatch"),
    ("reshape", {"sizes": (7, 8)}, MAP, "shape-mismatch"),
    ("reshape", {"sizes": (8, -1), "channel_dim": 3}, MAP, "bad-axis"),
    ("reshape", {"sizes": (8, -1), "channel_dim": 0}, MAP, "bad-axis"),
    ("conv1d", {"out_channels": 4, "kernel_size": 1}, WITHOUT, "no-channels"),
    ("channel_slice", {"stop": 1}, WITHOUT, "no-channels"),
    ("channel_pad", {"padding": 1}, WITHOUT, "no-channels"),
    ("layer_scale", {}, WITHOUT, "no-channels"),
    ("normalize", {}, WITHOUT, "no-channels"),
    ("group_norm", {"num_groups": 2}, WITHOUT, "no-channels"),
    ("concat", {}, [WITHOUT, WITHOUT], "no-channels"),
    ("sum", {"dim": (1, 2, 3)}, MAP, "bad-axis"),
    ("amax", {"dim": (2, -2)}, MAP, "bad-axis"),
    ("normalize", {"dim": 4}, MAP, "bad-axis"),
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
    ("reflection_pad2d", {"padding": 5}, MAP, "bad-padding"),
    ("replication_pad2d", {"padding": -3}, MAP, "bad-padding"),
    ("chunk", {"chunks": 3}, MAP, "not-divisible"),
    ("chunk", {"chunks": 2, "dim": 4}, MAP, "bad-axis"),
    ("pad", {"pad": (-3, -3)}, MAP, "bad-padding"),
    ("pad", {"pad": (0, 0, 6, 0), "mode": "reflect"}, MAP, "bad-padding"),
    ("pad", {"pad": (6, 0, 0, 0), "mode": "circular"}, MAP, "bad-padding"),
    ("pad", {"pad": (5, -1, 0, 0), "mode": "circular"}, MAP, "bad-padding"),
    ("pad", {"pad": (1, 1, 1, 1)}, (8,), "wrong-rank"),
    ("pad", {"pad": (1, 1), "mode": "reflect"}, MAP, "wrong-rank"),
    ("pad", {"pad": (1, 1), "mode": "circular"}, (8,), "wrong-rank"),
    ("roll", {"shifts": 1, "dims": 0}, MAP, "bad-axis"),
    ("roll", {"shifts": (1, 1), "dims": (2, -2)}, MAP, "bad-axis"),
    ("roll", {"shifts": 1, "dims": (2, 3)}, MAP, "bad-axis"),
    ("expand", {"sizes": (8, 6)}, MAP, "wrong-rank"),
    ("expand", {"sizes": (8, 12, 5)}, MAP, "shape-mismatch"),
    ("blur_pool2d", {"kernel_size": 5}, (8, 2, 9), "bad-padding"),
    ("lp_pool2d", {"norm_type": 2.0, "kernel_size": 7}, MAP, "window-too-large"),
    ("pixel_unshuffle", {"downscale_factor": 2}, MAP, "not-divisible"),
    ("upsample", {"scale_factor": 0.1}, MAP, "window-too-large"),
    ("add", {}, [MAP, (4, 6, 5)], "merge-mismatch"),
    ("add", {}, [MAP, (8, 2, 1)], "merge-mismatch"),
    ("add", {}, [MAP, (8,)], "merge-mismatch"),
    ("add", {}, [MAP, Shape(MAP, 2)], "merge-mismatch"),
    ("mul", {}, [MAP, (4, 1, 1)], "merge-mismatch"),
    ("mul", {}, [MAP, (8, 6, 2)], "merge-mismatch"),
    ("sub", {}, [MAP, (4, 6, 5)], "merge-mismatch"),
    ("div", {}, [(8, 2, 1), (1, 6, 5)], "merge-mismatch"),
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
        ("hardtanh", {"min_val": 1.0}, ()),
        ("mean", {}, ("dim",)),
        ("mean", {"dim": ()}, ("dim",)),
        ("sum", {"dim": True}, ("dim",)),
        ("constant_pad2d", {"padding": 1}, ("value",)),
        ("lp_pool2d", {"norm_type": 0.0, "kernel_size": 2}, ("norm_type",)),
        ("clamp", {}, ()),
        ("clamp", {"min": 1.0, "max": 0.0}, ()),
        ("scale", {}, ("factor",)),
        ("shift", {}, ("offset",)),
        ("pow", {"exponent": float("nan")}, ("exponent",)),
        ("normalize", {"p": 0.0}, ("p",)),
        ("softplus", {"beta": 0.0}, ("beta",)),
        ("softmax", {"dim": 1.0}, ("dim",)),
        ("stochastic_depth", {"p": 0.5, "mode": "column"}, ("mode",)),
        ("zero_pad2d", {"padding": (1, 2)}, ("padding",)),
        ("zero_pad2d", {"padding": True}, ("padding",)),
        ("chunk", {"chunks": 1}, ("chunks",)),
        ("pad", {"pad": (1, 1, 1)}, ("pad",)),
        ("pad", {"pad": 1}, ("pad",)),
        ("pad", {"pad": (1, 1), "mode": "reflect", "value": 1.0}, ()),
        ("roll", {"shifts": 1}, ("dims",)),
        ("expand", {"sizes": (0, 1)}, ("sizes",)),
        ("adaptive_avg_pool1d", {"output_size": (None,)}, ("output_size",)),
        ("adaptive_avg_pool2d", {"output_size": None}, ("output_size",)),
        ("permute", {"dims": 3}, ("dims",)),
        ("permute", {"dims": ("c", "h")}, ("dims",)),
        ("layer_norm", {"normalized_shape": ()}, ("normalized_shape",)),
        ("upsample", {"scale_factor": float("inf")}, ("scale_factor",)),
        ("upsample", {"scale_factor": (1, 2, 3, 4)}, ("scale_factor",)),
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


@pytest.mark.parametrize("name", ["conv2d", "max_pool2d", "batch_norm3d", "upsample"])
def test_a_vector_that_no_flatten_made_is_helped_too(name: str) -> None:
    attributes: dict[str, Any] = {"out_channels": 4, "kernel_size": 3}
    with pytest.raises(ShapeError, match="needs") as error:
        OPS[name].model_construct(**attributes).infer(Shape((8,)))
    assert "input is one, give it more sizes: " in (error.value.help or "")


def test_helping_with_huge_numbers_takes_no_time() -> None:
    with pytest.raises(ShapeError, match="leaves"):
        make("group_norm", num_groups=7).infer(Shape((10**15, 2, 2)))


@pytest.mark.parametrize("name", ["sub", "div"])
def test_a_difference_is_of_two(name: str) -> None:
    with pytest.raises(ShapeError, match="takes two values, not 3"):
        make(name).infer(*[Shape(MAP)] * 3)


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

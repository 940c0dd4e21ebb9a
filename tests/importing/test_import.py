"""Networks become specs that are the same networks, or are refused with a reason."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torchvision")

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import models  # pyright: ignore[reportMissingTypeStubs]

import archc
from archc.importing.calls import graph_of
from archc.importing.expressions import Names
from archc.importing.fitting import fitted
from archc.importing.pieces import Occurrence, Unread
from archc.importing.text import text_of
from archc.importing.trace import from_json, to_json
from archc.importing.wiring import wiring
from archc.run.importing.session import Result, import_network
from archc.run.importing.tracer import trace
from tests.importing import modules


def _imported(module: nn.Module, **inputs: tuple[int, ...]) -> Result:
    return import_network(module, "net", inputs or {"x": (3, 8, 8)})


def _spec(result: Result) -> dict[str, Any]:
    assert result.passed, (result.refused, result.proof)
    assert result.proof.outputs == "equal"
    assert result.proof.training in ("equal", "not run")
    return tomllib.loads(result.text)


@pytest.mark.parametrize(
    "make",
    [modules.ResidualNet, lambda: modules.Gate(16), modules.Shared, modules.InPlace,
     modules.Whole, modules.Pyramid, modules.Auxiliary, modules.Hooked],
)  # fmt: skip
def test_is_the_same_network(make: Callable[[], nn.Module]) -> None:
    _spec(_imported(make()))


def test_instances_of_a_class_are_one_block() -> None:
    spec = _spec(_imported(modules.ResidualNet()))
    (block,) = spec["blocks"].values()
    assert len(block["params"]) + len(block.get("defaults", {})) == 2
    (skip, relu) = block["layers"]
    assert skip["skip"] == "add"
    assert len(skip["layers"]) == 5
    assert skip["shortcut"]["name"] == "project"
    assert "in_channels" in skip["shortcut"]["when"] or "stride" in str(skip)
    assert relu == {"op": "relu"}
    # nine units in a few lines
    assert str(spec["network"]).count("'block'") <= 3


def test_a_gate_is_a_skip_that_multiplies() -> None:
    layers = _spec(_imported(modules.Gate(16)))["network"]["layers"]
    assert [node["name"] for node in layers if "name" in node] == ["conv"]
    assert layers[1]["skip"] == "mul"


def test_a_sum_of_several_is_one_node() -> None:
    class Fused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = (nn.Conv2d(3, 8, 1) for _ in range(3))
            self.d = nn.Conv2d(8, 8, 1)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            a, b = self.a(x), self.b(x)
            return a + b + self.c(x), self.d(b)

    spec = _spec(_imported(Fused()))
    added = [node for node in spec["network"]["layers"] if node.get("op") == "add"]
    assert [node["from"] for node in added] == [["a", "b", "prev"]]


def test_sequences_with_and_without_an_activation_are_one_block() -> None:
    spec = _spec(_imported(modules.Fused(), x=(4, 8, 8)))
    (block,) = spec["blocks"].values()
    assert block["layers"][-1] == {"when": "with_relu", "op": "relu"}
    text = str(spec["network"])
    assert all(f"'i {test}'" in text for test in ("== 0", "< 2", "< 3"))


def test_the_last_turn_may_be_another() -> None:
    places = [Occurrence(n, (turn,), 1) for n in range(2) for turn in range(3)]
    assert str(fitted([4, 4, 7] * 2, places, Names({}))) == "4 if i < 2 else 7"
    assert str(fitted([False, False, True] * 2, places, Names({}))) == "i == 2"
    # of repetitions of unlike length none is the last
    assert fitted([4, 4, 7, 4, 7], places[:5], Names({})) is None


def test_widths_in_branches_are_called_by_them() -> None:
    net = nn.Sequential(
        modules.Inception(3, 4, 6), modules.Inception(10, 5, 9), nn.Conv2d(14, 2, 1)
    )
    spec = _spec(_imported(net))
    (block,) = spec["blocks"].values()
    assert block["params"][0] == "small_channels"


def test_uses_of_a_block_stand_in_columns() -> None:
    rows = [
        '{ name = "a", block = "unit", repeat = 3, width = 64 },',
        '{ name = "b", block = "unit", width = 128, stride = 2 },',
    ]
    layers = [tomllib.loads(f"row = {row[:-1]}")["row"] for row in rows]
    text = text_of({"network": {"layers": layers}})
    assert tomllib.loads(text)["network"]["layers"] == layers
    assert text.splitlines()[-3:-1] == [
        '  { name = "a", block = "unit", repeat = 3, width = 64 },',
        '  { name = "b", block = "unit",             width = 128, stride = 2 },',
    ]


def test_sequences_that_are_called_one_by_one_are_sequences() -> None:
    def sequence(width: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, width, 1), nn.BatchNorm2d(width), nn.ReLU())

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = sequence(4), sequence(5), sequence(6)
            self.stages = nn.ModuleList([sequence(7)])

        def forward(self, x: Tensor) -> Tensor:
            parts = [self.a(x), self.b(x), self.c(x), self.stages[0].forward(x)]
            return torch.cat(parts, 1)

    spec = _spec(_imported(Net()))
    (merge,) = spec["network"]["layers"]
    assert merge["branches"][3]["name"] == "stages.0"
    assert {branch["block"] for branch in merge["branches"]} == {"conv_bn_relu"}


def test_a_skip_that_some_lack_holds_all_of_it() -> None:
    class Unit(nn.Module):
        def __init__(self, width: int, out: int, pad: bool) -> None:
            super().__init__()
            self.expand = nn.Conv2d(width, width * 2, 1)
            self.pad = nn.ZeroPad2d((0, 1, 0, 1)) if pad else nn.Identity()
            padding = 0 if pad else 1
            self.filter = nn.Conv2d(width * 2, width * 2, 3, padding=padding)
            self.project = nn.Conv2d(width * 2, out, 1)
            self.skip = width == out

        def forward(self, x: Tensor) -> Tensor:
            y = self.filter(self.pad(self.expand(x).relu())).relu()
            y = self.project(y)
            return x + y if self.skip else y

    spec = _spec(_imported(nn.Sequential(
        nn.Conv2d(3, 4, 1), Unit(4, 4, False), Unit(4, 6, True), Unit(6, 6, False),
        Unit(6, 8, True), Unit(8, 8, False),
    )))  # fmt: skip
    (skip,) = spec["blocks"]["unit"]["layers"]
    names = [node.get("name") for node in skip["layers"]]
    assert [n for n in names if n] == ["expand", "filter", "project"]


def test_a_skip_with_a_shortcut_that_some_lack_is_one_block() -> None:
    stages = [(3, 4, 2), (4, 4, 1), (4, 4, 1), (4, 8, 2), (8, 8, 1)]
    net = nn.Sequential(*(modules.Reparameterised(*stage) for stage in stages))
    (block,) = _spec(_imported(net, x=(3, 16, 16)))["blocks"].values()
    skip, _ = block["layers"]
    assert skip["skip_when"] == "stride == 1"
    # where there is no skip, nothing is said of its shortcut
    assert skip["shortcut"] == {"name": "identity", "op": "batch_norm2d"}


def test_sizes_of_maps_are_held_at_their_size() -> None:
    class Growing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 1, 3, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return x * nn.functional.interpolate(self.conv(x), x.shape[2:])

    result = _imported(Growing(), x=(3, 96, 96))
    assert result.passed
    assert result.proof.training in ("equal", "close")
    (skip,) = _spec(result)["network"]["layers"]
    assert skip["layers"][1] == {"op": "upsample", "size_of": "input"}


def test_what_is_as_large_as_a_map_says_so() -> None:
    class Pyramid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.low, self.high = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 2, 1)
            self.side = nn.Conv2d(4, 4, 1)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            low = self.low(x)
            high = self.high(low)
            up = nn.functional.interpolate(high, size=low.shape[-2:])
            fixed = nn.functional.interpolate(high, size=(16, 16))
            return self.side(low) + up, fixed

    result = _imported(Pyramid(), x=(3, 32, 32))
    text = result.text
    assert text.count('op = "upsample", size_of = "low"') == 1, text
    assert text.count('op = "upsample", size = 16') == 1


def test_what_few_instances_lack_is_no_repetition() -> None:
    spec = _spec(_imported(models.mobilenet_v3_small(), x=(3, 224, 224)))
    (skip,) = spec["blocks"]["inverted_residual"]["layers"]
    assert skip["skip_when"] == "stride == 1 and in_channels == out_channels"
    uses = [node["block"] for node in skip["layers"]]
    assert uses == ["conv2d_norm_activation"] * 2 + ["squeeze_excitation"] + uses[:1]
    rows = spec["network"]["layers"][0]["layers"]
    # nothing is said that nothing reads
    said = ["squeeze_excitation_width" in row for row in rows[1:4]]
    assert said == [True, False, False]


def test_drop_rates_are_one_formula() -> None:
    spec = _spec(_imported(models.convnext_tiny(), x=(3, 64, 64)))
    rows = spec["network"]["layers"][0]["layers"]
    rates = [row["p"] for row in rows if row.get("block") == "cn_block"]
    # the first rate of all is 0
    assert rates[:2] == ["0.1 * i / 17", "0.1 * (i + 3) / 17"]
    assert spec["blocks"]["cn_block"]["params"] == ["p"]


def test_one_node_stands_in_the_line_of_its_list() -> None:
    text = _imported(
        nn.Sequential(nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1))))
    ).text
    assert tomllib.loads(text)
    assert len([line for line in text.splitlines() if "layers" in line]) <= 2


def test_a_module_that_is_applied_again_is_shared() -> None:
    text = _imported(modules.Shared()).text
    assert text.count('name = "again"') == 1
    assert text.count('share = "again"') == 2


def test_outputs_have_their_names() -> None:
    spec = _spec(_imported(modules.Pyramid()))
    assert list(spec["network"]["outputs"]) == ["fine", "coarse"]
    both = _imported(modules.Two(), image=(3, 8, 8), depth=(1, 8, 8))
    spec = _spec(both)
    assert spec["network"]["inputs"] == {"image": [3, 8, 8], "depth": [1, 8, 8]}
    assert list(spec["network"]["outputs"]) == ["both", "depth"]


def test_outputs_are_called_what_a_field_may_be() -> None:
    def levels(net: modules.Calling, x: Tensor) -> dict[str, Tensor]:
        x = net.conv(x)
        return {"0": x, "class": x.relu(), "count": x.tanh(), "a-b": x * 2, "a_b": -x}

    spec = _spec(_imported(modules.Calling(levels)))
    names = ["output0", "class_", "count_", "a_b", "a_b_"]
    assert list(spec["network"]["outputs"]) == names


def test_a_class_is_not_called_as_what_the_module_imports() -> None:
    class Mapping(nn.Sequential):
        pass

    spec = _spec(_imported(Mapping(nn.Conv2d(3, 8, 1))))
    assert spec["class_name"] == "Mapping_"


def test_what_only_training_has_is_a_head() -> None:
    spec = _spec(_imported(modules.Auxiliary()))
    (head,) = spec["heads"]
    assert (head["name"], head["from"]) == ("aux", "c1")


def test_heads_may_be_ops() -> None:
    class Supervised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(3, 3, 3) for _ in range(3))
            self.first, self.second = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 1)
            self.fc = nn.Conv2d(3, 2, 1)

        def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
            x = first = self.convs[0](x)
            x = second = self.convs[1](x)
            x = self.fc(self.convs[2](x))
            return (x, self.first(first), self.second(second)) if self.training else x

    heads = _spec(_imported(Supervised()))["heads"]
    assert [head["name"] for head in heads] == ["first", "second"]
    assert {head["op"] for head in heads} == {"conv2d"}


def _turned(net: modules.Calling, x: Tensor) -> Tensor:
    return net.conv(x) + torch.eye(8)


def _doubled(net: modules.Calling, x: Tensor) -> Tensor:
    return F.conv2d(x, net.conv.weight * 2.0, net.conv.bias)


def _centred(net: modules.Calling, x: Tensor) -> Tensor:
    return net.conv(x) - net.conv.bias.view(1, -1, 1, 1)


def _raised(net: modules.Calling, x: Tensor) -> Tensor:
    return net.conv(x).exp().pow(net.conv.bias.view(8, 1, 1))


def _judged(net: modules.Calling, x: Tensor) -> Tensor:
    return net.conv(x).sum((1, 2), keepdim=True)[..., :1].view(x.size(0))


@pytest.mark.parametrize(
    ("make", "reasons"),
    [
        (modules.Branching, ["(bool)", "(item)"]),
        (modules.Looping, ["some samples of a batch"]),
        (modules.View, ["overwrote a part"]),
        (modules.Constant, ["no parameter, no buffer"]),
        (lambda: modules.Calling(_turned), ["`torch.eye`"]),
        (lambda: modules.Calling(_doubled), ["it computes with `conv.weight` alone"]),
        (lambda: modules.Calling(_centred), ["subtracts `conv.bias`"]),
        (lambda: modules.Calling(_judged), ["without any axis"]),
        (lambda: modules.Calling(_raised), ["`exponent` of `torch.Tensor.pow` is"]),
        (modules.Attention, ["attention"]),
        (modules.Tied, ["one.weight"]),
        (modules.Unused, ["left.weight"]),
        (modules.Mixing, ["dim = 0"]),
        (modules.Masked, ["chooses by the numbers", "__setitem__"]),
        (modules.Alternative, ["in training"]),
    ],
)
def test_what_no_spec_says_is_refused(
    make: Callable[[], nn.Module], reasons: list[str]
) -> None:
    result = _imported(make())
    assert not result.passed
    assert not result.text
    said = [refusal.reason for refusal in result.refused]
    assert len(said) == len(reasons), said
    for reason, wanted in zip(said, reasons, strict=True):
        assert wanted in reason


@pytest.mark.parametrize("make", [modules.Louder, modules.Remembering])
def test_what_learns_otherwise_is_never_written(make: Callable[[], nn.Module]) -> None:
    result = _imported(make())
    assert result.proof.outputs == "equal"
    assert result.proof.training == "differ"
    assert not result.passed
    (refusal,) = result.refused
    assert refusal.mend
    assert refusal.line
    with pytest.raises(archc.ImportRefused, match="training"):
        archc.import_module(make(), (3, 8, 8))


@pytest.mark.parametrize(
    ("make", "mend"),
    [(modules.Branching, "a module of its own"),
     (lambda: nn.Sequential(modules.Branching()), "--opaque"),
     (lambda: modules.Branching().double(), ".float()"),
     (lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(5, 5)), "--input"),
     (modules.Counting, "depend on its inputs alone")],
)  # fmt: skip
def test_a_refusal_says_what_to_do(make: Callable[[], nn.Module], mend: str) -> None:
    result = _imported(make())
    assert not result.passed
    assert all(mend in refusal.mend for refusal in result.refused)
    said = result.to_dict()["refused"]
    assert [r["mend"] for r in said] == [r.mend for r in result.refused]


def test_heads_that_are_none_are_all_that_is_said() -> None:
    class Unused(nn.Module):
        """It has tensors without use, and draws in training."""

        def __init__(self) -> None:
            super().__init__()
            self.conv, self.spare = nn.Conv2d(3, 8, 1), nn.Conv2d(3, 8, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return x * torch.rand(len(x), 1, 1, 1).floor() if self.training else x

    (refusal,) = _imported(Unused()).refused
    assert "spare.weight" in refusal.reason


def test_a_refusal_names_the_line() -> None:
    first, _ = _imported(modules.Branching()).refused
    assert first.file == modules.__file__
    with open(first.file) as file:
        assert "line of the branch" in file.readlines()[first.line - 1]


def test_what_differs_from_call_to_call_is_never_written() -> None:
    result = _imported(modules.Counting())
    (refusal,) = result.refused
    assert "called again" in refusal.reason
    assert refusal.file.endswith("modules.py") and refusal.line


def test_compiled_code_is_refused() -> None:
    jit: Any = torch.jit
    result = _imported(jit.script(modules.Gate(16)))
    (refusal,) = result.refused
    assert "torch.jit" in refusal.reason


def _gated(x: Tensor) -> Tensor:
    return x * x.sigmoid()


def test_a_compiled_function_is_refused_once() -> None:
    jit: Any = torch.jit

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.gated = nn.Conv2d(3, 8, 1), jit.script(_gated)

        def forward(self, x: Tensor) -> Tensor:
            return self.gated(self.conv(x)).relu()

    (refusal,) = _imported(Net()).refused
    assert "_gated" in refusal.reason
    assert "torch.jit" in refusal.reason
    assert refusal.file == __file__


def test_what_torch_compiled_runs_as_it_is_written() -> None:
    inner = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    compiled: Any = torch.compile(inner[0])
    inner[0] = compiled
    text = _imported(inner).text
    assert '"0._orig_mod"' in text or '"_orig_mod"' in text


def test_what_no_module_with_weights_has() -> None:
    lazy = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU())
    half = nn.Sequential(nn.Conv2d(3, 4, 1)).half()
    conv = nn.Conv2d(3, 3, 1)
    twice = nn.Sequential(conv, nn.Sequential(conv))
    jit: Any = torch.jit
    for module, path, wanted in (
        (lazy, "0", "not made yet"),
        (half, "0", "float16"),
        (twice, "1.0", "it is also `0`"),
        (jit.trace(nn.ReLU(), torch.zeros(1, 3, 8, 8)), "", "torch.jit"),
    ):
        (refusal,) = _imported(module).refused
        assert refusal.module == path
        assert wanted in refusal.reason


def test_what_is_given_is_overwritten() -> None:
    class Writing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            x.mul_(2)
            return self.conv(x)

    _spec(_imported(Writing()))


def test_a_mask_is_refused() -> None:
    class Picking(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[x > 0]

    *_, refusal = _imported(Picking()).refused
    assert "by a mask" in refusal.reason
    assert refusal.file == __file__


def test_a_parameter_may_be_of_another_type() -> None:
    class Norm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3))

        def forward(self, x: Tensor) -> Tensor:
            weight = self.weight.view(1, -1, 1, 1).to(x.dtype)
            return torch.maximum(x * weight, weight)

    (refusal,) = _imported(Norm()).refused
    assert "torch.maximum" in refusal.reason


def test_the_module_stays_as_it_was() -> None:
    module = modules.ResidualNet().train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    owned = {name: id(tensor) for name, tensor in module.named_parameters()}
    _imported(module)
    assert module.training
    assert {name: id(tensor) for name, tensor in module.named_parameters()} == owned
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_from_python() -> None:
    text = archc.import_module(modules.Gate(16), (3, 8, 8), name="gate")
    assert tomllib.loads(text)["name"] == "gate"
    with pytest.raises(archc.ImportRefused, match="attention"):
        archc.import_module(modules.Attention(), (3, 8, 8))


def test_a_trace_is_data() -> None:
    found = trace(modules.ResidualNet(), "net", {"x": (3, 8, 8)})
    again = from_json(json.loads(json.dumps(to_json(found))))
    assert again == found
    assert wiring(graph_of(again)) == wiring(graph_of(found))


# name, most lines, and what its parameters are by torchvision's own count
_TORCHVISION = [
    ("alexnet", 40, 61_100_840),
    ("resnet18", 45, 11_689_512),
    ("googlenet", 110, 13_004_888),
    ("densenet121", 70, 7_978_856),
    ("mobilenet_v2", 60, 3_504_872),
    ("efficientnet_b0", 70, 5_288_548),
]


@pytest.mark.parametrize(("name", "lines", "params"), _TORCHVISION)
@pytest.mark.filterwarnings("ignore")
def test_torchvision(name: str, lines: int, params: int) -> None:
    module = models.get_model(name, weights=None)
    result = import_network(module, name, {"x": (3, 224, 224)})
    _spec(result)
    assert result.params == params
    assert len(result.text.splitlines()) <= lines


@pytest.mark.parametrize("count", [16, 21, 48])
def test_drop_rates_are_told_by_the_turn(count: int) -> None:
    """torchvision and timm compute them so; the numbers are the same to the bit."""
    rates = [0.2 * number / count for number in range(3, 9)]
    places = [Occurrence(0, (turn,), 1) for turn in range(len(rates))]
    found = fitted(rates, places, Names({}))
    assert [eval(found.text, {"i": turn}) for turn in range(len(rates))] == rates
    values = [Unread(0.0), *rates[1:]]
    assert fitted(values, places, Names({})) == found
    assert fitted([*rates[:-1], 0.5], places, Names({})) is None


def test_resnet152_reads_like_the_table() -> None:
    module = models.resnet152()
    result = import_network(module, "resnet152", {"x": (3, 64, 64)})
    spec = _spec(result)
    assert len(result.text.splitlines()) <= 60
    assert len(spec["blocks"]) == 1
    assert "36" in result.text


def test_wiring_tells_networks_apart() -> None:
    """What proves the rest is held to finding differences."""
    shapes = {"x": (3, 64, 64)}
    one = graph_of(trace(models.resnet18(), "a", shapes))
    same = graph_of(trace(models.resnet18(), "b", shapes))
    other = graph_of(trace(models.resnet34(), "c", shapes))
    assert wiring(one) == wiring(same)
    assert wiring(one) != wiring(other)

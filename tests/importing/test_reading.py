"""Specs read as if a person had written them."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archc.importing.expressions import Expression, Names
from archc.importing.fitting import fitted
from archc.importing.layout import given
from archc.importing.pieces import Occurrence
from archc.run.importing.session import import_network


def _spec(module: nn.Module) -> dict[str, Any]:
    result = import_network(module, "net", {"x": (8, 8, 8)})
    assert result.passed, (result.refused, result.proof)
    assert result.proof.outputs == "equal"
    return tomllib.loads(result.text)


def test_parts_of_a_number_are_said_as_such() -> None:
    def said(channels: list[int], values: list[int]) -> str:
        places = [Occurrence(n, (), c) for n, c in enumerate(channels)]
        return str(fitted(values, places, Names({})))

    assert said([40, 80], [30, 60]) == "in_channels * 3 // 4"
    assert said([240, 480], [160, 320]) == "in_channels * 2 // 3"
    # one that two numbers have by chance is a parameter
    assert said([40, 80], [24, 48]) == "None"
    assert said([40, 80], [30, 61]) == "None"


def test_what_is_everywhere_but_in_the_first_turn_of_all() -> None:
    places = [Occurrence(0, (i, j), 8) for i in range(3) for j in range(2)]
    values = [place.counters != (0, 0) for place in places]
    assert str(fitted(values, places, Names({}))) == "i > 0 or j > 0"


class Pair(nn.Module):
    """Two windows, each padded by half of itself."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(8, 8, first, padding=first // 2)
        self.b = nn.Conv2d(8, 8, second, padding=second // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.a(x).relu())


def test_a_window_is_padded_by_a_part_of_itself() -> None:
    net = nn.Sequential(Pair(1, 1), nn.ReLU(), Pair(3, 5), nn.Conv2d(8, 2, 1))
    (block,) = _spec(net)["blocks"].values()
    nodes = {node["name"]: node for node in block["layers"] if "name" in node}
    for node in nodes.values():
        assert node["padding"] == f"{node['kernel_size']} // 2"


def test_a_third_of_a_window_is_no_padding() -> None:
    # as YOLOv5's first layer beside the others
    windows = [(6, 2), (3, 1), (1, 0)]
    parts = [nn.Sequential(nn.Conv2d(8, 8, k, 1, p), nn.BatchNorm2d(8), nn.SiLU())
             for k, p in windows]  # fmt: skip
    (block,) = _spec(nn.Sequential(*parts, nn.Conv2d(8, 2, 1)))["blocks"].values()
    assert block["layers"][0]["padding"] == "padding"


class Either(nn.Module):
    """Two ways to be a module of one class."""

    def __init__(self, *, long: bool) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(8, 8) for _ in range(4 * long))
        self.conv = None if long else nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x).tanh()
        return x if self.conv is None else self.conv(x).relu()


def test_blocks_of_one_class_are_numbered_as_they_are_met() -> None:
    net = nn.Sequential(*(Either(long=n > 1) for n in range(4)))
    spec = _spec(net)
    assert list(spec["blocks"]) == ["either", "either_2"]
    assert "linear" not in str(spec["blocks"]["either"])
    used = [node["block"] for node in spec["network"]["layers"]]
    assert used == sorted(used)


class Conv2dReLU(nn.Sequential):
    """A convolution, and an activation that some lack."""

    def __init__(self, width: int, *, active: bool = True) -> None:
        super().__init__(nn.Conv2d(8, width, 1))
        if active:
            self.append(nn.ReLU())


def test_a_node_says_what_it_is_before_whether_it_is_there() -> None:
    uses = (Conv2dReLU(8, active=n != 1) for n in range(4))
    result = import_network(nn.Sequential(*uses), "net", {"x": (8, 8, 8)})
    assert "[blocks.conv2d_relu]" in result.text
    assert '{ op = "relu", when = "with_relu" }' in result.text


class Paths(nn.Module):
    """Parts of two maps that meet in another order than they are made."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.one(x).split([6, 2], 1)
        c, d = self.other(x).split([6, 2], 1)
        return torch.cat([a + c, b, d], 1)


def test_names_that_are_made_up_are_numbered_as_they_stand() -> None:
    names = [n.get("name", "") for n in _spec(Paths())["network"]["layers"]]
    parts = [name for name in names if name.startswith("channel_slice")]
    assert parts[0] == "channel_slice"
    assert parts[1:] == [f"channel_slice_{n + 2}" for n in range(3)]


class Several(nn.Module):
    """Children that are called by numbers, of which both give what it gives."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module("0", nn.Conv2d(8, 8, 1))
        self.add_module("1", nn.Conv2d(8, 8, 1))

    def forward(self, x: Tensor) -> list[Tensor]:
        return [part(x) for part in self.children()]


class Summed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Several(), Several()

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.first(x)
        c, d = self.second(a * b)
        return c - d


def test_outputs_of_a_block_have_names() -> None:
    assert "blocks" not in _spec(Summed())


class Inner(nn.Module):
    """Layers in a chain that say their width."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(8, width, 1)
        self.rest = nn.ModuleList(nn.Linear(8, 8) for _ in range(depth))
        self.expand = nn.Conv2d(width, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.reduce(x.mean((2, 3), keepdim=True)).relu()
        gate = self.expand(gate).sigmoid()
        for n, part in enumerate(self.rest):
            x = part(x).tanh() if n % 2 else part(x).relu()
        return x * gate if not len(self.rest) else x + gate


class Outer(nn.Module):
    """A module with one of another class."""

    def __init__(self, width: int, depth: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.inner = Inner(width, depth)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.conv(x))


def test_a_short_block_is_written_where_it_is_used_once() -> None:
    net = nn.Sequential(Outer(2), nn.ReLU(), Outer(4), nn.Conv2d(8, 2, 1))
    blocks = _spec(net)["blocks"]
    assert list(blocks) == ["outer"]
    (_, inner) = blocks["outer"]["layers"]
    (gate,) = inner["layers"]
    assert gate["skip"] == "mul"
    # what had no name in the block has one in the group
    assert [node["name"] for node in gate["layers"]] == [
        "adaptive_avg_pool", "reduce", "relu", "expand", "sigmoid"
    ]  # fmt: skip
    assert gate["layers"][1]["out_channels"] == "width"


def test_a_long_block_and_one_that_is_repeated_stay_blocks() -> None:
    long = nn.Sequential(Outer(2, 5), nn.ReLU(), Outer(4, 5), nn.Conv2d(8, 2, 1))
    assert list(_spec(long)["blocks"]) == ["outer", "inner"]
    repeated = nn.Sequential(*(Inner(2, 0) for _ in range(3)), nn.Conv2d(8, 2, 1))
    assert list(_spec(repeated)["blocks"]) == ["inner"]


def test_a_half_is_said_before_two_thirds_of_something_else() -> None:
    places = [Occurrence(n, (), c) for n, c in enumerate((160, 320))]
    names = Names({"width": {0: 120, 1: 240}}, {"width"})
    assert str(fitted([80, 160], places, names)) == "in_channels // 2"


class Worded(nn.Module):
    """A convolution, and something that is set by a word or a number."""

    def __init__(self, then: nn.Module, padding: int | str = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=padding)
        self.then = then

    def forward(self, x: Tensor) -> Tensor:
        return self.then(self.conv(x))


def _worded(settings: list[str]) -> nn.Module:
    parts = (Worded(nn.GELU(approximate=each)) for each in settings)
    return nn.Sequential(*parts, nn.Conv2d(8, 2, 1))


def test_words_are_parameters() -> None:
    spec = _spec(_worded(["none", "tanh", "none"]))
    (block,) = spec["blocks"].values()
    assert block["layers"][1]["approximate"] == "{approximate}"
    assert spec["params"]["approximate"] == ["'none'", "'tanh'", "'none'"]


@pytest.mark.parametrize(
    "parts",
    [
        [Worded(nn.ReLU(), padding) for padding in ("same", 1, "same", 0, "valid")],
        [Worded(nn.AdaptiveAvgPool2d(s)) for s in ((None, 4), (4, None), (3, 2))],
    ],
)
def test_no_parameter_is_a_word_and_a_number(parts: list[nn.Module]) -> None:
    assert "padding" in str(_spec(nn.Sequential(*parts, nn.Conv2d(8, 2, 1))))


def test_lists_of_expressions_are_no_words() -> None:
    assert given([Expression("in_channels"), 3]) == ["in_channels", 3]
    assert given(["tanh", "none"]) == ["'tanh'", "'none'"]
    assert given("tanh") == "tanh"


class Three(nn.Module):
    """Activations alike, which one block repeats."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, width, 1)
        self.back = nn.Conv2d(width, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.back(self.conv(x)).sigmoid().sigmoid().sigmoid()


class Around(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv, self.three = nn.Conv2d(8, 8, 1), Three(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.three(self.conv(x))


def test_a_short_block_that_repeats_stays_one() -> None:
    net = nn.Sequential(Around(2), nn.ReLU(), Around(4), nn.Conv2d(8, 2, 1))
    assert list(_spec(net)["blocks"]) == ["around", "three"]


class Smaller(nn.Module):
    """It computes on less of a map."""

    def __init__(self) -> None:
        super().__init__()
        self.m0 = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(self.m0(F.max_pool2d(x, 2)), size=x.shape[2:])


class Listed(nn.Module):
    """Modules in a list, in which a node is called as one ahead is."""

    def __init__(self) -> None:
        super().__init__()
        self.m0 = nn.Conv2d(8, 8, 1)
        self.m1 = nn.ModuleList([nn.Conv2d(8, 8, 1), Smaller()])

    def forward(self, x: Tensor) -> Tensor:
        x = self.m0(x)
        return torch.cat([part(x) for part in self.m1], 1)


def test_a_name_is_that_of_the_nearest_list() -> None:
    outer = nn.Sequential(nn.ReLU(), Listed())
    _spec(nn.Sequential(nn.Conv2d(8, 8, 1), outer))


class Numbered(nn.Module):
    """A short chain whose members are numbered."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(8, width, 1), nn.ReLU(), Inner(2, 0),
                                    nn.Conv2d(width, 8, 1))  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Holding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.inner = nn.Conv2d(8, 8, 1), Numbered(8)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.conv(x))


def test_what_is_numbered_in_a_short_block_stays_so() -> None:
    _spec(nn.Sequential(Holding(), nn.ReLU(), Holding(), Inner(4, 0)))


def test_a_norm_without_weights_keeps_its_number() -> None:
    inner = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU())
    _spec(nn.Sequential(nn.Conv2d(8, 8, 1), nn.InstanceNorm2d(8), inner, nn.ReLU()))


class Turning(nn.Module):
    """Values with made-up names, of which one is read again."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, 1) for _ in range(3))
        self.last = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        first, second, third = (F.max_pool2d(conv(x), 1) for conv in self.convs)
        return self.last(F.max_pool2d(first + second, 1)) + third


def test_names_that_are_made_up_are_numbered_in_one_way() -> None:
    text = str(_spec(nn.Sequential(nn.Conv2d(8, 8, 1), Turning())))
    names = [f"'max_pool{end}'" for end in ("", "_2", "_3", "_4")]
    assert all(name in text for name in names), text


class Summing(nn.Module):
    """Stages of three units each, whose sum goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.ups = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))
        self.units = nn.ModuleList(
            Inner(2, kernel) for _ in self.ups for kernel in range(3)
        )

    def forward(self, x: Tensor) -> Tensor:
        for n, up in enumerate(self.ups):
            x = up(x)
            x = (
                self.units[3 * n](x)
                + self.units[3 * n + 1](x)
                + self.units[3 * n + 2](x)
            )
        return x


def test_sums_of_like_paths_are_branches_and_names_may_grow_by_steps() -> None:
    (stage,) = _spec(Summing())["network"]["layers"]
    assert stage["repeat"] == 3
    _, both = stage["layers"]
    names = [node["name"] for node in both["branches"]]
    assert names == ["units.{3 * i}", "units.{1 + 3 * i}", "units.{2 + 3 * i}"]


class Staged(nn.Module):
    """What two paths join is read by the two of the next stage, and once more."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 3, padding=1)
        self.last = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        both = torch.cat([self.one(x), self.two(x)], 1)
        return self.last(both), both.relu()


def test_what_is_joined_and_read_twice_is_one_node() -> None:
    text = str(_spec(Staged())["network"]["layers"])
    assert "identity" not in text
    assert "'name': 'concat', 'from': ['one', 'prev'], 'op': 'concat'" in text


class Relaid(nn.Module):
    """Numbers that are laid out anew in several steps."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.conv = nn.Linear(8, 32), nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        means = torch.sigmoid(x.mean((2, 3)))
        gate = means.unsqueeze(2).unsqueeze(3)
        return x * gate, self.conv(self.fc(means).view(-1, 8, 2, 2))


def test_what_is_laid_out_in_steps_is_laid_out_once() -> None:
    layers = _spec(Relaid())["network"]["layers"]
    sizes = [node["sizes"] for node in layers if node.get("op") == "reshape"]
    assert sizes == [[-1, 1, 1], [-1, 2, 2]]
    assert "unflatten" not in str(layers)


class Modulated(nn.Module):
    """Factors and summands of each channel for two layers, in one vector."""

    def __init__(self) -> None:
        super().__init__()
        self.gen, self.last = nn.Linear(8, 32), nn.Conv2d(8, 8, 1)
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, 1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        given = self.gen(x.mean((2, 3))).view(-1, 2, 2, 8)
        for n, conv in enumerate(self.convs):
            x = conv(x) * given[:, n, 0, :, None, None]
            x = x + given[:, n, 1].unsqueeze(2).unsqueeze(3)
        one, other = self.last(x).reshape(-1, 2, 4, *x.shape[2:]).unbind(1)
        return one * other.sigmoid()


def test_parts_are_taken_before_they_are_laid_out() -> None:
    layers = _spec(Modulated())["network"]["layers"]
    text = str(layers)
    slices = [
        (node.get("start", 0), node["stop"])
        for node in layers
        if node.get("op") == "channel_slice"
    ]
    assert {(0, 8), (8, 16), (16, 24), (24, 32)} <= {*slices}
    assert "unflatten" not in text
    assert text.count("'channel_slice'") == 6
    assert text.count("'reshape'") == 4


class Bare(nn.Module):
    """Norms without parameters, called as functions beside layers with names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(8, 8, 1)
        self.last = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.instance_norm(F.group_norm(self.first(x), 2))
        return self.last(F.layer_norm(x, (8,)))


def test_what_might_have_parameters_has_a_name_beside_others() -> None:
    nodes = _spec(Bare())["network"]["layers"]
    assert [node["name"] for node in nodes] == [
        "first", "group_norm", "instance_norm", "layer_norm", "last",
    ]  # fmt: skip

"""Ways to call torch's functions that are ops under another name."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archc.run.importing.session import Result, import_network

_Function = Callable[[Tensor], Tensor]


class Net(nn.Module):
    """A convolution, and what is computed of it."""

    def __init__(self, does: _Function) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self.does = does

    def forward(self, x: Tensor) -> Tensor:
        return self.does(self.conv(x))


def _imported(does: _Function) -> Result:
    result = import_network(Net(does), "net", {"x": (3, 8, 8)})
    assert result.passed, (result.refused, result.proof)
    return result


def _nodes(result: Result) -> list[dict[str, Any]]:
    return tomllib.loads(result.text)["network"]["layers"][1:]


_HARD: list[tuple[_Function, str]] = [
    (lambda x: F.relu6(x + 3) / 6, "hardsigmoid"),
    (lambda x: (x + 3).clamp(0, 6).div(6.0), "hardsigmoid"),
    (lambda x: x * F.relu6(x + 3.0) / 6.0, "hardswish"),
    (lambda x: (x + 3).clamp(0, 6) * x / 6, "hardswish"),
]
_NEARLY: list[_Function] = [
    lambda x: F.relu6(x + 2) / 6,
    lambda x: F.relu6(x + 3) / 5,
    lambda x: x * F.relu6(x.exp() + 3) / 6,
    lambda x: x.exp() * F.relu6(x + 3) / 6,
]
_JOINED: list[_Function] = [
    lambda x: torch.stack([x, x]).flatten(0, 1),
    lambda x: torch.cat([x, x]),
]


@pytest.mark.parametrize(("does", "op"), _HARD)
def test_hard_activations_are_written_out(does: _Function, op: str) -> None:
    result = _imported(does)
    assert _nodes(result) == [{"op": op}]
    assert result.proof.outputs == "equal"


@pytest.mark.parametrize("does", _NEARLY)
def test_what_is_nearly_one_is_none(does: _Function) -> None:
    assert "hard" not in _imported(does).text


def test_a_division_is_a_product_with_a_fraction() -> None:
    result = _imported(lambda x: x / 7)
    assert _nodes(result) == [{"op": "scale", "factor": "1 / 7"}]
    # a quotient is rounded otherwise than a product
    assert result.proof.outputs in ("equal", "close")
    assert _nodes(_imported(lambda x: x / 5)) == [{"op": "scale", "factor": 0.2}]


def test_values_that_are_stacked_before_the_batch_are_summed() -> None:
    result = _imported(lambda x: torch.stack([x, x.relu(), x.exp()]).sum(0))
    assert "scale" not in result.text
    assert result.proof.outputs == "equal"
    result = _imported(lambda x: torch.stack((x, x.relu()), dim=0).mean(dim=0))
    assert _nodes(result)[-1] == {"op": "scale", "factor": 0.5}
    assert _nodes(_imported(lambda x: torch.stack([x]).mean(0).relu())) == [
        {"op": "relu"}
    ]
    assert result.proof.outputs == "equal"


def test_values_that_are_stacked_before_the_channels_are_summed() -> None:
    result = _imported(lambda x: torch.stack([x.tanh(), x.exp()], dim=1).sum(dim=1))
    merge = {"merge": "add", "branches": [{"op": "tanh"}, {"op": "exp"}]}
    assert _nodes(result) == [merge]
    result = _imported(lambda x: torch.stack([x.tanh(), x.exp()], 1).mean(1))
    assert _nodes(result) == [merge, {"op": "scale", "factor": 0.5}]
    # as many channels of each are summed where they are joined otherwise
    result = _imported(
        lambda x: torch.cat([x, x[:, :4]], 1).unflatten(1, (3, 4)).sum(1)
    )
    assert _nodes(result)[-1] == {"op": "sum", "dim": 1}


@pytest.mark.parametrize("does", _JOINED)
def test_samples_are_not_joined(does: _Function) -> None:
    (refusal,) = import_network(Net(does), "net", {"x": (3, 8, 8)}).refused
    assert "joins samples" in refusal.reason


def _beside_zeros(x: Tensor) -> Tensor:
    zeros = torch.zeros(len(x), 4, *x.shape[2:])
    empty = x.new_empty(len(x), 0, *x.shape[2:])
    return torch.cat([zeros, x, torch.as_tensor(x.relu()), empty], 1)


_PADDED: list[tuple[_Function, list[dict[str, Any]]]] = [
    (lambda x: torch.cat([x, torch.zeros_like(x[:, :2])], dim=1),
     [{"op": "channel_pad", "padding": [0, 2]}]),
    (lambda x: F.pad(x, (1, 1, 0, 0, 2, 2)),
     [{"op": "zero_pad2d", "padding": [1, 1, 0, 0]},
      {"op": "channel_pad", "padding": 2}]),
]  # fmt: skip


@pytest.mark.parametrize(("does", "nodes"), _PADDED)
def test_zeros_beside_are_padding(does: _Function, nodes: list[dict[str, Any]]) -> None:
    result = _imported(does)
    assert _nodes(result) == nodes
    assert result.proof.outputs == "equal"


def test_zeros_are_joined_around_several() -> None:
    result = _imported(_beside_zeros)
    assert _nodes(result)[-1] == {"op": "channel_pad", "padding": [4, 0]}
    assert result.proof.outputs == "equal"


def test_zeros_are_joined_to_what_has_no_channels() -> None:
    # as a recurrent network's state is before its first step
    class Begun(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(5, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            state = x.new_zeros(len(x), 2, *x.shape[3:])
            for step in range(2):
                state = self.conv(torch.cat([x[:, step], state], 1))[:, :2]
            return state

    result = import_network(Begun(), "net", {"x": (2, 3, 8, 8)})
    assert result.passed, (result.refused, result.proof)
    assert result.proof.outputs == result.proof.training == "equal"
    assert '{ op = "channel_pad", padding = [0, 2] }' in result.text


def test_channels_that_are_repeated() -> None:
    result = _imported(lambda x: x.repeat(1, 3, 1, 1))
    assert _nodes(result) == [{"from": ["prev"] * 3, "op": "concat"}]
    assert result.proof.outputs == "equal"


_WEIGHED: list[tuple[_Function, list[dict[str, Any]]]] = [
    (lambda x: torch.add(x, x.relu(), alpha=0.2),
     [{"skip": "add", "layers": [{"op": "relu"}, {"op": "scale", "factor": 0.2}]}]),
    (lambda x: torch.sub(x.exp(), x.relu(), alpha=3),
     [{"merge": "sub",
       "branches": [{"op": "exp"}, [{"op": "relu"}, {"op": "scale", "factor": 3.0}]]}]),
]  # fmt: skip


@pytest.mark.parametrize(("does", "nodes"), _WEIGHED)
def test_sums_of_which_one_part_is_weighed(
    does: _Function, nodes: list[dict[str, Any]]
) -> None:
    assert _nodes(_imported(does)) == nodes


@pytest.mark.parametrize("does", [torch.abs, lambda x: abs(x - 0.5)])
def test_what_is_below_zero_is_turned_about(does: _Function) -> None:
    result = _imported(does)
    assert result.text.count("relu") == 2
    assert result.proof.outputs == result.proof.training == "equal"


_LARGER: list[tuple[_Function, list[dict[str, Any]]]] = [
    # as LightCNN's units, whose halves are two groups of channels already
    (lambda x: torch.max(*torch.split(x, 4, 1)),
     [{"op": "unflatten", "dim": 1, "unflattened_size": [2, -1]},
      {"op": "amax", "dim": 1}]),
    (lambda x: torch.maximum(x, x.exp()),
     [{"skip": "concat", "op": "exp"},
      {"op": "unflatten", "dim": 1, "unflattened_size": [2, -1]},
      {"op": "amax", "dim": 1}]),
]  # fmt: skip


@pytest.mark.parametrize(("does", "nodes"), _LARGER)
def test_the_larger_of_two_values(does: _Function, nodes: list[dict[str, Any]]) -> None:
    result = _imported(does)
    assert _nodes(result) == nodes
    assert result.proof.outputs == result.proof.training == "equal"


@pytest.mark.parametrize(
    ("does", "said"),
    [(lambda x: torch.maximum(x, x.mean((2, 3), keepdim=True)), "of one shape"),
     (lambda x: x.max(), "other samples"),
     (lambda x: x.repeat(1, 1, 2, 1), "nor one wide"),
     (lambda x: x.repeat(2, 1, 1, 1), "joins samples"),
     (lambda x: x.repeat(1, 1, 1, 1, 1), "has not")],
)  # fmt: skip
def test_what_no_group_or_axis_is_for_is_refused(does: _Function, said: str) -> None:
    (refusal,) = import_network(Net(does), "net", {"x": (3, 8, 8)}).refused
    assert said in refusal.reason


def _spread(x: Tensor) -> Tensor:
    largest = x.amax(1, keepdim=True).expand_as(x)
    return x * (1 - largest)


_SPREAD: list[tuple[_Function, bool]] = [
    (_spread, True),
    (lambda x: x.amax(1, keepdim=True).expand(-1, 8, -1, -1), True),
    (lambda x: x.amax(1, keepdim=True).repeat(1, 3, 1, 1), True),
    (lambda x: x.mean(2, keepdim=True).repeat(1, 2, 8, 1), True),
    (lambda x: x * x.amax(1, keepdim=True).expand_as(x), False),
    (lambda x: x * x.amax(1, keepdim=True).repeat(1, 8, 1, 1), False),
]


@pytest.mark.parametrize(("does", "is_op"), _SPREAD)
def test_values_are_spread_by_an_op_where_no_merge_does_it(
    does: _Function, is_op: bool
) -> None:
    result = _imported(does)
    assert ("expand" in result.text) == is_op
    assert result.proof.outputs == "equal"


def test_what_lets_no_gradient_back_is_refused_at_its_line() -> None:
    result = import_network(Net(lambda x: x + x.detach()), "net", {"x": (3, 8, 8)})
    (refusal,) = result.refused
    assert "no gradient" in refusal.reason
    assert refusal.file == __file__ and refusal.mend


def test_any_axis_may_be_that_of_the_channels() -> None:
    class Across(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.across = nn.Conv2d(8, 8, 3, padding=1)
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(self.across(x.transpose(1, 3)).transpose(1, 3))

    result = import_network(Across(), "net", {"x": (3, 8, 8)})
    assert result.passed, (result.refused, result.proof)
    assert result.proof.outputs == "equal"
    assert result.text.count("channel_dim = 1") == 2


_SIZED: list[tuple[_Function, list[dict[str, Any]]]] = [
    (lambda x: F.adaptive_avg_pool2d(x, (None, 1)),
     [{"op": "adaptive_avg_pool2d", "output_size": ["none", 1]}]),
    (lambda x: F.adaptive_max_pool2d(x, (None, None)), []),
    (lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear",
                             recompute_scale_factor=True),
     [{"op": "upsample", "size": [13, 13], "mode": "bilinear"}]),
    (lambda x: F.interpolate(x, scale_factor=2, recompute_scale_factor=True),
     [{"op": "upsample", "scale_factor": 2}]),
]  # fmt: skip


@pytest.mark.parametrize(("does", "nodes"), _SIZED)
def test_sizes_are_those_that_come_out(
    does: _Function, nodes: list[dict[str, Any]]
) -> None:
    assert _nodes(_imported(does)) == nodes


def test_an_instance_norm_has_its_momentum() -> None:
    norm = nn.InstanceNorm2d(8, momentum=0.3, track_running_stats=True)
    net = nn.Sequential(nn.Conv2d(3, 8, 1), norm)
    result = import_network(net, "net", {"x": (3, 8, 8)})
    assert result.proof.training == "equal"
    assert _nodes(result)[0]["momentum"] == 0.3


def test_a_factor_in_a_list_is_refused() -> None:
    class Factors(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 1)
            self.all = nn.ParameterList([nn.Parameter(torch.ones(8, 1, 1))])

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x) * self.all[0]

    (refusal,) = import_network(Factors(), "net", {"x": (3, 8, 8)}).refused
    assert "`all.0`" in refusal.reason


def test_a_sum_that_begins_with_zeros() -> None:
    def summed(x: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        for part in (x.relu(), x.exp()):
            total = total + part
        return total

    (node,) = _nodes(_imported(summed))
    assert node == {"merge": "add", "branches": [{"op": "relu"}, {"op": "exp"}]}


class Scaled(nn.Module):
    """A factor for each channel, with other axes put to it."""

    def __init__(self, spread: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.weight = nn.Conv2d(3, 8, 1), nn.Parameter(torch.rand(8))
        self._spread = spread

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self._spread(self.weight, x) * x


@pytest.mark.parametrize(
    "spread",
    [lambda w, x: w[:, None, None],
     lambda w, x: w[None, ..., None, None],
     lambda w, x: w.view(1, -1, 1, 1).expand_as(x)],
)  # fmt: skip
def test_a_factor_may_be_given_axes(spread: Callable[[Tensor, Tensor], Tensor]) -> None:
    result = import_network(Scaled(spread), "net", {"x": (3, 8, 8)})
    assert result.passed, (result.refused, result.proof)
    assert "layer_scale" in result.text


@pytest.mark.parametrize(("shape", "axis"), [((), {}), ((1,), {"has_axis": True})])
def test_a_factor_for_all_may_have_an_axis(
    shape: tuple[int, ...], axis: dict[str, bool]
) -> None:
    net = Scaled(lambda w, x: w)
    net.weight = nn.Parameter(torch.full(shape, 0.5))
    result = import_network(net, "net", {"x": (3, 8, 8)})
    assert result.passed, (result.refused, result.proof)
    assert result.proof.outputs == "equal"
    one = {"op": "layer_scale", "init": 0.5, "per_channel": False}
    assert _nodes(result) == [{"name": "weight", **one, **axis}]


def _to_space(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    x = x.view(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(n, c // 4, h * 2, w * 2)


def _to_space_by_blocks(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    x = x.view(n, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(n, c // 4, h * 2, w * 2)


def _to_depth(x: Tensor, *order: int) -> Tensor:
    n, c, h, w = x.shape
    x = x.view(n, c, h // 2, 2, w // 2, 2).permute(0, *order)
    return x.reshape(n, c * 4, h // 2, w // 2)


def _in_a_row(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 4, c // 4, h * w).transpose(2, 1).contiguous().view(n, c, h, w)


_SHUFFLE: dict[str, Any] = {"op": "pixel_shuffle", "upscale_factor": 2}
_UNSHUFFLE: dict[str, Any] = {"op": "pixel_unshuffle", "downscale_factor": 2}


def _groups(count: int) -> dict[str, Any]:
    return {"op": "channel_shuffle", "groups": count}


_TURNED: list[tuple[_Function, list[dict[str, Any]]]] = [
    (_to_space, [_SHUFFLE]),
    (_to_space_by_blocks, [_groups(4), _SHUFFLE]),
    (lambda x: _to_depth(x, 1, 3, 5, 2, 4), [_UNSHUFFLE]),
    (lambda x: _to_depth(x, 3, 5, 1, 2, 4), [_UNSHUFFLE, _groups(8)]),
    (_in_a_row, [_groups(4)]),
    (lambda x: torch.stack(x.chunk(4, 1), 2).flatten(1, 2), [_groups(4)]),
    (lambda x: x.unflatten(1, (2, 4)).permute(0, 2, 1, 3, 4).flatten(1, 2),
     [_groups(2)]),
]  # fmt: skip


@pytest.mark.parametrize(("does", "nodes"), _TURNED)
def test_pixels_and_channels_are_turned_about(
    does: _Function, nodes: list[dict[str, Any]]
) -> None:
    result = _imported(does)
    assert _nodes(result) == nodes
    assert result.proof.outputs == "equal"
    assert not result.remarks


def test_other_turns_are_written_out() -> None:
    text = _imported(lambda x: _to_depth(x, 5, 3, 1, 2, 4)).text
    assert "shuffle" not in text


_SAID: list[tuple[_Function, list[dict[str, Any]]]] = [
    (lambda x: x.clamp_min(0.5), [{"op": "clamp", "min": 0.5}]),
    (lambda x: torch.clamp_max(x, 1), [{"op": "clamp", "max": 1}]),
    (lambda x: F.pad(x, (1, 0, 2, 1), mode="circular"),
     [{"op": "pad", "pad": [1, 0, 2, 1], "mode": "circular"}]),
    (lambda x: F.interpolate(x, size=[3 * n for n in x.shape[2:]], mode="bilinear"),
     [{"op": "upsample", "scale_factor": 3.0, "mode": "bilinear"}]),
]  # fmt: skip


@pytest.mark.parametrize(("does", "nodes"), _SAID)
def test_what_ops_do_under_other_names(
    does: _Function, nodes: list[dict[str, Any]]
) -> None:
    result = _imported(does)
    assert _nodes(result) == nodes
    assert result.proof.outputs == "equal"
    assert not result.remarks


def test_numbers_of_16_bits_are_refused() -> None:
    for does in (lambda x: x.half().float(), lambda x: x.to(torch.bfloat16) * 1.0):
        refused = import_network(Net(does), "net", {"x": (3, 8, 8)}).refused
        assert "float16, and specs in float32" in refused[0].reason


def test_a_gated_unit_is_a_product_of_halves() -> None:
    result = _imported(lambda x: F.glu(x, dim=1))
    (node,) = _nodes(result)
    assert node["merge"] == "mul"
    first, second = node["branches"]
    assert first == {"op": "channel_slice", "stop": 4}
    assert second[1] == {"op": "sigmoid"}
    assert result.proof.outputs == "equal"


def _first_step(x: Tensor) -> Tensor:
    # what a recurrent cell computes of a state that begins with zeros
    state = torch.zeros_like(x)
    kept, new = torch.cat([x, state], 1).chunk(2, 1)
    return kept.sigmoid() * state + kept.tanh() * new.exp()


def test_products_with_zeros_are_zeros() -> None:
    result = _imported(_first_step)
    assert "sigmoid" not in result.text
    assert "channel_pad" in result.text
    assert result.proof.outputs == "equal"


_NO_OUTPUTS: list[tuple[_Function, str]] = [
    (lambda x: (x, torch.zeros_like(x)), "zeros that depend on no input"),
    (lambda x: (x, x * torch.zeros_like(x)), "zeros that depend on no input"),
    (lambda x: torch.stack([x, x.relu()]), "joins samples"),
    (lambda x: F.pad(x, (1, 1, 1, 1), value=-math.inf), "minus infinity"),
]  # fmt: skip


@pytest.mark.parametrize(("does", "reason"), _NO_OUTPUTS)
def test_what_no_op_gives_is_no_output(does: _Function, reason: str) -> None:
    (refusal,) = import_network(Net(does), "net", {"x": (3, 8, 8)}).refused
    assert reason in refusal.reason

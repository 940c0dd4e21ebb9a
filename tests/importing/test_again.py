"""What archc has compiled, imported again: kinds that random networks brought up
(`tests/benchmarks/again.py`)."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archc
from archc.run.importing.session import Result, import_network
from archc.run.importing.tracer import input_names

CONV = {"op": "conv2d", "out_channels": 3, "kernel_size": 1}
END = [{"op": "flatten"}, {"name": "fc", "op": "linear", "out_features": 2}]


def _again(
    layers: list[dict[str, Any]], shape: list[int], **others: Any
) -> dict[str, Any]:
    """The spec of a network that was compiled, as it is imported."""
    network = {"input": shape, "layers": layers, **others.pop("network", {})}
    made = archc.from_dict({"archc": 1, "name": "net", "network": network, **others})
    module = made.module().eval()
    names = input_names(module)
    result = import_network(module, "net", {names[0]: tuple(shape)})
    _holds(result)
    return _tables(result)


def _holds(result: Result) -> None:
    assert not result.refused
    assert result.passed, (result.proof, result.text)
    assert result.proof.outputs == "equal"


def _tables(result: Result) -> dict[str, Any]:
    return tomllib.loads(result.text)


def test_an_output_that_is_not_the_last_node() -> None:
    layers = [{"name": "a", **CONV}, *END]
    spec = _again(layers, [3, 4, 4], network={"outputs": {"first": "a"}})
    assert spec["network"]["outputs"] == {"first": "a"}


def test_several_outputs_beside_a_head() -> None:
    layers = [{"name": "a", **CONV}, *END]
    head = {"name": "aux", "from": "a", "op": "conv2d", "out_channels": 1}
    outputs = {"first": "a", "last": "fc"}
    spec = _again(
        layers,
        [3, 4, 4],
        network={"outputs": outputs},
        heads=[{**head, "kernel_size": 1}],
    )
    assert spec["network"]["outputs"] == outputs
    assert [head["from"] for head in spec["heads"]] == ["a"]


def test_a_head_on_the_input() -> None:
    head = {"name": "aux", "from": "x", **CONV}
    made = archc.from_dict(
        {
            "archc": 1,
            "name": "net",
            "network": {"inputs": {"x": [3, 4, 4]}, "layers": [{"name": "a", **CONV}]},
            "heads": [head],
        }
    )
    result = import_network(made.module().eval(), "net", {"x": (3, 4, 4)})
    _holds(result)
    spec = _tables(result)
    assert spec["network"]["inputs"] == {"x": [3, 4, 4]}
    assert spec["heads"][0]["from"] == "x"


def test_a_blur_is_as_wide_as_it_was() -> None:
    layers = [{"op": "blur_pool2d", "kernel_size": 4}]
    (node,) = _again(layers, [3, 12, 12])["network"]["layers"]
    assert node["kernel_size"] == 4


@pytest.mark.parametrize("op", ["layer_norm", "rms_norm"])
@pytest.mark.parametrize("affine", [True, False])
def test_norms_over_two_axes_of_one_size(op: str, affine: bool) -> None:
    node = {"name": "n", "op": op, "normalized_shape": [5, 5]}
    spec = _again([{**node, "elementwise_affine": affine}], [3, 5, 5])
    (made,) = spec["network"]["layers"]
    assert made["normalized_shape"] == [5, 5]


class _Colours(nn.Module):
    """What makes three channels of one, for a network of colours."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "repeat":
            return self.conv(x.repeat(1, 3, 1, 1))
        if self.how == "expand":
            return self.conv(x.expand(-1, 3, -1, -1))
        if self.how == "contiguous":
            return self.conv(x.expand(-1, 3, -1, -1).contiguous())
        return self.conv(torch.cat([x, x, x], 1))


@pytest.mark.parametrize("how", ["repeat", "expand", "contiguous", "cat"])
def test_one_channel_as_three(how: str) -> None:
    _holds(import_network(_Colours(how), "net", {"x": (1, 8, 8)}))


class StochasticDepth(nn.Module):
    """A network that is called as a module that is known."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


def test_a_network_that_is_called_as_what_is_known() -> None:
    network = {"input": [3, 4, 4], "layers": [{"name": "a", **CONV}]}
    spec = {"archc": 1, "name": "StochasticDepth", "network": network}
    module = archc.from_dict(spec).module().eval()
    _holds(import_network(module, "net", {"x": (3, 4, 4)}))
    _holds(import_network(StochasticDepth(), "net", {"x": (3, 8, 8)}))


def test_numbers_that_differ_in_a_head() -> None:
    """They are parameters of the network."""
    head = {"name": "aux", "from": "a", "op": "conv2d", "repeat": 3}
    head |= {"out_channels": "widths[i]", "kernel_size": 1}
    layers = [{"name": "a", **CONV}, {"name": "b", **CONV}]
    params = {"widths": [4, 2, 5]}
    spec = _again(layers, [3, 4, 4], params=params, heads=[head])
    (name,) = (n for n, value in spec["params"].items() if value == [4, 2, 5])
    assert spec["heads"][0]["out_channels"] == f"{name}[i]"


class _Parts(nn.Module):
    """Three convolutions of one map, summed."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(4, 3, 1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        a, b, c = self.a(x), self.b(x), self.c(x)
        return a + b + c


class _Deep(nn.Module):
    """A network that is also told what is right in its middle."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 3, 3)
        self.aux = _Parts()

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.stem(x).relu()
        return (self.last(x), self.aux(x)) if self.training else self.last(x)


def test_a_head_reads_what_it_hangs_on_several_times() -> None:
    result = import_network(_Deep(), "net", {"x": (3, 8, 8)})
    _holds(result)
    (head,) = _tables(result)["heads"]
    assert head["from"] == "relu"


def test_numbers_that_nodes_lose_make_no_others_lose_theirs() -> None:
    inside = [{"name": "0.act", "op": "channel_slice", "stop": 1}]
    inside.append({"name": "b", "op": "layer_norm"})
    _again([{"name": "a", **CONV}, {"name": "c", "layers": inside}], [3, 4, 4])

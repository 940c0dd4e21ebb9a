"""Equal instances of a block: the network knows them, and nothing is hidden by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from archc.emit.validate import validate
from archc.emit.validate.instances import Instances, key_of_call
from archc.emit.validate.values import Module
from archc.network.graph import Layer, Network, Region
from tests.emit import live
from tests.emit.reading import read

SPEC = """
archc = 1
name = "net"
[network]
input = [4, 8, 8]
layers = [
  { name = "one", repeat = 4, block = "outer", width = 4 },
  { name = "two", block = "inner", width = 4 },
  { name = "three", block = "outer", width = 6 },
]
[blocks.outer]
params = ["width"]
layers = [
  { name = "first", block = "inner", width = "width" },
  { name = "second", block = "inner", width = 4 },
]
[blocks.inner]
params = ["width"]
layers = [
  { name = "conv", op = "conv2d", kernel_size = 1, out_channels = "width" },
  { name = "norm", op = "batch_norm2d" },
  { op = "relu" },
]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "net.toml"
    path.write_text(SPEC)
    return path


def _copies(network: Network) -> list[Region]:
    return [region for region in network.body.regions() if region.copy_of is not None]


def test_equal_instances_are_copies_of_the_first(path: Path) -> None:
    network = live.compiled(path)[0].network
    names = ("first", "second")
    found = {copy.path: copy.original.path for copy in _copies(network)}
    assert found == {
        # within an instance too
        "one.0.second": "one.0.first",
        **{f"one.{n}": "one.0" for n in (1, 2, 3)},
        **{f"one.{n}.{name}": "one.0.first" for n in (1, 2, 3) for name in names},
        "two": "one.0.first",
    }


@pytest.mark.parametrize("name", ["resnet50", "timm/dpn68"])
def test_a_copy_differs_in_nothing_but_paths(name: str) -> None:
    network = live.compiled(live.ROOT / "specs" / f"{name}.toml")[0].network
    copies = _copies(network)
    assert copies
    for copy in copies:
        assert copy.original.copy_of is None
        assert _inside(copy) == _inside(copy.original)


def _inside(region: Region) -> list[object]:
    """What is in an instance, with paths from it on."""
    cut = len(region.path)
    return [
        (part.path[cut:], part.op, part.input_shape(), part.output_shape(), part.node)
        for part in region.layers()
    ]


def test_what_is_inside_copies_is_left_out(path: Path) -> None:
    network = live.compiled(path)[0].network
    layers = [layer.path for layer in network.distinct_layers()]
    assert len(layers) == len(set(layers))
    inside = {x.path for copy in _copies(network) for x in copy.layers()}
    assert set(layers) == {x.path for x in network.all_layers()} - inside
    whole = [part for part in network.distinct() if isinstance(part, Layer)]
    assert [layer.path for layer in whole] == layers


def test_an_instance_that_is_not_looked_at_is_found_if_it_is_wrong(path: Path) -> None:
    analysis, source = live.compiled(path)
    assert validate(read(source), analysis.network) == []
    own = "self.norm = nn.BatchNorm2d("
    assert source.count(own) == 1
    for wrong in (
        source.replace(own, "self.same = self.conv\n        " + own),
        source.replace("in range(4)", "in range(3)"),
        source.replace("4, 4)", "4, 4.0)", 1),
    ):
        assert wrong != source
        assert validate(read(wrong), analysis.network)


def test_only_plain_values_make_calls_equal() -> None:
    one = key_of_call("Unit", (1,), {}, ())
    assert one == key_of_call("Unit", (1,), {}, (None, "x"))
    others = [
        key_of_call("Unit", (True,), {}, ()),
        key_of_call("Unit", (1.0,), {}, ()),
        key_of_call("Unit", (), {"width": 1}, ()),
        key_of_call("Other", (1,), {}, ()),
    ]
    assert one not in others
    module = Module("nn.ReLU", "leaf")
    assert key_of_call("Unit", (module,), {}, ()) is None
    assert key_of_call("Unit", (1,), {}, (module,)) is None


def _unit(*names: str) -> Module:
    children = {name: Module("nn.ReLU", "leaf") for name in names}
    return Module("Unit", "module", children={**children})


def test_instances_share_nothing() -> None:
    made = Instances()
    assert made.get("unit") is None
    made.keep("unit", _unit("act"))
    assert made.get("unit") is None  # most are made once
    second = _unit("act")
    made.keep("unit", second)
    second.children["late"] = Module("nn.ReLU", "leaf")
    third, fourth = made.get("unit"), made.get("unit")
    assert third is not None
    assert fourth is not None
    assert list(third.children) == list(fourth.children) == ["act"]
    assert third.children["act"] is not fourth.children["act"]


def test_what_stands_in_two_places_is_never_copied() -> None:
    made = Instances()
    for _ in range(3):
        unit = _unit("act")
        unit.children["same"] = unit.children["act"]
        made.keep("unit", unit)
        assert made.get("unit") is None

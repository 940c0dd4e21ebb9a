"""Names that a spec may not give, held to Python's and torch's own accounts of them."""

from __future__ import annotations

import builtins
import keyword
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest
from torch import nn

from archc.spec.identifiers import (
    Problem,
    of_class,
    of_counter,
    of_head,
    of_layer,
    of_network,
    of_parameter,
)
from archc.spec.reserved import MODULE

Rule = Callable[[str], Problem | None]


@pytest.mark.parametrize("kind", [nn.Module, nn.Sequential, nn.ModuleList])
def test_what_torch_modules_have_is_reserved(kind: type[nn.Module]) -> None:
    """A newer torch may have more; then the list lacks them."""
    own = {*dir(kind), *vars(kind())}
    assert {name for name in own if not name.startswith("__")} <= MODULE
    assert [name for name in own if of_layer(name) is None] == []


def test_what_is_reserved_no_longer_than_needed() -> None:
    """A layer of a reserved name breaks the module, or at least hides something."""
    assert not [name for name in MODULE if name.startswith("__")]
    assert of_layer("features") is None and of_layer("_own") is None


@pytest.mark.parametrize(
    "name",
    ["0", "block1-0", "class", "a b", "3×3", "🙂", "conv", "größe", 'a"b', "a\\b"],
)
def test_layers_are_what_add_module_takes(name: str) -> None:
    assert of_layer(name) is None and of_layer(f"lists.{name}") is None
    module = nn.Module()
    module.add_module(name, nn.ReLU())
    nn.ModuleDict()[name] = nn.ReLU()


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", "forward", "a.train"])
def test_layers_are_not_what_it_refuses(name: str) -> None:
    assert of_layer(name) is not None
    container, _, last = name.rpartition(".")
    with pytest.raises(KeyError):
        nn.Module().add_module(name if "." in name else last, nn.ReLU())
    assert of_layer(f"{container}a\0") is not None


@pytest.mark.parametrize("name", sorted({*dir(nn.ModuleDict)} - {*dir(nn.Module)}))
def test_lists_hold_nothing_that_a_module_dict_has(name: str) -> None:
    assert of_layer(f"lists.{name}") is not None


def test_heads_are_what_a_named_tuple_takes() -> None:
    for name in {*dir(tuple), *dir(NamedTuple("T", [])), *keyword.kwlist, "_aux"}:
        assert of_head(name) is not None, name
    for name in ("aux", "aux1", "logits", "main", "match", "größe"):
        assert of_head(name) is None
        NamedTuple("T", [(name, int)])


@pytest.mark.parametrize("rule", [of_parameter, of_counter])
def test_parameters_can_stand_in_code(rule: Rule) -> None:
    refused = {*keyword.kwlist, "__debug__", "__class__", "__x", "self", "in_channels"}
    for name in refused | {"len", "a b", "1st", "", "a\0", "a\n"}:
        assert rule(name) is not None, name
    for name in (
        "torch",
        "nn",
        "F",
        "math",
        "print",
        "type",
        "match",
        "_",
        "_x",
        "x__",
    ):
        assert rule(name) is None, name
        exec(f"class A:\n    def f(self, {name}):\n        return {name}\n")


def test_class_names_hide_nothing() -> None:
    imported = ["torch", "nn", "F", "math", "Tensor", "Sequence", "OrderedDict"]
    helpers = ["Permute", "ChannelSlice", "StochasticDepth"]
    # an interactive session leaves its last value in `builtins._`
    builtin = [name for name in dir(builtins) if name != "_"]
    names = [*builtin, *keyword.kwlist, *imported, *helpers]
    for name in [*names, "NamedTuple", "ClassVar", "__Net"]:
        assert of_class(name) is not None, name
    for name in ("ResNet", "Net", "_Net", "MyTensor", "FF"):
        assert of_class(name) is None


def test_files_stand_before_no_module() -> None:
    for name in [*sys.stdlib_module_names, "torch", "torchvision", "numpy", "class"]:
        assert of_network(name) is not None, name
    for name in ("resnet50", "torch_net", "net", "größe"):
        assert of_network(name) is None

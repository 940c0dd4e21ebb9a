from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from archc.ops.registry import OPS
from archc.schema import schema
from archc.spec.tables import MODIFIERS

from .conftest import SPECS, TINY

VALIDATOR = Draft202012Validator(schema())
CASES = Path(__file__).parents[1] / "emit" / "cases"
FILES = sorted([*SPECS.rglob("*.toml"), *SPECS.rglob("*.json"), *CASES.glob("*.toml")])


def read(path: Path) -> dict[str, Any]:
    text = path.read_text()
    return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_spec_fits(path: Path) -> None:
    errors = [f"{e.json_path}: {e.message}" for e in VALIDATOR.iter_errors(read(path))]
    assert errors == []


def test_every_op_and_modifier_is_offered() -> None:
    nodes = schema()["$defs"]
    for name, op in OPS.items():
        offered = nodes[f"op.{name}"]
        assert offered["description"] == op.__doc__
        assert {"op", *op.model_fields, *MODIFIERS} == offered["properties"].keys()
        assert offered["properties"]["op"] == {"const": name}
        whatever = {"additionalProperties": True}
        test = {"required": ["op"], "properties": {"op": {"const": name}}} | whatever
        one = {"if": test, "then": {"$ref": f"#/$defs/op.{name}"}}
        assert one in nodes["node"]["allOf"]
        assert name in nodes["node"]["properties"]["op"]["anyOf"][0]["enum"]


def test_numbers_may_be_expressions_and_have_defaults() -> None:
    conv = schema()["$defs"]["op.conv2d"]["properties"]
    assert conv["stride"]["default"] == 1
    assert {"$ref": "#/$defs/expression"} in conv["stride"]["anyOf"]
    assert {"$ref": "#/$defs/expression"} in conv["bias"]["anyOf"]
    assert conv["padding_mode"]["anyOf"][0]["enum"][0] == "zeros"


def node(text: str) -> dict[str, Any]:
    spec = tomllib.loads(TINY)
    spec["network"]["layers"] = [tomllib.loads(f"node = {text}")["node"]]
    return spec


@pytest.mark.parametrize(
    "text",
    [
        '{ op = "relu" }',
        '{ op = "conv2d", out_channels = "4 * i", kernel_size = [3, "k"], repeat = 2 }',
        '{ op = "conv2d", out_channels = 8, kernel_size = 3, padding = "same" }',
        '{ op = "max_pool2d", kernel_size = 3, ceil_mode = "deep" }',
        '{ op = "add", from = ["prev", "a"] }',
        '{ op = "upsample", scale_factor = 1.5, mode = "bilinear" }',
        '{ op = "zero_pad2d", padding = [1, 1, "p", 0] }',
        '{ block = "b", width = [1, [2, "x"]], on = true, skip = "add" }',
        '{ block = "b", skip = "add", shortcut = { block = "c" }, skip_when = "d" }',
        '{ layers = [{ op = "relu" }], name = "stage{i}", repeat = "n", index = "i" }',
        '{ branches = [{ op = "relu" }, [], [{ op = "tanh" }]], merge = "concat" }',
    ],
)
def test_what_is_right(text: str) -> None:
    assert [e.message for e in VALIDATOR.iter_errors(node(text))] == []


@pytest.mark.parametrize(
    "text",
    [
        "{ }",
        "3",
        '{ op = "re lu" }',
        '{ op = "relu", layers = [] }',
        '{ op = "conv2d", kernel_size = 3 }',
        '{ op = "conv2d", out_channels = 8, kernel_size = 3, strid = 1 }',
        '{ op = "conv2d", out_channels = 8, kernel_size = 0 }',
        '{ op = "conv2d", out_channels = 8.5, kernel_size = 3 }',
        '{ op = "conv2d", out_channels = 8, kernel_size = [3, 3, 3] }',
        '{ op = "conv2d", out_channels = 8, kernel_size = 3, padding_mode = "zero" }',
        '{ op = "relu", from = ["a", "b"] }',
        '{ op = "add" }',
        '{ op = "add", from = ["a"] }',
        '{ op = "relu", skip = "sum" }',
        '{ op = "relu", shortcut = { op = "identity" } }',
        '{ op = "relu", index = "j" }',
        '{ op = "relu", shape = [] }',
        '{ block = "b", op = "relu" }',
        '{ block = "b", width = { a = 1 } }',
        "{ block = 3 }",
        '{ layers = { op = "relu" } }',
        '{ layers = [{ op = "re lu" }] }',
        '{ branches = [{ op = "relu" }] }',
        '{ branches = [], merge = "add" }',
    ],
)
def test_what_is_wrong(text: str) -> None:
    assert not VALIDATOR.is_valid(node(text))


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"extends": "a.toml", "network": {"input": [3, 1, 1]}}, True),
        ({"extends": "a.toml", "network": ..., "name": ...}, True),
        ({"init": {"conv2d": {"weight": {"init": "normal_", "std": 0.01}}}}, True),
        ({"init": {"conv2d": "kaiming_normal", "linear": 0}}, True),
        ({"heads": [{"name": "a", "from": "conv", "block": "b", "n": 1}]}, True),
        ({"network": ..., "name": ..., "blocks": {"b": {"layers": []}}}, True),
        ({"archc": ...}, False),
        ({"archc": 2}, False),
        ({"name": ...}, False),
        ({"network": ...}, False),
        ({"network": {"input": [3, 1, 1]}}, False),
        ({"network": {"input": 3, "layers": []}}, False),
        ({"netwrok": {}}, False),
        ({"blocks": {"b": {}}}, False),
        ({"blocks": {"b": {"layers": [], "param": []}}}, False),
        ({"params": {"a": {"b": 1}}}, False),
        ({"use": "blocks.toml"}, False),
        ({"heads": [{"name": "a", "block": "b"}]}, False),
        ({"heads": [{"name": "a", "from": "conv"}]}, False),
        ({"init": {"relu": "ones_"}}, False),
        ({"init": {"conv2d": {"init": "norml_"}}}, False),
        ({"expect": {"params": "314"}}, False),
        ({"expect": {"param": 314}}, False),
    ],
)
def test_files(change: dict[str, Any], fits: bool) -> None:
    spec = tomllib.loads(TINY) | change
    spec = {key: value for key, value in spec.items() if value is not ...}
    assert VALIDATOR.is_valid(spec) is fits

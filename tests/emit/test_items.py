"""Loops run over the items of lists, under the names that these have elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from archc.emit.print import printed
from archc.emit.tree import Class, For, Method, Module, Pass, Return
from archc.ops import code
from archc.ops.code import Apply, Argument, ClassName, Global, Local, Nothing
from archc.spec.expressions import Const, Expr
from tests.emit import live

HERE = Path(__file__).parent


def _lines(path: Path, name: str) -> list[str]:
    _, source = live.compiled(path)
    made = source.partition(f"class {name}(")[2].partition("def forward")[0]
    return [line.strip() for line in made.splitlines()]


def test_rows_are_unpacked() -> None:
    lines = _lines(live.ROOT / "specs/torchvision/mobilenet_v2.toml", "MobileNetV2")
    assert "for expand_ratio, out_channels, depth, stride in settings:" in lines


ROWS = """
archc = 1
name = "rows"
[params]
stages = [[[1, 8, true]], [[3, 8, false], [5, 16, true]]]
[network]
input = [4, 16, 16]
layers = [{ repeat = "len(stages)", block = "stage", settings = "stages[i]" }]
[blocks.stage]
params = ["settings"]
layers = [
  { repeat = "len(settings)", block = "unit", kernel_size = "settings[i][0]", out_channels = "settings[i][1]", act = "settings[i][2]" },
]
[blocks.unit]
params = ["kernel_size", "out_channels", "act"]
layers = [
  { op = "conv2d", out_channels = "out_channels", kernel_size = "kernel_size", padding = "kernel_size // 2" },
  { op = "relu", when = "act" },
]
"""  # noqa: E501


def test_rows_that_a_block_is_given_are_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "rows.toml"
    path.write_text(ROWS)
    lines = _lines(path, "Stage")
    assert "for kernel_size, out_channels, act in settings:" in lines


def test_rows_with_long_names_are_a_table() -> None:
    """CSPDarknet's have five fields, which would take three lines each with names."""
    _, source = live.compiled(live.ROOT / "specs/timm/cspdarknet53.toml")
    assert "                StageConfig(8, 256, 256, 128, 128),\n" in source
    assert "class StageConfig(NamedTuple):\n    depth: int\n    width: int\n" in source


def test_lists_of_one_length_are_walked_together() -> None:
    lines = _lines(live.ROOT / "specs" / "timm" / "dpn68.toml", "DPN")
    assert "for stage, (depth, planes, width, growth_rate) in enumerate(" in lines
    lines = _lines(HERE.parent / "family" / "convnext_tiny.toml", "ConvNeXt")
    assert "blocks_before += depth" in lines


def test_a_count_is_called_so() -> None:
    lines = _lines(HERE.parent / "family" / "vgg11.toml", "VGG")
    assert "for out_channels, num_convs in zip(channels, convs, strict=True):" in lines
    assert "for _ in range(num_convs):" in lines


@pytest.mark.parametrize(
    "line",
    [
        "for n, (out_channels, _, kernel_size) in enumerate(rows, start=1):",
        "zip(widths[1:], kernels[1:], strict=True), start=1",
        "for i in range(1, zip_):",
        "for n, setting in enumerate(settings):",
        "for n in range(len(uneven)):",
    ],
)
def test_what_becomes_of_a_loop(line: str) -> None:
    assert line in _lines(HERE / "cases" / "items_of_lists.toml", "ItemsOfLists")


@pytest.mark.parametrize("length", [1, 12, 20, 30, 70])
@pytest.mark.parametrize("counted", [False, True])
def test_many_targets_are_laid_out_as_by_ruff(
    tmp_path: Path, length: int, *, counted: bool
) -> None:
    names = [letter * length for letter in "abcd"]
    over: Expr = Local("s" * length)
    if length % 4 == 0:
        lists = [Argument(Local(f"{n}s")) for n in names]
        over = Apply(Global("zip"), (*lists, Argument(Const(True), "strict")))
    targets = tuple(map(Local, names))
    if counted:
        over = code.call(Global("enumerate"), over)
        targets = (Local("stage"), *targets)
    body = (For(targets, over, (Pass(),)), Return(Nothing()))
    method = Method("forward", (), Nothing(), body)
    name = ClassName("Net")
    cls = Class(name, "Net", Global("nn.Module"), None, (), (method,))
    made = tmp_path / "made.py"
    made.write_text(printed(Module(("Net.", "More."), (), (), (cls,), name)))
    assert live.ruff("format", "--check", str(made)) == ""

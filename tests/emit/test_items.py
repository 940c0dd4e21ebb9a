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


def test_rows_that_a_block_is_given_are_unpacked() -> None:
    lines = _lines(live.ROOT / "specs/timm/ghostnet_100.toml", "Stage")
    assert "for kernel_size, expanded, out_channels, se, stride in settings:" in lines


def test_lists_of_one_length_are_walked_together() -> None:
    lines = _lines(live.ROOT / "specs" / "timm" / "dpn68.toml", "DPN")
    assert "for stage, (depth, width, growth_rate) in enumerate(" in lines
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

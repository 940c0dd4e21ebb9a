"""Channels that a loop carries are called `in_channels`."""

from __future__ import annotations

from pathlib import Path

from tests.emit import live
from tests.emit.holding import hold

BLOCK = """
archc = 1
name = "carries"

[network]
input = [3, 8, 8]
layers = [{{ name = "stage", block = "stage", out_channels = 4 }}]

[blocks.stage]
params = ["out_channels"]
layers = [
  {{ repeat = 2, layers = [
  {{ name = "c{{i}}", op = "conv2d", out_channels = "out_channels", kernel_size = 1 }},
  {{ op = "relu" }},
  ] }},
  {after}
]
"""


def _lines(folder: Path, text: str) -> list[str]:
    spec = folder / "carries.toml"
    spec.write_text(text)
    analysis, source = live.compiled(spec)
    hold(analysis, source)
    return [line.strip() for line in source.splitlines()]


def test_the_argument_is_what_the_loop_changes(tmp_path: Path) -> None:
    lines = _lines(tmp_path, BLOCK.format(after=""))
    assert "in_channels = out_channels" in lines
    assert "channels = in_channels" not in lines


def test_what_is_read_again_keeps_its_name(tmp_path: Path) -> None:
    after = '{ op = "concat", from = ["prev", "input"] }, '
    after += '{ name = "last", op = "conv2d", out_channels = 4, kernel_size = 1 }'
    lines = _lines(tmp_path, BLOCK.format(after=after))
    assert "channels = in_channels" in lines
    assert "channels = out_channels" in lines

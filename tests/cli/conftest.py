from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.command import invoke

Archc = Callable[..., Result]

SPECS = Path(__file__).parents[2] / "specs"

TINY = """\
archc = 1
name = "tiny"

[params]
width = 8
classes = 10

[network]
input = [3, 32, 32]
layers = [
  { name = "conv", op = "conv2d", out_channels = "width", kernel_size = 3, stride = 2 },
  { op = "relu" },
  { op = "adaptive_avg_pool2d", output_size = 1 },
  { op = "flatten" },
  { name = "fc", op = "linear", out_features = "classes" },
]

[expect]
params = 314
"""


@pytest.fixture
def archc() -> Archc:
    """Runs the command line in this process."""
    return invoke


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny(tree: Path) -> Path:
    """A small correct spec, as a path relative to the current directory."""
    path = Path("specs/tiny.toml")
    path.parent.mkdir()
    path.write_text(TINY)
    return path

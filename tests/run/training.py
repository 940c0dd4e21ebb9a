"""Small networks and runs for the tests of `archc train`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from click.testing import Result
from torch import Tensor

from tests.command import invoke

ROOT = Path(__file__).parents[2]

# all that has a state: dropout draws random numbers, batch norm averages
STATEFUL = """\
archc = 1
name = "stateful"

[params]
num_classes = 10

[network]
input = [1, 12, 12]
layers = [
  { name = "conv", op = "conv2d", out_channels = 8, kernel_size = 3 },
  { name = "bn", op = "batch_norm2d" },
  { op = "relu" },
  { op = "max_pool2d", kernel_size = 2 },
  { op = "flatten" },
  { op = "dropout", p = 0.3 },
  { name = "fc", op = "linear", out_features = "num_classes" },
]

[[heads]]
name = "aux"
from = "conv"
loss_weight = 0.3
layers = [
  { op = "adaptive_avg_pool2d", output_size = 1 },
  { op = "flatten" },
  { op = "linear", out_features = "num_classes" },
]
"""

# nothing but what a batch's gradient is a mean over
PLAIN = """\
archc = 1
name = "plain"

[network]
input = [1, 8, 8]
layers = [
  { name = "conv", op = "conv2d", out_channels = 8, kernel_size = 3 },
  { op = "relu" },
  { op = "flatten" },
  { name = "fc", op = "linear", out_features = 10 },
]
"""


def train(*arguments: object) -> Result:
    """`archc train` in this process; nothing but SystemExit may escape.

    It has one thread: sums are made in the same order with the same number of them.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    done = invoke("train", *arguments)
    torch.set_num_threads(threads)
    return done


def refusal(*arguments: object) -> str:
    """The one line with which it is refused."""
    done = train(*arguments)
    assert done.exit_code == 2, done.output
    (line,) = done.stderr.splitlines()
    return line


def started(said: Path, *arguments: object) -> subprocess.Popen[bytes]:
    """`archc train` in a process of its own, with one thread; it writes to a file."""
    with said.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "archc", "train", *map(str, arguments)],
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def weights(directory: Path) -> dict[str, Tensor]:
    return torch.load(directory / "model.pt", weights_only=True)


def result(directory: Path) -> dict[str, Any]:
    return json.loads((directory / "result.json").read_text())


def learnt(directory: Path) -> list[list[float]]:
    """The numbers of each epoch that do not depend on the time."""
    kept = ("lr", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
    return [[row[name] for name in kept] for row in result(directory)["epochs"]]

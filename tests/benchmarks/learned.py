"""What networks for small images learn of Fashion-MNIST: a part of `gpu.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NETWORKS = {
    "cifar/alexnet": "--lr 0.01 --momentum 0.9 --weight-decay 5e-4 --schedule cosine"
    " --augment alexnet --epochs 20",
    "cifar/resnet20": "--lr 0.1 --momentum 0.9 --weight-decay 1e-4 --schedule cosine"
    " --augment cifar --epochs 40",
}
"""With how they are trained."""


def learned(
    device: str, data_dir: Path | None, output: Path, workers: int
) -> Iterator[str]:
    """Trains each, tests it with one crop and with ten, and draws what it has learned;
    without a GPU with an epoch of noise."""
    data = "fashion-mnist" if device == "cuda" else "fake"
    yield "# What networks for CIFAR-10's images learn of Fashion-MNIST\n"
    yield "| network | top-1 | ten crops | calibration error | seconds | command |"
    yield "|---|---:|---:|---:|---:|---|"
    for key, recipe in NETWORKS.items():
        folder = output / key.replace("/", "-")
        words = recipe.split()
        if device == "cpu":
            words[words.index("--epochs") + 1] = "1"
        common = ["--data", data, "--input", "1,32,32", "--device", device]
        if data_dir is not None and data != "fake":
            common += ["--data-dir", str(data_dir)]
        run("train", key, *common, *words, "--output", folder, "--workers", workers)
        result = json.loads((folder / "result.json").read_text())
        weights = ["--weights", folder / "model.pt"]
        one, ten = (
            json.loads(
                run(
                    "evaluate", key, *common, *weights, "--crops", crops,
                    "--format", "json", "--picture", folder / f"confusion-{crops}.svg",
                )
            )
            for crops in (1, 10)
        )  # fmt: skip
        methods = ["--method", "kernels", "--method", "strongest", "--method", "deconv"]
        run("look", key, *common, *weights, *methods, "-o", folder / "look.png")
        run("look", key, *common, *weights, "-o", folder / "look.html")
        yield (
            f"| {key} | {one['top1']:.4f} | {ten['top1']:.4f}"
            f" | {one['calibration_error']:.4f} | {result['seconds']:.0f}"
            f" | `archc train {key} --data {data} --input 1,32,32 {' '.join(words)}` |"
        )
    yield f"\nConfusion matrices, kernels and projections are in {output}."


def run(*words: Any) -> str:
    """What a command of archc prints."""
    command = [sys.executable, "-m", "archc", *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout

"""What can only be measured on a GPU, in four parts of at most some minutes each.

    python tests/benchmarks/gpu.py speed
    python tests/benchmarks/gpu.py memory
    python tests/benchmarks/gpu.py train --data-dir DIR [--only vgg11_quarter]
    python tests/benchmarks/gpu.py learned --data-dir DIR --output DIR

`speed` sets the generated ResNet-50, GoogLeNet and DenseNet-121 beside torchvision's
modules in one run: training steps, eager and compiled. `memory` sets the predicted peak
of a training step beside the measured one, for every spec at two batch sizes. `train`
trains the networks of Dive into Deep Learning at the book's settings on Fashion-MNIST,
whose files must be in DIR. `learned` trains AlexNet and ResNet-20 for CIFAR-10's images
on Fashion-MNIST, tests them with one crop and ten, and draws kernels and projections.
Nothing is downloaded. Each part prints Markdown.

With --device cpu all of it runs small, to see that the script works; memory is not
measured there, and nothing compiled.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torchvision
from learned import learned
from torch import nn

from archc.diagnostics.model import Sink
from archc.emit.execution import execution
from archc.emit.module import emit
from archc.measure.memory import footprint
from archc.pipeline import analyse
from archc.run.loss import cross_entropy, parts, weighted
from archc.run.subject import Subject
from archc.spec.load import Loader

ROOT = Path(__file__).parents[2]


def subject(key: str) -> Subject:
    """A network of specs/ with freshly written code."""
    sink = Sink()
    analysis = analyse(ROOT / "specs" / f"{key}.toml", Loader(sink), sink)
    assert analysis is not None
    source = emit(analysis.network)
    return Subject(key, analysis.network, analysis.facts, source)


def about(device: str) -> str:
    name = torch.cuda.get_device_name() if device == "cuda" else "the CPU"
    versions = f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}"
    return f"On {name}, {versions}."


# ---- speed

SPEED = {
    "torchvision/resnet50": ("resnet50", {}),
    "torchvision/googlenet": ("googlenet", {"init_weights": False}),
    "torchvision/densenet121": ("densenet121", {}),
}
"""Our spec, torchvision's function and its arguments."""


class Step:
    """Training steps on one batch of noise."""

    def __init__(
        self, model: nn.Module, batch: int, size: int, device: str, *, compiled: bool
    ) -> None:
        self.device = device
        model = model.to(device, memory_format=torch.channels_last).train()
        x = torch.randn(batch, 3, size, size, device=device)
        self.x = x.to(memory_format=torch.channels_last)
        self.y = torch.randint(1000, (batch,), device=device)
        self.optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
        self.run: Callable[..., Any] = torch.compile(model) if compiled else model

    def __call__(self) -> None:
        half = self.device == "cuda"
        with torch.autocast(self.device, torch.bfloat16, enabled=half):
            outputs = self.run(self.x)
            if isinstance(outputs, torch.Tensor):
                outputs = (outputs,)
            total = sum(nn.functional.cross_entropy(o, self.y) for o in outputs)
        assert isinstance(total, torch.Tensor)
        self.optimizer.zero_grad()
        total.backward()
        self.optimizer.step()

    def seconds(self) -> float:
        self._wait()
        start = time.perf_counter()
        self()
        self._wait()
        return time.perf_counter() - start

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def speed(device: str, **_: Any) -> Iterator[str]:
    """Pairs of steps, one of each module, so that both meet the same conditions."""
    batch, size, pairs = (256, 224, 30) if device == "cuda" else (2, 64, 3)
    yield f"# Generated modules beside torchvision's\n\n{about(device)}"
    yield (
        f"Training steps of {batch} images of {size}×{size}, SGD with momentum,"
        f" channels last, {'bf16 autocast' if device == 'cuda' else 'fp32'}; the"
        f" medians of {pairs} pairs of steps, taken in turns. A ratio above 1 is in"
        " favour of the generated module; least and most are of single pairs.\n"
    )
    yield "| network | mode | generated | torchvision | ratio | least | most |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for compiled in (False, True) if device == "cuda" else (False,):
        for key, (name, arguments) in SPEED.items():
            torch.manual_seed(0)
            theirs = getattr(torchvision.models, name)(weights=None, **arguments)
            ours = subject(key).module()
            ours.load_state_dict(theirs.state_dict())
            steps = [
                Step(model, batch, size, device, compiled=compiled)
                for model in (ours, theirs)
            ]
            for step in steps:
                for _ in range(10 if device == "cuda" else 1):
                    step()
            times = [[step.seconds() for step in steps] for _ in range(pairs)]
            mine, peer = (statistics.median(t) for t in zip(*times, strict=True))
            ratios = [b / a for a, b in times]
            yield (
                f"| {key} | {'compiled' if compiled else 'eager'}"
                f" | {batch / mine:,.1f} images/s | {batch / peer:,.1f} images/s"
                f" | {peer / mine:.3f} | {min(ratios):.3f} | {max(ratios):.3f} |"
            )
            del steps, ours, theirs
            tidy(device)


def tidy(device: str) -> None:
    gc.collect()
    torch.compiler.reset()
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


# ---- memory


def memory(device: str, **_: Any) -> Iterator[str]:
    """The peak of a training step with SGD and momentum, predicted and measured."""
    yield f"# Predicted beside measured memory\n\n{about(device)}"
    yield (
        "The peak of a training step in fp32 with SGD and momentum: predicted by"
        " `archc memory` before, measured by `torch.cuda.max_memory_allocated` in the"
        " second step. What the measured peak has more is above all the workspace of"
        " convolutions, and the allocator's rounding.\n"
    )
    yield "| network | batch | predicted MiB | measured MiB | predicted / measured |"
    yield "|---|---:|---:|---:|---:|"
    ratios: list[float] = []
    for path in sorted((ROOT / "specs").rglob("*.toml")):
        key = path.relative_to(ROOT / "specs").with_suffix("").as_posix()
        if key.startswith("blocks/"):
            continue
        one = subject(key)
        predicted = footprint(
            one.network, execution(one.network), optimizer="momentum", device="cuda"
        )
        for batch in (8, 32) if device == "cuda" else (1, 2):
            expected = predicted.at(batch).peak.total
            found = (
                measured(one, batch) if device == "cuda" and fits(expected) else None
            )
            if found is not None:
                ratios.append(expected / found)
            yield (
                f"| {key} | {batch} | {expected / 2**20:,.0f}"
                f" | {'' if found is None else f'{found / 2**20:,.0f}'}"
                f" | {'' if found is None else f'{expected / found:.3f}'} |"
            )
    if ratios:
        off = sorted(abs(1 - ratio) for ratio in ratios)
        yield (
            f"\nOff by {statistics.median(off):.1%} in the median, {off[-1]:.1%} at"
            f" worst, over {len(off)} measurements."
        )


def fits(expected: int) -> bool:
    """Whether so many bytes are free, with a fifth more for what is not predicted."""
    tidy("cuda")
    return 1.2 * expected < torch.cuda.mem_get_info()[0]


def measured(one: Subject, batch: int) -> int:
    """Bytes at the peak of the second step, on the GPU."""
    tidy("cuda")
    before = torch.cuda.memory_allocated()
    model = one.module("cuda").train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    shapes = [value.shape for value in one.network.inputs.values() if value.shape]
    given = [torch.randn(batch, *map(int, x.sizes), device="cuda") for x in shapes]
    own = len(one.network.outputs)
    for _ in range(2):
        torch.cuda.reset_peak_memory_stats()
        optimizer.zero_grad()
        output = model(*given)
        # of any number of scores the first is right
        y = torch.zeros(batch, dtype=torch.long, device="cuda")
        losses = [cross_entropy(part, y) for part in parts(output)]
        weighted(losses, output, model, own).backward()
        optimizer.step()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


# ---- training


class Setting(NamedTuple):
    """How the book trains a network, and what it reports."""

    batch: int
    lr: float
    size: int
    accuracy: str


BOOK = {
    "alexnet": Setting(128, 0.01, 224, "0.883"),
    "vgg11_quarter": Setting(128, 0.05, 224, "0.920"),
    "nin": Setting(128, 0.1, 224, "0.79"),
    "googlenet": Setting(128, 0.1, 96, "0.886"),
    "resnet18": Setting(256, 0.05, 96, "0.893"),
    "densenet": Setting(256, 0.1, 96, "0.885"),
}


def train(
    device: str, data_dir: Path | None, only: str | None, workers: int
) -> Iterator[str]:
    """Ten epochs each, as the book does; noise for two steps without a GPU."""
    yield f"# Dive into Deep Learning's networks on Fashion-MNIST\n\n{about(device)}"
    yield (
        "Ten epochs with plain SGD at the book's batch sizes and learning rates. Test"
        " accuracies are noisy by some points. For AlexNet, 2,569 images per second are"
        " reported for an RTX 3060.\n"
    )
    heads = "network | batch | lr | test accuracy | book | images/s | seconds | command"
    yield f"| {heads} |"
    yield "|---|---:|---:|---:|---:|---:|---:|---|"
    for name, setting in BOOK.items():
        if only not in (None, name):
            continue
        size = f"1,{setting.size},{setting.size}"
        data, epochs = ("fashion-mnist", 10) if device == "cuda" else ("fake", 1)
        arguments = [f"d2l/{name}", "--data", data, "--epochs", str(epochs)]
        arguments += ["--batch", str(setting.batch), "--lr", str(setting.lr)]
        arguments += ["--input", size]
        result = trained([*arguments, "--device", device], data_dir, workers)
        rows = result["epochs"]
        images = statistics.median(row["images_per_second"] for row in rows)
        yield (
            f"| d2l/{name} | {setting.batch} | {setting.lr}"
            f" | {result['test_accuracy']:.3f} | {setting.accuracy} | {images:,.0f}"
            f" | {result['seconds']:.0f} | `archc train {' '.join(arguments)}` |"
        )


def trained(
    arguments: list[str], data_dir: Path | None, workers: int
) -> dict[str, Any]:
    """The result of a training in a process of its own."""
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", "archc", "train", *arguments]
        command += ["--workers", str(workers), "--output", output]
        if data_dir is not None and "fashion-mnist" in arguments:
            command += ["--data-dir", str(data_dir)]
        subprocess.run(command, check=True, stdout=sys.stderr)
        return json.loads((Path(output) / "result.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("part", choices=["speed", "memory", "train", "learned"])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--only", choices=list(BOOK))
    parser.add_argument("--output", type=Path, default=Path("runs/learned"))
    parser.add_argument("--workers", type=int, default=8)
    chosen = parser.parse_args()
    if chosen.device == "cuda" and not torch.cuda.is_available():
        parser.error(
            "there is no GPU here; --device cpu only shows that the script works"
        )
    if chosen.part == "train":
        lines = train(chosen.device, chosen.data_dir, chosen.only, chosen.workers)
    elif chosen.part == "learned":
        where = chosen.data_dir, chosen.output, chosen.workers
        lines = learned(chosen.device, *where)
    else:
        lines = {"speed": speed, "memory": memory}[chosen.part](chosen.device)
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()

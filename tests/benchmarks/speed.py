"""How fast archc is, beside a peer measured in the same run.

    python tests/benchmarks/speed.py

Needs torch, torchvision and torchinfo. Prints figures and ratios; it is no test, and
nothing here fails on a slow machine.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPECS = Path(__file__).parents[2] / "specs"
RESNET = SPECS / "torchvision" / "resnet152.toml"
RUNS = 9
PEER = """
import torch, torchinfo, torchvision
with torch.device("meta"):
    model = torchvision.models.resnet152()
print(torchinfo.summary(model, (1, 3, 224, 224), device="meta", verbose=0))
"""


def main() -> None:
    whole_process()
    in_process()
    growth()
    no_torch()


def whole_process() -> None:
    """`archc summary` against torchinfo on meta tensors, as whole processes in turn."""
    ours = [sys.executable, "-m", "archc", "summary", str(RESNET)]
    peer = [sys.executable, "-c", PEER]
    seconds: dict[str, list[float]] = {"archc": [], "torchinfo": []}
    ratios: list[float] = []
    for run in range(RUNS + 1):
        pair = [_seconds(ours), _seconds(peer)]
        if run:  # the first pair warms the file cache and writes bytecode
            seconds["archc"].append(pair[0])
            seconds["torchinfo"].append(pair[1])
            ratios.append(pair[1] / pair[0])
    print("summary of ResNet-152, whole process, seconds (least, median, most):")
    for name, values in seconds.items():
        print(f"  {name:10} {_spread(values)}")
    print(f"  torchinfo / archc: {_spread(ratios)}")


def in_process() -> None:
    """From the file to the facts, in a process that has done it before."""
    values = [_analyse(RESNET) for _ in range(21)][1:]
    print("ResNet-152, file to facts in process, milliseconds (least, median, most):")
    print(f"  archc      {_spread([v * 1000 for v in values])}")


def growth() -> None:
    """Time and memory of one repeated layer, up to 100,000 of them."""
    print("growth with the number of layers (a residual block of 3, repeated):")
    print("     layers   seconds   us/layer   MiB over start   KiB/layer")
    for layers in (1_000, 10_000, 100_000):
        out = subprocess.run(
            [sys.executable, __file__, "--grow", str(layers // 3)],
            check=True,
            capture_output=True,
            text=True,
        )
        seconds, mebibytes = json.loads(out.stdout)
        print(
            f"  {layers:9,} {seconds:9.3f} {seconds / layers * 1e6:10.2f}"
            f" {mebibytes:16.1f} {mebibytes * 1024 / layers:11.2f}"
        )


def grow(count: int) -> None:
    spec = {
        "archc": 1,
        "name": "tall",
        "params": {"count": count},
        "network": {
            "input": [8, 16, 16],
            "layers": [{"name": "body", "block": "residual", "repeat": "count"}],
        },
        "blocks": {
            "residual": {
                "layers": [
                    {
                        "skip": "add",
                        "layers": [
                            {
                                "name": "conv",
                                "op": "conv2d",
                                "out_channels": "in_channels",
                                "kernel_size": 3,
                                "padding": 1,
                            },
                            {"op": "relu"},
                        ],
                    }
                ]
            }
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tall.json"
        path.write_text(json.dumps(spec))
        _analyse(RESNET)  # so that what is built once is not counted
        before = _peak()
        seconds = _analyse(path)
        print(json.dumps([seconds, _peak() - before]))


def no_torch() -> None:
    """Commands that must not load torch, each with the modules it did load."""
    print("modules loaded:")
    with tempfile.TemporaryDirectory() as folder:
        for command in (
            ["check", str(SPECS)],
            ["summary", str(RESNET)],
            ["compile", str(RESNET), "-o", folder],
        ):
            code = (
                "import sys\nfrom archc.cli import main\n"
                f"main({command!r}, standalone_mode=False)\n"
                "print(len(sys.modules), 'torch' in sys.modules, file=sys.stderr)"
            )
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            )
            count, torch = done.stderr.split()[-2:]
            print(f"  {command[0]:8} {count:>5}, torch among them: {torch}")


def _analyse(path: Path) -> float:
    from archc.diagnostics.model import Sink
    from archc.pipeline import analyse
    from archc.spec.load import Loader

    gc.collect()
    sink = Sink()
    start = time.perf_counter()
    analysis = analyse(path, Loader(sink), sink)
    seconds = time.perf_counter() - start
    assert analysis is not None, list(sink)
    return seconds


def _seconds(command: list[str]) -> float:
    # bytecode is cached for both, as on any user's machine
    environment = {
        k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"
    }
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - start


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _spread(values: list[float]) -> str:
    return f"{min(values):8.2f} {statistics.median(values):8.2f} {max(values):8.2f}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--grow"]:
        grow(int(sys.argv[2]))
    else:
        main()

"""Predicted memory of every spec beside torch's own account, on fake tensors.

    python tests/benchmarks/memory.py [SPEC...]

Needs torch, and no GPU. Prints the bytes that autograd keeps and the peak of a training
step in fp32 without an optimizer, batch 2, as predicted and as tracked.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from archc.measure.memory import footprint  # noqa: E402
from tests.measure import tracked  # noqa: E402


def main(paths: list[Path]) -> None:
    print(f"{'':40} {'saved, MiB':>21} {'peak, MiB':>21}")
    print(
        f"{'':40} {'predicted':>10} {'tracked':>10} {'predicted':>10} {'tracked':>10}"
    )
    off: list[float] = []
    for path in paths:
        made = tracked.read(path)
        found = tracked.step(made)
        model = footprint(made.network, optimizer="none", device="cpu")
        predicted = model.at(tracked.BATCH)
        off.append(predicted.peak.total / found.peak - 1)
        numbers = (
            predicted.saved, found.saved, predicted.peak.total, found.peak,
        )  # fmt: skip
        cells = " ".join(f"{number / 2**20:10.2f}" for number in numbers)
        print(f"{_name(path):40} {cells} {100 * off[-1]:+7.3f} %", flush=True)
    sizes = sorted(map(abs, off))
    print(f"peak: median {100 * median(sizes):.3f} %, worst {100 * sizes[-1]:.3f} %")


def _name(path: Path) -> str:
    return "/".join((path.parent.name, path.stem))


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    every = sorted((ROOT / "specs").rglob("*.toml"))
    main(given or [path for path in every if "blocks" not in path.parts])

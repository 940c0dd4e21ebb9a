"""Predicted memory beside torch's own account: how the errors are distributed.

    python tests/benchmarks/memory.py [--networks 1000] [--seed N] [SPEC...]

Needs torch. Random networks are trained on real tensors on the CPU, named ones, or
those given, on fake ones; peaks are of one step in fp32 without an optimizer. What
autograd keeps on a GPU is compared in fp32 and bf16, on real tensors where there is
one, else on fake ones. (`gpu.py memory` measures peaks there.)
Networks whose saved bytes are not equal, or whose peak is off by more than 0.5 %, are
listed. Prints Markdown.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from secrets import randbelow

import torch

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.measure import tracked  # noqa: E402
from tests.measure.random_errors import Error, case, error, errors  # noqa: E402

_NOTED = 0.005
_SHOWN = (0.5, 0.9, 0.99, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("specs", nargs="*", type=Path)
    given = parser.parse_args()
    seed = randbelow(10**9) if given.seed is None else given.seed
    print(f"seed {seed}\n")
    print("| | networks | median | 90th | 99th percentile | worst |")
    print("|---|---:|---:|---:|---:|---:|")
    named = [(path.stem, tracked.read(path)) for path in given.specs or _every()]
    found = [error(n, made, batch=tracked.BATCH, fake=True) for n, made in named]
    _rows("named", found)
    _on_a_gpu("named", named)
    with tempfile.TemporaryDirectory() as folder:
        seeds = range(seed, seed + 10 * given.networks)
        drawn = list(errors(seeds, given.networks, Path(folder)))
        _rows("random", drawn)
        made = [(f"seed {n}", case(n, Path(folder))) for n in seeds[: given.networks]]
        # torch moves no fake module to a device of its own, as places would
        random = [
            (name, one)
            for name, one in made
            if one is not None and not one.network.spec.places
        ]
        _on_a_gpu("random", random)
    print()
    for one in (*found, *drawn):
        if one.saved or abs(one.peak) > _NOTED:
            print(f"- {one}")


def _every() -> list[Path]:
    specs = sorted((ROOT / "specs").rglob("*.toml"))
    family = sorted((ROOT / "tests" / "family").glob("*.toml"))
    return [path for path in (*specs, *family) if "blocks" not in path.parts]


def _on_a_gpu(what: str, cases: list[tuple[str, tracked.Case]]) -> None:
    """Prints how far what autograd keeps on a GPU differs."""
    fake = not torch.cuda.is_available()
    for precision in ("fp32", "bf16"):
        differences: list[float] = []
        for _, made in cases:
            found = tracked.saved(made, "cuda", precision, fake=fake)
            predicted = made.footprint(precision=precision).at(tracked.BATCH)
            differences.append(float(predicted.saved - found))
        _row(f"{what}, saved bytes on a GPU, {precision}", differences)


def _rows(what: str, found: list[Error]) -> None:
    kinds: dict[str, Callable[[Error], float]] = {
        "saved, bytes": lambda one: one.saved,
        "peak": lambda one: 100 * one.peak,
    }
    for kind, of in kinds.items():
        _row(f"{what}, {kind}", [of(one) for one in found], percent=kind == "peak")


def _row(what: str, values: list[float], *, percent: bool = False) -> None:
    sizes = sorted(map(abs, values))
    picked = [sizes[min(len(sizes) - 1, int(q * len(sizes)))] for q in _SHOWN]
    cells = [f"{size:.3f} %" if percent else f"{size:,.0f}" for size in picked]
    print(f"| {what} | {len(sizes)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()

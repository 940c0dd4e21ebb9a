"""Which networks `archc import` makes specs of, and how long these are.

    python tests/benchmarks/imports.py torchvision:resnet50 timm:all > table.md

`torchvision:all` and `timm:all` are all that these packages have, without those that
call attention. With `--compute`, outputs are compared; without it, which ops read what.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator

from torch import nn

from archc.run.importing.session import NotASpec, Result, import_network
from archc.run.importing.sources import NoSource, source_of
from archc.run.importing.tracer import input_names


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    parser.add_argument("--compute", action="store_true")
    parser.add_argument("--step", type=int, default=1, help="take every so manieth")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| network | | lines | blocks | tensors | |\n|---|---|---:|---:|---:|---|")
    totals: Counter[str] = Counter()
    names = [n for source in options.sources for n in _names(source)]
    for name in names[:: options.step]:
        start = time.monotonic()
        state, row = _row(name, options.compute)
        totals[state] += 1
        row += f" {time.monotonic() - start:.1f} s |" if state != "refused" else " |"
        print(row, flush=True)
        gc.collect()
    said = ", ".join(f"{count} {state}" for state, count in totals.most_common())
    print(f"\n{said}", file=sys.stderr)
    return 1 if totals["WRONG"] or totals["FAULT"] else 0


def _names(source: str) -> Iterator[str]:
    package, _, name = source.partition(":")
    if name != "all":
        yield source
    elif package == "timm":
        import timm

        yield from (f"timm:{name}" for name in timm.list_models())
    else:
        import torchvision

        yield from (f"torchvision:{n}" for n in torchvision.models.list_models())


def _row(name: str, compute: bool) -> tuple[str, str]:
    try:
        source = source_of(name, {})
        names = input_names(source.module)[:1] or ["x"]
        shapes = dict(zip(names, source.inputs.values(), strict=True))
        result = import_network(source.module, source.name, shapes, computing=compute)
    except (NotASpec, NoSource) as error:
        said = " ".join(str(error).split())[:300].replace("|", "/")
        return "FAULT", f"| {name} | FAULT | | | | {said}"
    except Exception as error:
        return "FAULT", f"| {name} | FAULT | | | | {type(error).__name__}: {error}"
    state = _state(result)
    if state == "refused":
        kinds = dict.fromkeys(r.reason for r in result.refused)
        return state, f"| {name} | refused | | | | {'; '.join(list(kinds)[:3])}"
    lines = len(result.text.splitlines())
    why = result.proof.why if state != "proven" else ""
    cells = f"{lines} | {result.blocks} | {result.tensors} | {why}"
    return state, f"| {name} | {state} | {cells}"


def _state(result: Result) -> str:
    if result.refused:
        return "refused"
    if not result.passed or "cannot be followed" in result.proof.why:
        return "WRONG"
    return "close" if result.proof.outputs == "close" else "proven"


def _skip_starts() -> None:
    """No numbers are looked at, so none are drawn."""
    for name in dir(nn.init):
        if name.endswith("_") and not name.startswith("_"):
            setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)


if __name__ == "__main__":
    if "--compute" not in sys.argv:
        _skip_starts()
    raise SystemExit(main())

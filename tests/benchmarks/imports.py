"""Which networks `archc import` makes specs of, and how long these are.

    sources="torchvision:all timm:all"
    python tests/benchmarks/imports.py $sources --smallest --log DONE.jsonl

`timm:all` are all that timm has, `torchvision:all` what torchvision has for
classification, segmentation and video. With `--smallest`, of those whose modules are of
the same classes only the smallest stands in the table. What multiplies computed values,
as attention does, or has an LSTM is counted and left out. Prints
`docs/import-coverage.md`. What stands in the log is not done again.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archc.importing.writing.compiled import identifier
from archc.run.importing.session import Result, import_network
from archc.run.importing.sources import NoSource, Source, source_of
from archc.run.importing.tracer import input_names, trace

_PRODUCTS = frozenset(
    {"matmul", "bmm", "einsum", "baddbmm", "mm", "__matmul__", "__rmatmul__", "lstm",
     "scaled_dot_product_attention", "multi_head_attention_forward", "gru"}
)  # fmt: skip
_FAILED = ("FAULT", "WRONG")


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    parser.add_argument("--smallest", action="store_true")
    parser.add_argument("--log", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    _skip_starts()
    done = _read(options.log)
    if "chosen" not in done:
        names = [n for source in options.sources for n in _names(source)]
        chosen = _smallest(names) if options.smallest else {n: [n] for n in names}
        _write(options.log, {"name": "chosen", "chosen": chosen})
        done = _read(options.log)
    chosen = done["chosen"]["chosen"]
    for name in chosen:
        if name not in done:
            done[name] = _row(name)
            _write(options.log, done[name])
            gc.collect()
    rows = [done[name] for name in chosen]
    print("\n".join(_table(rows, chosen)))
    return 1 if any(row["state"] in _FAILED for row in rows) else 0


def _read(log: Path) -> dict[str, Any]:
    lines = log.read_text("utf-8").splitlines() if log.is_file() else []
    return {row["name"]: row for row in map(json.loads, lines)}


def _write(log: Path, row: dict[str, Any]) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


# ---- which


def _names(source: str) -> Iterator[str]:
    package, _, name = source.partition(":")
    if name != "all":
        yield source
    elif package == "timm":
        import timm

        yield from (f"timm:{name}" for name in timm.list_models())
    else:
        from torchvision import models  # pyright: ignore[reportMissingTypeStubs]

        # not those that have several calls, or post-processing, as detection
        for part in (models, models.segmentation, models.video):
            yield from (f"torchvision:{n}" for n in models.list_models(module=part))


def _smallest(names: list[str]) -> dict[str, list[str]]:
    """The networks with the fewest parameters, each with all of the same classes."""
    alike: dict[Any, list[tuple[int, str]]] = {}
    for name in names:
        try:
            module = _built(name)
        except NoSource as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        classes = frozenset(type(part) for part in module.modules())
        size = sum(p.numel() for p in module.parameters())
        alike.setdefault((type(module), classes), []).append((size, name))
    return {min(group)[1]: [n for _, n in group] for group in alike.values()}


def _built(name: str) -> nn.Module:
    """A network, without values if it can be built so."""
    try:
        with torch.device("meta"):
            return source_of(name, {}).module
    except NoSource:
        return source_of(name, {}).module


def _skip_starts() -> None:
    """All numbers are drawn anew for the proof; those of a start only take time."""
    for name in dir(nn.init):
        first = name.partition("_")[0]
        if name.endswith("_") and first not in ("", "ones", "zeros", "constant"):
            setattr(nn.init, name, _as_it_is)


def _as_it_is(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    return tensor


# ---- one network


def _row(name: str) -> dict[str, Any]:
    """What came of it."""
    start = time.monotonic()
    row: dict[str, Any] = {"name": name}
    try:
        source = source_of(name, {})
        inputs = input_names(source.module)[:1] or ["x"]
        shapes = dict(zip(inputs, source.inputs.values(), strict=True))
        row |= _imported(source, shapes)
    except Exception as error:
        row |= {"state": "FAULT", "why": f"{type(error).__name__}: {error}"[:400]}
    return row | {"seconds": round(time.monotonic() - start, 1)}


def _imported(source: Source, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    calls = trace(source.module, identifier(source.name), shapes).calls
    called = {call.function.rpartition(".")[2] for call in calls}
    if not calls:
        called = _called(source.module, shapes)
    row: dict[str, Any] = {"calls": len(calls)}
    if called & _PRODUCTS:
        return row | {"state": "attention"}
    result = import_network(source.module, source.name, shapes)
    row["state"] = state = _state(result)
    if state == "refused":
        why = "; ".join([*dict.fromkeys(r.reason for r in result.refused)][:3])
    else:
        why = result.proof.why
    row |= {"lines": len(result.text.splitlines()), "blocks": result.blocks}
    return row | {"tensors": result.tensors, "why": why}


def _called(module: nn.Module, shapes: dict[str, tuple[int, ...]]) -> set[str]:
    """What functions a network calls of which nothing is traced, as it is refused
    before."""
    found: set[str] = set()

    class Noting(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            found.add(getattr(func, "__name__", ""))
            return func(*args, **(kwargs or {}))

    with torch.no_grad(), Noting():
        module.eval()(*(torch.zeros(1, *shape) for shape in shapes.values()))
    return found


def _state(result: Result) -> str:
    if result.refused:
        return "refused"
    if not result.passed or "cannot be followed" in result.proof.why:
        return "WRONG"
    return result.proof.outputs


# ---- the page


def _table(rows: list[dict[str, Any]], chosen: dict[str, list[str]]) -> Iterator[str]:
    free = [row for row in rows if row["state"] != "attention"]
    said = [row for row in free if row["state"] not in ("refused", *_FAILED)]
    counts = {r["name"]: len(chosen[r["name"]]) for r in rows}
    total, specs = (sum(counts[r["name"]] for r in some) for some in (free, said))
    yield "# What `archc import` makes of published networks"
    yield ""
    yield "<!-- Made by tests/benchmarks/imports.py. -->"
    yield ""
    yield (
        f"Of the {total} networks without attention that are counted here,"
        f" {specs} become specs: {specs / total:.1%}."
    )
    yield "Of those built of the same classes the smallest stands here, for so many."
    yield "Calls are those of torch's functions in a forward pass. Outputs were"
    yield "computed for random weights and statistics on a CPU."
    yield ""
    lines = statistics.median(row["lines"] for row in said)
    calls = statistics.median(row["calls"] for row in said)
    yield f"The median spec has {lines:g} lines, for {calls:g} calls."
    yield ""
    yield "| network | for | calls | lines | blocks | tensors | outputs |"
    yield "|---|---:|---:|---:|---:|---:|---|"
    for row in said:
        outputs = row["state"] + (f": {row['why']}" if row["why"] else "")
        cells = [row[key] for key in ("calls", "lines", "blocks", "tensors")]
        cells = [counts[row["name"]], *cells, outputs]
        yield f"| `{row['name']}` | {' | '.join(map(str, cells))} |"
    yield ""
    yield "## Refused"
    yield ""
    yield "| network | for | because |"
    yield "|---|---:|---|"
    for row in free:
        if row not in said:
            why = " ".join(row["why"].split()).replace("|", "/")
            yield f"| `{row['name']}` | {counts[row['name']]} | {why} |"
    yield ""
    states = Counter(row["state"] for row in rows)
    print(dict(states), file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())

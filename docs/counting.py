"""Writes docs/counting.md, the page of what other tools count.

python docs/counting.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from archc.diagnostics.model import Sink
from archc.emit.evaluation import evaluation
from archc.measure.counting.count import TOOLS, Count, count, counter
from archc.pipeline import analyse
from archc.spec.load import Loader

DOCS = Path(__file__).parent
SPECS = DOCS.parent / "specs"
PAGE = DOCS / "counting.md"

INTRO = """\
# Why other tools print other numbers

Six tools print five numbers of operations for ResNet-50, and none of them is wrong by its
own convention. `archc summary --as TOOL` prints the figure of each, to the digit, and what
it counts otherwise than archc: by reason, by op and by layer. It takes no torch and runs
nothing.

```sh
archc summary torchvision/resnet50 --as fvcore
archc summary torchvision/resnet50 --as ptflops --format json
```

archc counts the fused multiply-adds of convolutions and linear layers for one sample,
without biases, as papers do. The others:

| | torchinfo | fvcore | ptflops | thop | calflops | torch |
|---|---|---|---|---|---|---|
| version | {versions} |
| it sees | modules without children | aten functions of a trace | modules by their class, and some functions; with `aten`, what is run | modules by their class | functions of `torch.nn.functional` | aten functions that are run |
| a multiply-add | 1 | 1 ("FLOPs") | 1 | 1 | 2 FLOPs, 1 MAC | 2 |
| bias | 1 a number | - | 1 a number | - | 1 a number, of convolutions | - |
| batch normalisation, a number | its parameters once | 2, or 1 without scale | 2 | 4, or 2 | 2, or 1 | - |
| layer and group normalisation | their parameters once | 5, or 4 | 1 (layer), 2 (group) | 4 (layer) | 5, or 4 | - |
| ReLU, GELU and others | - | - | 1; 2 as a module | - | 1 | - |
| pooling, a number read | - | 1 of adaptive average pooling | 1; 2 as a module | 1 a number made; its window and 1 if adaptive | 1 | - |
| resizing, a number made | - | 1, 4 if bilinear | 1 | 1 to 259 by mode, as a module | see below | - |
| transposed convolution | at the output | at the input | at the input | at the output | at the input | at the input |

A tool that hooks modules does not see functions, and one that replaces functions sees those
that modules call. So the figure depends on how the code is written. archc gives it for the
module that it generates, which writes `F.relu` where an activation is used in place; for
ptflops and thop it also gives the figure of a module that has `nn.ReLU` and the like
throughout, as torchvision's ResNet has: {modules:,} for ResNet-50.

Where a figure is a fault of the tool's:

{remarks}

## Taken for faults

What follows from a convention is often reported as a fault; with the figures above, it is
neither:

- calflops prints "FLOPs" twice as large as what others print under that name, and "MACs" as large
  (github.com/MrYxJ/calculate-flops.pytorch/issues/56): it counts both halves of a multiply-add,
  as torch does.
- ptflops prints 4.12 billion for ResNet-50 where papers say 4.09
  (github.com/sovrasov/flops-counter.pytorch/issues/94): batch normalisation, activations and
  poolings, which papers leave out. `archc summary torchvision/resnet50 --as ptflops` tells how
  much is which, and with the backend `aten` they are left out there too.
- fvcore's "FLOPs" are multiply-adds (github.com/facebookresearch/fvcore/issues/133 and 69): its
  4.11 billion for ResNet-50 are 4.09 of convolutions and the linear layer, and what it counts of
  batch normalisation.

The figures are held against the installed tools on {compared} networks of all kinds, and on
each op by itself: what they printed stands in `tests/measure/counted.toml` and
`counted_ops.toml`, with the versions, written by `tests/benchmarks/counters.py`. Helpers that the generated module defines are seen by what
functions they call; ops of a spec's own, of which archc does not know what they call, count
nothing.

## All networks

For one sample, in evaluation, without auxiliary classifiers. This page is made by
`python docs/counting.py`.

| network | archc | torchinfo | fvcore | ptflops | ptflops, aten | thop | calflops, FLOPs | torch |
|---|---|---|---|---|---|---|---|---|
"""  # noqa: E501
COLUMNS = (
    "torchinfo", "fvcore", "ptflops_pytorch", "ptflops_aten", "thop", "calflops_flops",
    "torch",
)  # fmt: skip


def counts(key: str) -> list[Count] | None:
    """A network in all conventions; None for a file of blocks."""
    sink = Sink()
    analysis = analyse(SPECS / f"{key}.toml", Loader(sink), sink)
    if analysis is None:
        return None
    network, facts = analysis.network, analysis.facts
    calls = evaluation(network)
    macs = {layer: facts.layers[layer].macs for layer in network.layers()}
    return [count(network, calls, macs, tool) for tool in TOOLS]


def row(key: str) -> str | None:
    """Its line in the table."""
    found = counts(key)
    if found is None:
        return None
    figures = {f.name: f.total for one in found for f in one.figures}
    numbers = (found[0].macs, *(figures[name] for name in COLUMNS))
    return f"| {key} | {' | '.join(f'{n:,}' for n in numbers)} |"


def keys() -> list[str]:
    """All networks that come with archc."""
    found = (path.relative_to(SPECS).with_suffix("") for path in SPECS.rglob("*.toml"))
    return sorted(path.as_posix() for path in found)


def intro() -> str:
    """The page up to the table."""
    import tomllib

    stored = (DOCS.parent / "tests/measure/counted.toml").read_text("utf-8")
    found = counts("torchvision/resnet50")
    assert found is not None
    modules = {f.name: f.total for one in found for f in one.figures}
    tools = [counter(tool) for tool in TOOLS]
    return INTRO.format(
        versions=" | ".join(tool.version for tool in tools),
        modules=modules["ptflops_pytorch_modules"],
        remarks="\n".join(_remarks()),
        compared=len(tomllib.loads(stored)) - 1,
    )


def _remarks() -> Iterator[str]:
    for name in TOOLS:
        for remark in counter(name).remarks:
            yield f"- **{name}**: {remark}"


def main() -> None:
    rows = filter(None, map(row, keys()))
    PAGE.write_text(intro() + "\n".join(rows) + "\n", "utf-8")
    print(f"wrote {PAGE}", file=sys.stderr)


if __name__ == "__main__":
    main()

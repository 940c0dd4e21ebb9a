"""Which ONNX files `archc import` makes specs of: torchvision's networks, exported by
both of torch's exporters, and the light graphs of the onnx package.

    python tests/benchmarks/onnx_files.py resnet50 densenet121 googlenet mobilenet_v2

A table on standard output: lines, blocks, parameters, and the largest difference from
onnxruntime, of the largest output. `--light` adds the graphs, and FILE.onnx is a file
that is there already.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archc.run.importing.onnx import import_onnx
from archc.run.importing.sources import source_of
from archc.run.importing.tensors import held_by


def main() -> int:
    parser = argparse.ArgumentParser(description="Imports ONNX files.")
    parser.add_argument("names", nargs="*", metavar="NAME|FILE.onnx")
    parser.add_argument("--light", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    failed = 0
    print(
        "| file | lines | blocks | parameters | difference |\n|---|---:|---:|---:|---|"
    )
    with tempfile.TemporaryDirectory() as directory:
        for path in _files(options.names, options.light, Path(directory)):
            result = import_onnx(path)
            failed += not result.passed
            said = (
                f"{result.proof.outputs}, {result.proof.max_difference:.1e}"
                if result.passed
                else "; ".join(r.reason for r in result.refused) or result.proof.outputs
            )
            lines = len(result.text.splitlines())
            cells = f"{lines} | {result.blocks} | {result.params:,} | {said}"
            print(f"| {path.stem} | {cells} |", flush=True)
    return 1 if failed else 0


def _files(names: list[str], light: bool, directory: Path) -> Iterator[Path]:
    for name in names:
        if name.endswith(".onnx"):
            yield Path(name)
            continue
        source = name if ":" in name else f"torchvision:{name}"
        for dynamo in (False, True):
            how = "dynamo" if dynamo else "script"
            path = directory / f"{name.replace(':', '_')}_{how}.onnx"
            try:
                _export(source, dynamo, path)
            except Exception as error:
                print(f"| {path.stem} | | | | not exported: {type(error).__name__} |")
                continue
            yield path
            for file in directory.iterdir():
                file.unlink()
    if light:
        package: Any = import_module("onnx")
        graphs = Path(package.__file__).parent / "backend/test/data/light"
        yield from sorted(graphs.glob("*.onnx"))


def _export(source: str, dynamo: bool, path: Path) -> None:
    """Writes a network with random statistics, as after training."""
    found = source_of(source, {})
    _spread(found.module)
    (shape,) = found.inputs.values()
    given = (torch.randn(1, *shape),)
    exporting: Any = torch.onnx
    exporting.export(
        found.module.eval(), given, str(path), dynamo=dynamo, verbose=False
    )


def _spread(module: nn.Module) -> None:
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for held in held_by(module):
            if held.tensor.ndim == 1 and held.tensor.is_floating_point():
                if held.name in ("weight", "running_var"):
                    held.tensor.uniform_(0.5, 1.5, generator=draw)
                else:
                    held.tensor.normal_(0, 0.1, generator=draw)


if __name__ == "__main__":
    raise SystemExit(main())

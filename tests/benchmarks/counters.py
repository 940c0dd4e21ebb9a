# pyright: basic, reportMissingImports=false
"""What other tools print for the networks that come with archc.

    python tests/benchmarks/counters.py > tests/measure/counted.toml
    python tests/benchmarks/counters.py resnet50 vgg16
    python tests/benchmarks/counters.py --ops > tests/measure/counted_ops.toml

The last is for small networks around one op, by the cases of tests/ops/cases.py. Needs
torch and the tools: pip install fvcore ptflops thop calflops torchinfo transformers. A
tool that fails on a network has the kind of its error in the place of a figure. Every
figure is for one sample, in evaluation, of the generated module.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import archc
from archc.catalog import files

TOOLS = ("torchinfo", "fvcore", "ptflops", "thop", "calflops", "torch")


def torchinfo(model: Any, inputs: list[Any]) -> dict[str, int]:
    from torchinfo import summary

    found = summary(model, input_data=inputs, verbose=0)
    return {"torchinfo": found.total_mult_adds}


def fvcore(model: Any, inputs: list[Any]) -> dict[str, int]:
    from fvcore.nn import FlopCountAnalysis

    found = FlopCountAnalysis(model, tuple(inputs))
    found.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return {"fvcore": int(found.total())}


def ptflops(model: Any, inputs: list[Any]) -> dict[str, int]:
    from ptflops import get_model_complexity_info

    found: dict[str, int] = {}
    for backend in ("pytorch", "aten"):
        given = dict(zip(_arguments(model), inputs, strict=False))
        macs, _ = get_model_complexity_info(
            model,
            tuple(inputs[0].shape[1:]),
            as_strings=False,
            print_per_layer_stat=False,
            backend=backend,
            input_constructor=lambda _, given=given: given,
        )
        if macs is None:
            raise RuntimeError("refused")
        found[f"ptflops_{backend}"] = int(macs)
    return found


def _arguments(model: Any) -> list[str]:
    from inspect import signature

    return list(signature(model.forward).parameters)


def thop(model: Any, inputs: list[Any]) -> dict[str, int]:
    from thop import profile

    macs, _ = profile(model, inputs=tuple(inputs), verbose=False)
    return {"thop": int(macs)}


def calflops(model: Any, inputs: list[Any]) -> dict[str, int]:
    from calflops import calculate_flops

    flops, macs, _ = calculate_flops(
        model, args=list(inputs), print_results=False, output_as_string=False
    )
    return {"calflops_flops": int(flops), "calflops_macs": int(macs)}


def torch_counter(model: Any, inputs: list[Any]) -> dict[str, int]:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*inputs)
    return {"torch": counter.get_total_flops()}


COUNTERS: tuple[Callable[[Any, list[Any]], dict[str, int]], ...] = (
    torchinfo, fvcore, ptflops, thop, calflops, torch_counter,
)  # fmt: skip


def figures(name: str) -> dict[str, int | str]:
    """What all tools say of one network."""
    network = archc.load(name)
    found: dict[str, int | str] = {}
    for counter in COUNTERS:
        # a tool that fails leaves torch changed, so each has a process of its own
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.write(writer, json.dumps(_asked(counter, network)).encode())
            os._exit(0)
        os.close(writer)
        with open(reader, "rb") as pipe:
            found |= json.loads(pipe.read())
        os.waitpid(child, 0)
    return found


def _asked(counter: Any, network: Any) -> dict[str, int | str]:
    try:
        model = network.module().eval()
        inputs = [torch.zeros(1, *shape) for shape in network.input_shapes.values()]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return counter(model, inputs)
    except Exception as error:
        return {counter.__name__: type(error).__name__}


def of_ops() -> None:
    """Prints the figures of small networks around one op."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.ops import specs
    from tests.ops.cases import CASES

    for tool in ("torchinfo", "fvcore.nn", "ptflops", "thop", "calflops"):
        import_module(tool)  # once, and not in each process
    print("\n[ops]")
    with tempfile.TemporaryDirectory() as folder:
        for op in sorted(CASES):
            for number, case in enumerate(CASES[op]):
                path = specs.write(Path(folder) / "net.json", op, case, named=True)
                rows = figures(str(path)).items()
                shown = [f"{tool} = {_value(value)}" for tool, value in rows]
                print(f'"{op} {number}" = {{ {", ".join(shown)} }}', flush=True)


def _value(value: int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value:_}"


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    print("# Written by tests/benchmarks/counters.py.\n\n[versions]")
    for tool in TOOLS:
        print(f'{tool} = "{version(tool)}"')
    if sys.argv[1:] == ["--ops"]:
        of_ops()
        return
    for name in sys.argv[1:] or [entry.key for entry in files()]:
        torch.manual_seed(0)
        try:
            rows = figures(name)
        except ValueError:
            continue  # only blocks for others
        print(f'\n["{name}"]')
        for tool, value in rows.items():
            print(f"{tool} = {_value(value)}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

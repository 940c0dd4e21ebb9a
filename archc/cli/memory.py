"""`archc memory`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, given, reading
from archc.cli.run_options import weights_option
from archc.escaping import visible

if TYPE_CHECKING:
    from archc.measure.memory import Footprint, Optimizer, Precision
    from archc.measure.refusal import Refusal
    from archc.ops.steps import Device

F = TypeVar("F", bound=Callable[..., Any])

_EPILOG = """\b
Examples:
  archc memory resnet50 --batch 64 --optimizer adam --precision bf16
  archc memory resnet50 --optimizer adam --fit 24GB
  archc memory specs/googlenet.toml --format json | jq .peak.total

Not modelled: the workspace of convolutions, the allocator's rounding and fragments,
the CUDA context (some hundred MB), graphs that torch.compile made. Leave a tenth free.
"""

_UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}


class _Limit(NamedTuple):
    """Bytes, and how they were given."""

    size: int
    text: str


def _size(
    context: click.Context, param: click.Parameter, value: str | None
) -> _Limit | None:
    """Reads 24GB or 22.5GiB as bytes."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)\s*([A-Za-z]*)", value.strip())
    unit = None if match is None else _UNITS.get(match[2].upper())
    if match is None or unit is None:
        raise click.BadParameter(f"{value!r} is no size, as in 24GB or 22.5GiB")
    return _Limit(int(Fraction(match[1]) * unit), value.strip())


def step_options(command: F) -> F:
    """Which training step is meant, for all that asks for its memory."""
    for option in (
        click.option(
            "--device",
            type=click.Choice(["cuda", "cpu"]),
            default="cuda",
            show_default=True,
            help="They differ in what dropout keeps and in how Adam steps.",
        ),
        click.option(
            "--precision",
            type=click.Choice(["fp32", "bf16", "fp16"]),
            default="fp32",
            show_default=True,
            help="bf16 and fp16 are torch.autocast: weights, their gradients and the"
            " optimizer's state stay in fp32.",
        ),
        click.option(
            "--optimizer",
            type=click.Choice(["none", "sgd", "momentum", "adam"]),
            default="sgd",
            show_default=True,
            help="momentum is SGD with momentum; none is forward and backward alone.",
        ),
        click.option(
            "--batch",
            type=click.IntRange(1, 10**9),
            default=32,
            show_default=True,
            help="Samples in a training step.",
        ),
    ):
        command = option(command)
    return command


@click.command("memory", epilog=_EPILOG)
@click.argument("spec", type=SPEC)
@step_options
@click.option(
    "--fit",
    "limit",
    callback=_size,
    metavar="SIZE",
    help="Find the largest batch whose peak is at most SIZE: 24GB (10^9), 24GiB"
    " (2^30). In the place of --batch.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text",
    show_default=True,
)  # fmt: skip
@weights_option
@reading
@click.pass_context
def command(
    context: click.Context,
    spec: Path,
    batch: int,
    optimizer: Optimizer,
    precision: Precision,
    device: Device,
    limit: _Limit | None,
    form: str,
    weights: str | None,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Predict the memory of a training step, without torch and without a GPU.

    SPEC is a path, or a name that `archc list` shows, such as resnet50.

    It is the step of the generated module: forward with auxiliary classifiers,
    cross-entropy, backward, optimizer. Diagnostics go to stderr. Exit status 1 also
    means that not even one sample fits, or that torch refuses to train such a batch.
    """
    from archc.cli.running import fitted_weights, need_torch
    from archc.cli.specs import Run, find_one, no_directory
    from archc.emit.execution import execution
    from archc.measure.memory import footprint
    from archc.measure.refusal import refusal

    no_directory(spec)
    if limit is not None and given(context, "batch"):
        raise click.UsageError("--fit finds the batch; leave out --batch")
    run = Run(Overrides(assignments, inputs), anywhere=allow_outside)
    found_spec = find_one(spec)
    analysis = run.analyse(found_spec.path)
    run.report(color)
    if analysis is None:
        if run.libraries:
            raise Refused(f"{spec} only holds blocks for others to use, and no network")
        context.exit(1)
    network = analysis.network
    if weights is not None:
        # what is held does not depend on them: they are only held to the network
        need_torch("memory --weights")
        entry = found_spec.entry
        label = visible(entry.key if entry else str(spec))
        fitted_weights(network, label, weights)
    found = footprint(
        network,
        execution(network),
        optimizer=optimizer,
        precision=precision,
        device=device,
    )
    if limit is None:
        refused = refusal(network, batch)
        _write(found, batch, form, refused=refused)
        if refused is not None:
            context.exit(1)
        return
    largest = found.largest(limit.size)
    refused = None if largest is None else refusal(network, largest)
    fits = largest is not None and refused is None
    _write(found, largest or 1, form, fit=(limit, fits), refused=refused)
    if not fits:
        context.exit(1)


def _write(
    found: Footprint,
    batch: int,
    form: str,
    *,
    fit: tuple[_Limit, bool] | None = None,
    refused: Refusal | None,
) -> None:
    from archc.measure.memory_table import as_text

    memory = found.at(batch)
    if form == "json":
        table = memory.to_dict()
        table["refused"] = None if refused is None else asdict(refused)
        if fit is not None:
            limit, fits = fit
            table["fit"] = {"limit": limit.size, "batch": batch if fits else None}
        click.echo(json.dumps(table, indent=2))
        return
    for answer in _answers(batch, memory.peak.total, fit, refused):
        click.echo(f"{answer}.\n")
    click.echo(as_text(memory), nl=False)


def _answers(
    batch: int, peak: int, fit: tuple[_Limit, bool] | None, refused: Refusal | None
) -> Iterator[str]:
    """What was asked for, before what it follows from."""
    from archc.measure.memory_table import amount

    if fit is not None:
        (size, given), fits = fit
        answer = f"not even one sample fits, as it takes {amount(peak)}"
        if fits:
            answer = f"batch {batch:,} is the largest that fits"
        elif refused is not None:
            answer = "no batch fits that can be trained"
        yield f"{given} ({amount(size)}): {answer}"
    if refused is not None:
        yield f"Batch {batch:,} cannot be trained: {refused}"

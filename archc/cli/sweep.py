"""`archc sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archc.cli.memory import step_options
from archc.cli.options import SPEC, Inputs, Refused, given, reading
from archc.cli.varying import progress, variants_of, vary_option

if TYPE_CHECKING:
    from archc.design.sweep import Sweep
    from archc.measure.memory import Optimizer, Precision
    from archc.ops.steps import Device

_EPILOG = """\b
Examples:
  archc sweep my_net.toml --vary width=16:128:16
  archc sweep resnet50 --vary 'depths=[[2, 2, 2, 2], [3, 4, 6, 3]]' --format csv
  archc sweep resnet50 --vary 'depths[2]=1:36:5' --plot depth.svg --axes memory,params
"""


@click.command("sweep", epilog=_EPILOG)
@click.argument("spec", type=SPEC)
@vary_option
@step_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    help="Memory is in bytes in json and csv.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.svg",
    help="Also write a picture: the variants as points, with the Pareto front.",
)
@click.option(
    "--axes",
    default="macs,params",
    show_default=True,
    metavar="X,Y",
    help="What is plotted: params, macs, receptive_field, depth, memory, or what is"
    " varied. The front has more of Y for less of X.",
)
@reading
@click.pass_context
def command(
    context: click.Context,
    spec: Path,
    varied: tuple[str, ...],
    batch: int,
    optimizer: Optimizer,
    precision: Precision,
    device: Device,
    form: str,
    plot: Path | None,
    axes: str,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Show what a network amounts to for many values of its parameters.

    SPEC is a path, or a name that `archc list` shows, such as resnet50.

    A row for every combination: parameters, multiply-adds, receptive field, depth
    (layers with weights on the longest way), and the peak memory of a training step. A
    combination that is no network says why. Exit status 1 also means that none is one.
    """
    from archc.design.ranges import RangeError
    from archc.design.sweep import sweep
    from archc.design.variants import Step

    x, comma, y = (part.strip() for part in axes.partition(","))
    if not comma or not x or not y:
        raise click.BadParameter(f"{axes!r} is not X,Y, as in macs,params")
    if plot is None and given(context, "axes"):
        raise click.UsageError("--axes are those of --plot")
    if plot is not None and plot.suffix.lower() != ".svg":
        raise click.BadParameter(f"{plot} must end in .svg", param_hint="--plot")
    variants = variants_of(
        context,
        spec,
        varied,
        (assignments, inputs),
        allow_outside=allow_outside,
        color=color,
    )
    step = Step(batch, optimizer, precision, device)
    try:
        with progress("variants") as tell:
            found = sweep(variants, step, tell)
        picture = None if plot is None else found.to_svg(x, y)
    except RangeError as error:
        raise Refused(str(error)) from error
    _write(found, form)
    if plot is not None and picture is not None:
        _save(plot, picture)
    if all(row.variant.problem is not None for row in found.rows):
        context.exit(1)


def _write(found: Sweep, form: str) -> None:
    if form == "json":
        click.echo(found.to_json(), nl=False)
    elif form == "csv":
        click.echo(found.to_csv(), nl=False)
    else:
        click.echo(f"{found}")


def _save(path: Path, picture: str) -> None:
    from archc.cli.specs import reason
    from archc.cli.writing import tell_made
    from archc.output import Output, write

    try:
        tell_made(write([Output(path, picture.encode())]))
    except OSError as error:
        raise Refused(f"cannot write {path}: {reason(error)}") from error

"""`archc solve`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archc.cli.options import SPEC, Inputs, Refused, reading
from archc.cli.varying import progress, variants_of, vary_option
from archc.escaping import visible

if TYPE_CHECKING:
    from archc.design.solve import Answer
    from archc.design.variants import Variants

_EPILOG = """\b
Examples:
  archc solve resnet50 --vary 'depths[2]=1:36' --where 'macs <= 8e9' \\
      --where 'memory(batch=64, optimizer="adam") <= 12GB' --maximize params
  archc solve resnet50 --vary 'depths[2]=1:36' --vary 'depths[3]=1:6' \\
      --where 'receptive_field >= 500' --minimize macs -o small.toml

\b
Names: params, macs, receptive_field, depth, and the spec's own parameters, which come
before these. memory(batch=32, optimizer="sgd", precision="fp32", device="cuda") is
the peak of a training step in bytes. Units: kB MB GB TB, KiB MiB GiB TiB, k M G T.
"""


@click.command("solve", epilog=_EPILOG)
@click.argument("spec", type=SPEC)
@vary_option
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="An expression of the language that has to hold: 'macs <= 1e9'. Repeatable.",
)
@click.option(
    "--maximize", metavar="EXPRESSION", help="Find the one with most of this."
)
@click.option("--minimize", metavar="EXPRESSION", help="Find the one with least.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10**6),
    default=4000,
    show_default=True,
    help="How many combinations to look at. Among more, the longest range is bisected"
    " where all that is asked is monotone; else the best that was found is given.",
)
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    help="Write the spec with the values that were found. Nothing is written over.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text",
    show_default=True,
)  # fmt: skip
@reading
@click.pass_context
def command(
    context: click.Context,
    spec: Path,
    varied: tuple[str, ...],
    where: tuple[str, ...],
    maximize: str | None,
    minimize: str | None,
    limit: int,
    out: Path | None,
    form: str,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Find the values of a network's parameters that fit a budget best.

    SPEC is a path, or a name that `archc list` shows, such as resnet50.

    Says which condition binds, that is, without which a better one would do, and what
    comes after the best. Exit status 1 also means that no combination satisfies the
    conditions; then it says which of them forbid it.
    """
    from archc.design.conditions import ConditionError, overshadowed
    from archc.design.solve import solve

    if (maximize is None) == (minimize is None):
        raise click.UsageError("give --maximize or --minimize, and not both")
    if out is not None:
        _check(out)
    variants = variants_of(
        context,
        spec,
        varied,
        (assignments, inputs),
        allow_outside=allow_outside,
        color=color,
    )
    for name in overshadowed(variants, (*where, maximize or minimize or "")):
        line = f"note: {name} is the parameter of {spec}, and not the network's {name}"
        click.echo(visible(line), err=True)
    try:
        with progress("combinations") as tell:
            answer = solve(
                variants,
                where,
                maximize=maximize,
                minimize=minimize,
                limit=limit,
                progress=tell,
            )
    except ConditionError as error:
        raise click.UsageError(str(error)) from error
    click.echo(answer.to_json() if form == "json" else f"{answer}\n", nl=False)
    if answer.best is None:
        context.exit(1)
    if out is not None:
        _save(out, variants, answer)


def _check(out: Path) -> None:
    if out.suffix.lower() != ".toml":
        raise Refused(f"{out} is no name for a spec in TOML: it must end in .toml")
    if os.path.lexists(out):
        raise Refused(f"{out} is there already, and nothing is written over")


def _save(out: Path, variants: Variants, answer: Answer) -> None:
    from archc.cli.specs import reason
    from archc.cli.writing import tell_made
    from archc.design.written import written
    from archc.escaping import visible
    from archc.output import Output, create

    assert answer.best is not None
    analysis, _ = variants.analysis(answer.best.values)
    assert analysis is not None
    text, left_out = written(analysis.network)
    try:
        tell_made(create(Output(out, text.encode())))
    except OSError as error:
        raise Refused(f"cannot write {out}: {reason(error)}") from error
    dropped = f", without {left_out} shapes that it claimed" if left_out else ""
    click.echo(f"wrote {visible(str(out))}{dropped}", err=True)

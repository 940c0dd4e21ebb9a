"""`archc summary`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from archc.cli.options import (
    SPEC,
    Inputs,
    Overrides,
    Refused,
    colored,
    is_terminal,
    reading,
)

_EPILOG = """\b
Examples:
  archc summary specs/googlenet.toml
  archc summary resnet50 --set num_classes=10 --input 3,64,64
  archc summary resnet50 --format json | jq .params
  archc summary resnet50 --format latex > table.tex
"""


_SET_WELL = 2000
"""Up to how many layers rich sets the table; for more it would be felt as a wait."""


@click.command("summary", epilog=_EPILOG)
@click.argument("spec", type=SPEC)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv", "markdown", "latex"]),
    default="text",
    show_default=True,
    help="latex needs the packages booktabs and longtable.",
)
@reading
@click.pass_context
def command(
    context: click.Context,
    spec: Path,
    form: str,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Show a network layer by layer.

    SPEC is a path, or a name that `archc list` shows, such as resnet50.

    Shapes are without the batch. MACs are fused multiply-adds of convolutions and
    linear layers for one sample, without bias. The receptive field is in input pixels;
    behind a global operation there is none. Diagnostics go to stderr.
    """
    from archc.cli.specs import Run
    from archc.measure.summary import summarize

    if spec.is_dir():
        raise click.UsageError(f"{spec} is a directory; give one spec")
    run = Run(Overrides(assignments, inputs), anywhere=allow_outside)
    analysis = run.analyse(spec)
    run.report(color)
    if analysis is None:
        if run.libraries:
            raise Refused(f"{spec} only holds blocks for others to use, and no network")
        context.exit(1)
    table = summarize(analysis.network, analysis.facts)
    if form == "json":
        click.echo(table.to_json(), nl=False)
        return
    from archc.measure import tables

    if form == "text" and is_terminal(sys.stdout) and len(table.layers) <= _SET_WELL:
        from rich.console import Console

        console = Console(no_color=not colored(color, sys.stdout))
        console.print(tables.as_rich(table, console.width))
        return
    write = {
        "text": tables.as_text,
        "csv": tables.as_csv,
        "markdown": tables.as_markdown,
        "latex": tables.as_latex,
    }[form]
    click.echo(write(table), nl=False)

"""`archc summary`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from archc.measure.counting.count import Tool
    from archc.pipeline import Analysis

_EPILOG = """\b
Examples:
  archc summary specs/googlenet.toml
  archc summary resnet50 --set num_classes=10 --input 3,64,64
  archc summary resnet50 --format json | jq .params
  archc summary resnet50 --format latex > table.tex
  archc summary resnet50 --format latex --fold > stages.tex
  archc summary resnet50 --as fvcore
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
@click.option(
    "--as",
    "tool",
    type=click.Choice(["torchinfo", "fvcore", "ptflops", "thop", "calflops", "torch"]),
    help="Show the number of operations that this tool prints, and what it counts"
    " otherwise than archc.",
)
@click.option(
    "--fold",
    is_flag=True,
    help="With latex: a row for each stage, with blocks in brackets, in the manner of"
    " the ResNet paper's Table 1; needs booktabs alone.",
)
@reading
@click.pass_context
def command(
    context: click.Context,
    spec: Path,
    form: str,
    tool: Tool | None,
    fold: bool,
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
    from archc.cli.specs import Run, no_directory
    from archc.measure.summary import summarize

    if tool is not None and form not in ("text", "json"):
        raise click.UsageError("--as has the formats text and json")
    if fold and form != "latex":
        raise click.UsageError("--fold has the format latex")
    no_directory(spec)
    run = Run(Overrides(assignments, inputs), anywhere=allow_outside)
    analysis = run.analyse(spec)
    run.report(color)
    if analysis is None:
        if run.libraries:
            raise Refused(f"{spec} only holds blocks for others to use, and no network")
        context.exit(1)
    if tool is not None:
        _as_counted(analysis, tool, form)
        return
    if fold:
        from archc.draw.table import as_latex

        click.echo(as_latex(analysis.network, analysis.facts), nl=False)
        return
    table = summarize(analysis.network, analysis.facts)
    if form == "json":
        click.echo(table.to_json(), nl=False)
        return
    from archc.measure import tables

    if form == "text" and is_terminal(sys.stdout) and len(table.layers) <= _SET_WELL:
        from rich.console import Console

        console = Console(no_color=not colored(color, sys.stdout))
        console.width = tables.set_width(table, console.width)
        console.print(tables.as_rich(table, console.width))
        return
    write = {
        "text": tables.as_text,
        "csv": tables.as_csv,
        "markdown": tables.as_markdown,
        "latex": tables.as_latex,
    }[form]
    click.echo(write(table), nl=False)


def _as_counted(analysis: Analysis, tool: Tool, form: str) -> None:
    import json

    from archc.emit.evaluation import evaluation
    from archc.escaping import json_text
    from archc.measure.counting.count import count
    from archc.measure.counting.table import as_text

    network, facts = analysis.network, analysis.facts
    macs = {layer: facts.layers[layer].macs for layer in network.layers()}
    found = count(network, evaluation(network), macs, tool)
    if form == "json":
        data = json.dumps(found.to_dict(), indent=2, ensure_ascii=False)
        click.echo(json_text(data))
    else:
        click.echo(as_text(found), nl=False)

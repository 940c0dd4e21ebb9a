"""`archc check`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from archc.cli.options import SPEC, Inputs, Overrides, colored, reading, width

_EPILOG = """\b
Examples:
  archc check specs/googlenet.toml
  archc check specs/ --format github
  archc check resnet50 --set depths=[3,4,23,3] --input 3,160,160
"""


@click.command("check", epilog=_EPILOG)
@click.argument("specs", type=SPEC, nargs=-1, required=True, metavar="SPEC...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="github: annotations for GitHub Actions.",
)
@reading
@click.pass_context
def command(
    context: click.Context,
    specs: tuple[Path, ...],
    form: str,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Report every mistake in specs.

    A SPEC is a path, or a name that `archc list` shows, such as resnet50. A directory
    stands for the specs (.toml, .json) in it and below; hidden ones are skipped. Of a
    file that only holds blocks for others to `use`, these are checked.

    Exit status: 0 without errors (warnings are allowed), 1 with errors, 2 wrong use.
    """
    from archc.cli.specs import Run, find
    from archc.diagnostics import render

    run = Run(Overrides(assignments, inputs), anywhere=allow_outside)
    found = find(specs)
    for spec in found:
        run.analyse(spec.path)
    diagnostics = run.diagnostics
    if form == "json":
        click.echo(render.render_json(diagnostics))
    elif form == "github":
        click.echo(render.render_github(diagnostics), nl=False)
    else:
        paint = colored(color, sys.stdout)
        text = render.render_text(diagnostics, color=paint, width=width(sys.stdout))
        if text:
            click.echo(text, color=paint)
        count = f"{len(found)} file{'' if len(found) == 1 else 's'}"
        click.echo(f"{count} checked: {render.summary_line(diagnostics)}")
    context.exit(1 if run.failed else 0)

"""`archc diff`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, colored, reading
from archc.escaping import visible

if TYPE_CHECKING:
    from archc.cli.specs import Run
    from archc.compare.model import Comparison, Side

_EPILOG = """\b
Examples:
  archc diff alexnet zfnet
  archc diff torchvision/googlenet googlenet --diagram
  archc diff specs/resnet50.toml specs/mine.toml --format json | jq .totals
"""


@click.command("diff", epilog=_EPILOG)
@click.argument("a", type=SPEC)
@click.argument("b", type=SPEC)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
)
@click.option(
    "--diagram",
    is_flag=True,
    help="Also draw both networks in one picture, with the differences marked.",
)
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    default=Path("generated", "diff"),
    show_default="generated/diff",
    help="Where the picture is written.",
)
@click.option(
    "--format-diagram",
    "picture",
    type=click.Choice(["svg", "pdf", "png"]),
    default="svg",
    show_default=True,
    help="What to render the picture as; the .dot is always written.",
)
@reading
@click.pass_context
def command(
    context: click.Context,
    a: Path,
    b: Path,
    form: str,
    diagram: bool,
    out: Path,
    picture: Literal["svg", "pdf", "png"],
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Show what separates network B from network A.

    Both are opened up into layers, whatever their blocks are called, and laid side by
    side along the longest structure that they have in common. What differs comes first,
    in as few lines as it takes; then totals; then the layers, of which those that are
    alike are only counted.

    \b
    ~ changed   + only in B   - only in A   > at another place

    Each SPEC is a path, or a name that `archc list` shows. --set and --input apply to
    both. The depth counts convolutions and linear layers on the longest path.

    Exit status: 0 all is well, whether or not they differ; 1 errors in a spec; 2 wrong
    use, or the picture cannot be made.
    """
    from archc.cli.specs import Run
    from archc.compare.comparison import compare

    run = Run(Overrides(assignments, inputs), anywhere=allow_outside)
    sides = [_side(spec, run) for spec in (a, b)]
    run.report(color)
    one, other = sides
    if one is None or other is None:
        context.exit(1)
    found = compare(one, other)
    if form == "json":
        import json

        click.echo(json.dumps(found.to_dict(), indent=1))
    else:
        from archc.compare.text import as_text

        paint = colored(color, sys.stdout)
        click.echo(as_text(found, color=paint), nl=False, color=paint)
    if diagram:
        _draw(found, out, picture)


def _side(spec: Path, run: Run) -> Side | None:
    """One of the networks; None if it has errors."""
    from archc import catalog
    from archc.compare.model import Side

    if spec.is_dir():
        raise click.UsageError(f"{spec} is a directory; give one spec")
    try:
        entry = catalog.locate(spec)
    except catalog.Ambiguous as error:
        raise Refused(str(error)) from error
    path = spec if entry is None else entry.path
    analysis = run.analyse(path)
    if path in run.libraries:
        raise Refused(f"{spec} only holds blocks for others to use, and no network")
    if analysis is None:
        return None
    label = str(spec) if entry is None else entry.key
    return Side(analysis.network, analysis.facts, label)


def _draw(
    found: Comparison, directory: Path, picture: Literal["svg", "pdf", "png"]
) -> None:
    from archc.cli.specs import reason
    from archc.compare.picture import as_dot
    from archc.draw.render import RenderError, render
    from archc.output import Output, write

    dot = as_dot(found)
    stem = "-".join(map(_file_name, (found.a.label, found.b.label)))
    outputs = [Output(directory / f"{stem}.dot", dot.encode(), directory)]
    failure = None
    try:
        rendered = render(dot, picture)
        outputs.append(Output(directory / f"{stem}.{picture}", rendered, directory))
    except RenderError as error:
        failure = str(error)
    try:
        write(outputs)
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        raise Refused(f"cannot write{place}: {reason(error)}") from error
    for output in outputs:
        click.echo(visible(str(output.path)), err=True)
    if failure is not None:
        raise Refused(failure)


def _file_name(label: str) -> str:
    """A label as a part of a file's name: `torchvision_googlenet`."""
    path = Path(label)
    parts = list(path.with_suffix("").parts)
    if "specs" in parts:
        parts = parts[len(parts) - parts[::-1].index("specs") :]
    elif path.suffix:
        parts = parts[-1:]
    return re.sub(r"[^\w.]+", "_", "_".join(parts))

"""`archc report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, reading
from archc.escaping import visible

if TYPE_CHECKING:
    from archc.cli.specs import Run
    from archc.compare.model import Side

_EPILOG = """\b
Examples:
  archc report googlenet                        # googlenet.html
  archc report alexnet zfnet vgg16 -o three.html
  archc report specs/ -o all.html
"""


@click.command("report", epilog=_EPILOG)
@click.argument("specs", type=SPEC, nargs=-1, required=True, metavar="SPEC...")
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.html",
    help="Where to write; by default NAME.html in the current directory.",
)
@reading
@click.pass_context
def command(
    context: click.Context,
    specs: tuple[Path, ...],
    out: Path | None,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Write a page to explore a network, or several, in a browser.

    One HTML file that works offline: the picture, with blocks and repetitions that open
    and close, the layer table, the spec and the generated module, bound together, so
    that choosing a layer in one marks it in all; what each layer costs over depth, the
    claims, and the memory of training.

    With several SPECs also their sizes beside each other, and pairs of them merged into
    one picture: of up to four networks each with each, of more each with the next.

    A SPEC is a path, a directory, or a name that `archc list` shows.

    Exit status: 0 the page is written, 1 errors in a spec, 2 wrong use, or the file
    cannot be written, 3 archc found itself wrong. But for 0, nothing is written.
    """
    from archc.cli.specs import Run

    run = Run(Overrides(assignments, inputs), anywhere=allow_outside)
    sides = list(_sides(specs, run))
    run.report(color)
    if run.failed:
        context.exit(1)
    if not sides:
        raise Refused("there is no network here: these files only hold blocks")
    name = sides[0].network.name if len(sides) == 1 else "networks"
    from archc.page.html import target, to_html
    from archc.page.page import page_of

    try:
        path = target(out or Path(f"{name}.html"))
    except (FileExistsError, ValueError) as error:
        raise Refused(f"{error}; give another file with -o") from error
    _write(path, to_html(page_of(sides)))
    click.echo(visible(str(path)))


def _write(path: Path, text: str) -> None:
    from archc.cli.specs import reason
    from archc.cli.writing import tell_made
    from archc.output import Output, write

    try:
        tell_made(write([Output(path, text.encode())]))
    except OSError as error:
        raise Refused(f"cannot write {path}: {reason(error)}") from error


def _sides(specs: tuple[Path, ...], run: Run) -> list[Side]:
    """The networks, each with what it was asked for as."""
    from archc.catalog import installed
    from archc.cli.specs import find
    from archc.compare.model import Side

    sides: list[Side] = []
    for found in find(specs):
        analysis = run.analyse(found.path)
        if analysis is not None:
            entry = found.entry or installed(found.path)
            label = shown_as(found.path) if entry is None else entry.key
            sides.append(Side(analysis.network, analysis.facts, label))
    return sides


def shown_as(path: Path) -> str:
    """A path as a label: from `specs` on where it lies below such a directory."""
    parts = list(path.with_suffix("").parts)
    if "specs" not in parts:
        return str(path)
    return "/".join(parts[len(parts) - parts[::-1].index("specs") :])

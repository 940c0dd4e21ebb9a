"""`archc list`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from archc.cli.options import (
    Overrides,
    Refused,
    color_option,
    colored,
    is_terminal,
    outside_option,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from archc.cli.listing import Row
    from archc.cli.specs import Run

_EPILOG = """\b
Examples:
  archc list
  archc list mobilenet                    # in the key or the title
  archc list --edition torchvision --format csv
"""


def _editions(
    context: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from archc.catalog import networks

    found = sorted({entry.edition for entry in networks()})
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


@click.command("list", epilog=_EPILOG)
@click.argument("text", required=False)
@click.option(
    "--edition",
    metavar="NAME",
    shell_complete=_editions,
    help="Only this edition; published is the one of the papers.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv", "markdown"]),
    default="text",
    show_default=True,
)
@outside_option
@color_option
@click.pass_context
def command(
    context: click.Context,
    text: str | None,
    edition: str | None,
    form: str,
    allow_outside: bool,
    color: str,
) -> None:
    """List the networks that have a name, those with TEXT in their key or title.

    A key is what other commands take as a SPEC. They stand by edition, those as their
    papers have them first: a bare name, such as resnet50, is one of these, and where
    there is none the only other edition of that name. These are the specs in specs/ in
    the current directory, and those that come with archc; of two with one key, the one
    in the current directory counts. The year is that of the source. Parameters are
    without auxiliary classifiers.

    Exit status: 0 all is well, 1 errors in a spec, 2 wrong use.
    """
    from archc.cli import listing
    from archc.cli.specs import Run

    run = Run(Overrides(), anywhere=allow_outside)
    rows = sorted(_rows(run, edition), key=listing.order)
    if text is not None:
        rows = _matching(rows, text)
    if not rows:
        raise Refused("there is no network here; `archc new NAME` starts one")
    if form == "text" and is_terminal(sys.stdout):
        from rich.console import Console

        console = Console(no_color=not colored(color, sys.stdout))
        console.width = listing.set_width(rows, console.width)
        console.print(listing.as_rich(rows, console.width))
    else:
        click.echo(listing.FORMATS[form](rows), nl=False)
    context.exit(1 if any(row.error for row in rows) else 0)


def _rows(run: Run, edition: str | None) -> Iterator[Row]:
    from archc import catalog
    from archc.cli.listing import row

    entries = catalog.files()
    if edition is not None:
        known = {entry.edition for entry in catalog.networks()}
        if edition not in known:
            from archc.diagnostics.suggest import did_you_mean

            help = did_you_mean(edition, known)
            raise Refused(f"there is no edition {edition!r}; {help or 'there is none'}")
        entries = [entry for entry in entries if entry.edition == edition]
    for entry in entries:
        analysis = run.analyse(entry.path)
        if entry.path not in run.libraries:
            yield row(entry, analysis)


def _matching(rows: list[Row], text: str) -> list[Row]:
    wanted = text.lower()
    found = [r for r in rows if wanted in r.key.lower() or wanted in r.title.lower()]
    if found:
        return found
    from archc.diagnostics.suggest import nearest

    near = nearest(text, [row.key for row in rows])
    help = f"did you mean {near}?" if near else "`archc list` shows all"
    raise Refused(f"no network has {text!r} in its key or title; {help}")

"""What `archc sweep` and `archc solve` share: ranges, a spec, progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archc.cli.options import Inputs, Overrides, Refused, is_terminal

if TYPE_CHECKING:
    from archc.design.variants import Variants

F = TypeVar("F", bound=Callable[..., Any])


def vary_option(command: F) -> F:
    return click.option(
        "--vary",
        "varied",
        multiple=True,
        required=True,
        metavar="NAME=VALUES",
        help="One of [params], or an item of one (depths[2]), and the values that it"
        " takes: START:STOP:STEP with STOP among them, or a list as in TOML."
        " Repeatable; every combination counts.",
    )(command)


def variants_of(
    context: click.Context,
    spec: Path,
    varied: tuple[str, ...],
    overrides: tuple[tuple[tuple[str, str], ...], Inputs],
    *,
    allow_outside: bool,
    color: str,
) -> Variants:
    """The variants that the command line asks for; ends the command if the spec has
    errors.

    Raises:
        Refused: if `--vary` says no values, or is for no parameter of the spec.
    """
    from archc.cli.specs import Run, no_directory
    from archc.design.ranges import RangeError, read
    from archc.design.variants import Variants

    no_directory(spec)
    try:
        ranges = list(map(read, varied))
    except RangeError as error:
        raise click.BadParameter(str(error), param_hint="--vary") from error
    assignments, inputs = overrides
    run = Run(Overrides(assignments, inputs), anywhere=allow_outside)
    analysis = run.analyse(spec)
    run.report(color)
    if analysis is None:
        if run.libraries:
            raise Refused(f"{spec} only holds blocks for others to use, and no network")
        context.exit(1)
    try:
        return Variants(analysis.network.spec, ranges)
    except RangeError as error:
        raise Refused(str(error)) from error


@contextmanager
def progress(what: str) -> Generator[Callable[[int, int], None]]:
    """A bar on stderr, if that is a terminal."""
    if not is_terminal(sys.stderr):
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)

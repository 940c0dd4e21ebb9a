"""`archc compile`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archc.catalog import installed
from archc.cli.options import (
    SPEC,
    Inputs,
    Overrides,
    Refused,
    colored,
    is_terminal,
    reading,
)
from archc.cli.writing import Job, Made, Picture, Target, outputs_of

if TYPE_CHECKING:
    from archc.cli.specs import Found

_EPILOG = """\b
Examples:
  archc compile specs/googlenet.toml            # into generated/
  archc compile specs/ --check                  # in CI: is generated/ current?
  archc compile resnet50 -o build --format-diagram pdf
  archc compile resnet50 -o build --set num_classes=10
"""


@click.command("compile", epilog=_EPILOG)
@click.argument("specs", type=SPEC, nargs=-1, required=True, metavar="SPEC...")
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where to write; all specs go to this one directory.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 if a file is not current."
)
@click.option(
    "--force", is_flag=True, help="Replace modules that were changed by hand, too."
)
@click.option(
    "--format-diagram",
    "picture",
    type=click.Choice(["svg", "pdf", "png"]),
    default="svg",
    show_default=True,
    help="What to render the diagram as; the .dot is always written.",
)
@reading
@click.pass_context
def command(
    context: click.Context,
    specs: tuple[Path, ...],
    out: Path | None,
    check: bool,
    force: bool,
    picture: Picture,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Write the PyTorch module, the diagram and the summary of each spec.

    A network called NAME becomes NAME.py, NAME.dot, NAME.svg and NAME.json. Without -o
    the files of specs/a/b.toml go to generated/a/, beside specs/; those of a spec that
    is not below a directory called specs go to generated/ in the current directory.
    Only pdf and png need Graphviz; where there is none, the rest is written all the
    same. A picture that is there is kept while the .dot beside it does not change.

    A SPEC is a path, or a name that `archc list` shows, such as resnet50. The files of
    a network that comes with archc go to generated/ in the current directory too.

    A directory stands for the specs in it and below; files that only hold blocks are
    checked, and nothing is written for them. Two networks whose files would be the same
    are refused before anything is written. Nothing is written for a spec with errors;
    the others are compiled all the same. Files are replaced whole or not at all.

    A module carries a digest of itself. One that was changed by hand is not replaced:
    the difference is shown, nothing is written for its spec, and --force replaces it.
    So it is with the module of another spec that has the same name.

    Exit status: 0 all written (with --check: all current), 1 errors in a spec (with
    --check: or files that are not current), 2 wrong use, or a file cannot be written or
    was changed by hand, 3 archc found itself wrong: a module would not have been its
    network. Nothing was written.
    """
    from archc.cli.specs import Run, find

    run = Run(Overrides(assignments, inputs), anywhere=allow_outside)
    found = find(specs)
    targets = [
        Target(spec.path, analysis, *((out, out) if out else default_place(spec)))
        for spec in found
        if (analysis := run.analyse(spec.path))
    ]
    _refuse_clashes(targets, [spec.path for spec in found], picture)
    run.report(color)
    if not targets and not run.failed:
        raise Refused("there is no network here: these files only hold blocks")
    job = Job(picture=None if check else picture, force=force, asked=out is not None)
    live = colored(color, sys.stdout) and all(
        map(is_terminal, (sys.stdout, sys.stderr))
    )
    with _progress(len(targets), shown=live) as (say, advance):
        made: list[Made] = []
        # all of them before any is written: where archc is wrong, nothing is
        for one in outputs_of(targets, picture=None if check else picture):
            made.append(one)
            advance()
        for target, one in zip(targets, made, strict=True):
            job.do(target, one, say)
    context.exit(2 if job.refused else 1 if run.failed or job.stale else 0)


def default_directory(spec: Found) -> Path:
    """Where the files of a spec go if nothing is said."""
    return default_place(spec)[1]


def default_place(spec: Found) -> tuple[Path, Path]:
    """`generated/` and, for `specs/a/b.toml`, `generated/a/` beside `specs/`.

    Both are `generated/` here for other specs. What comes with archc is written below
    the current directory.
    """
    entry = spec.entry or installed(spec.path)
    if entry is not None and entry.shipped:
        return Path("generated"), Path("generated", entry.directory)
    here = Path(os.path.abspath(spec.path))
    for parent in here.parents:
        if parent.name == "specs":
            below = here.parent.relative_to(parent)
            root = Path(os.path.relpath(parent.parent / "generated"))
            return root, root / below
    return Path("generated"), Path("generated")


def _refuse_clashes(targets: list[Target], specs: list[Path], picture: str) -> None:
    """Raises Refused where two networks, or a network and a spec, are the same file."""
    taken = {os.path.realpath(spec): f"the spec {spec}" for spec in specs}
    for target in targets:
        for suffix in ("py", "dot", "json", picture):
            path = target.path(suffix)
            other = taken.setdefault(
                os.path.realpath(path), f"what {target.spec} gives"
            )
            if other != f"what {target.spec} gives":
                raise Refused(
                    f"{target.spec} would write {path}, which is also {other};"
                    " rename one of the networks, or compile them to different"
                    " directories with -o"
                )


@contextmanager
def _progress(
    total: int, *, shown: bool
) -> Generator[tuple[Callable[[str], None], Callable[[], None]], None, None]:
    """How to say a line, and how to count one more spec as done.

    A bar is shown on a terminal where there are several specs.
    """
    if not shown or total < 2:
        yield click.echo, lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("compiling"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(), transient=True) as bar:
        task = bar.add_task("", total=total)

        def say(line: str) -> None:
            bar.console.out(line, highlight=False)

        yield say, lambda: bar.advance(task)

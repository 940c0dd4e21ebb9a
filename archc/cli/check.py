"""`archc check`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archc.cli.options import (
    SPEC,
    Inputs,
    Overrides,
    Refused,
    colored,
    reading,
    width,
)

if TYPE_CHECKING:
    from archc.cli.specs import Run
    from archc.mending import Mended

_EPILOG = """\b
Examples:
  archc check specs/googlenet.toml
  archc check specs/ --format github
  archc check specs/googlenet.toml --advice
  archc check resnet50 --set depths=[3,4,23,3] --input 3,160,160
  archc check --fix my_net.toml
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
@click.option(
    "--fix",
    is_flag=True,
    help="Make the mends that are sure, and show them.",
)
@click.option(
    "--advice",
    is_flag=True,
    help="Also say what the literature would do otherwise, with its source.",
)
@reading
@click.pass_context
def command(
    context: click.Context,
    specs: tuple[Path, ...],
    form: str,
    fix: bool,
    advice: bool,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Report every mistake in specs.

    A SPEC is a path, or a name that `archc list` shows, such as resnet50. A directory
    stands for the specs (.toml, .json) in it and below; hidden ones are skipped. Of a
    file that only holds blocks for others to `use`, these are checked.

    With --fix, what has one sure mend is mended: names that are nearly right, commas,
    claims and the like, in the files given and those in their tree that they build on.
    Comments and layout stay, and the changes are shown.

    Advice is about networks that are right as they stand. `advice = [{ code = "...",
    reason = "..." }]` in a spec silences a piece of it, and says why.

    Exit status: 0 without errors (warnings and advice are allowed), 1 with errors, 2
    wrong use.
    """
    from archc.cli.specs import Run, find
    from archc.diagnostics import render

    if fix and (assignments or inputs):
        raise Refused("--fix mends what is written, so it goes without --set, --input")
    overrides = Overrides(assignments, inputs)
    found = find(specs)

    def checked(texts: Mapping[Path, str]) -> Run:
        run = Run(overrides, anywhere=allow_outside, texts=texts)
        for spec in found:
            analysis = run.analyse(spec.path)
            if advice and analysis is not None:
                run.advise(analysis)
        return run

    run = checked({})
    if fix:
        run = _mended(checked, run, [spec.path for spec in found], form)
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


def _mended(
    checked: Callable[[Mapping[Path, str]], Run],
    first: Run,
    specs: Sequence[Path],
    form: str,
) -> Run:
    """Mends the files; the run that tells what is left.

    Raises:
        Refused: if a file cannot be written.
    """
    from archc.cli.specs import reason
    from archc.mending import mend, save

    done = mend(lambda texts: (checked(texts) if texts else first).diagnostics, specs)
    try:
        save(done)
    except OSError as error:
        raise Refused(f"cannot write {error.filename}: {reason(error)}") from error
    click.echo(_shown(done), nl=False, err=form != "text")
    return checked(done.after) if done.diagnostics else first


def _shown(done: Mended) -> str:
    """What was mended: each mistake, and the lines before and after."""
    from difflib import unified_diff

    from archc.diagnostics.render import in_order
    from archc.escaping import visible

    lines: list[str] = []
    for d in in_order(done.diagnostics):
        span = d.place.span()
        lines.append(
            f"fixed[{d.code}] {d.place.file}:{span.line}:{span.column}: {d.message}"
        )
    for path in done.changed():
        name = os.path.relpath(path)
        before, after = (text[path].splitlines() for text in (done.before, done.after))
        lines += unified_diff(before, after, name, name, lineterm="", n=1)
    lines += [f"{len(done.diagnostics)} fixed", ""] if lines else ["nothing to fix", ""]
    return "".join(f"{visible(line)}\n" for line in lines)

"""`archc diff`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, colored, given, reading
from archc.cli.states import SUFFIXES, compare_state
from archc.escaping import visible

if TYPE_CHECKING:
    from archc.cli.specs import Run
    from archc.compare.model import Comparison, Side

_FOLDER = Path("generated", "diff")
_EPILOG = """\b
Examples:
  archc diff alexnet zfnet
  archc diff torchvision/googlenet googlenet --diagram
  archc diff specs/resnet50.toml specs/mine.toml --format json | jq .totals
  archc diff HEAD~1:specs/mine.toml specs/mine.toml --format markdown
  archc diff torchvision/resnet50 resnet50.safetensors --remap names.json
"""


@click.command("diff", epilog=_EPILOG)
@click.argument("a", type=SPEC)
@click.argument("b", type=SPEC)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
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
    default=_FOLDER,
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
@click.option(
    "--remap",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the renames that make a file of weights fit, as JSON.",
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
    remap: Path | None,
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

    Each SPEC is a path, a name that `archc list` shows, or REVISION:PATH, a spec of a
    revision of this git repository, with the files that it extends and uses as they
    were then. --set and --input apply to both. The depth counts convolutions and linear
    layers on the longest path. Of networks that have little in common, only the totals
    are shown. Markdown is fit for a comment on a pull request.

    B may also be a file of weights, .safetensors or what torch saved (.pt, .pth, .ckpt,
    .bin), which is only read: said is whether `load_state_dict` takes it, or what is
    missing, and the renames that would make it fit.

    Exit status: 0 all is well, whether or not they differ; 1 errors in a spec; 2 wrong
    use, or the picture cannot be made.
    """
    from archc.cli.specs import Run
    from archc.compare.comparison import compare

    run = Run(Overrides(assignments, inputs), anywhere=allow_outside)
    specs = (a,) if b.suffix.lower() in SUFFIXES else (a, b)
    if remap is not None and len(specs) == 2:
        raise click.UsageError("--remap is for a file of weights")
    if diagram and len(specs) == 1:
        raise click.UsageError("--diagram is of two networks, and B is weights")
    if not diagram and given(context, "out", "picture"):
        raise click.UsageError("-o and --format-diagram are for --diagram")
    sides = [_side(spec, run, anywhere=allow_outside) for spec in specs]
    run.report(color)
    if len(specs) == 1:
        if sides[0] is None:
            context.exit(1)
        compare_state(sides[0], b, form, remap)
        return
    one, other = sides
    if one is None or other is None:
        context.exit(1)
    found = compare(one, other)
    if form == "json":
        import json

        click.echo(json.dumps(found.to_dict(), indent=1))
    elif form == "markdown":
        from archc.compare.markdown import as_markdown

        click.echo(as_markdown(found), nl=False)
    else:
        from archc.compare.text import as_text

        paint = colored(color, sys.stdout)
        click.echo(as_text(found, color=paint), nl=False, color=paint)
    if diagram:
        _draw(found, out, picture)


def _side(spec: Path, run: Run, *, anywhere: bool) -> Side | None:
    """One of the networks; None if it has errors."""
    from archc import catalog
    from archc.cli.revision import NoRevision, at_revision, checked_out
    from archc.cli.specs import no_directory
    from archc.compare.model import Side

    asked = at_revision(spec)
    if asked is not None:
        try:
            with checked_out(asked, anywhere=anywhere) as path:
                analysis = run.analyse(path, str(asked))
        except NoRevision as error:
            raise Refused(f"{spec}: {error}") from error
        if path in run.libraries:
            raise Refused(f"{spec} only holds blocks for others to use, and no network")
        return analysis and Side(analysis.network, analysis.facts, str(asked))
    no_directory(spec)
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
    from archc.cli.writing import tell_made
    from archc.compare.picture import diagram
    from archc.draw.render import RenderError
    from archc.output import Output, write

    drawing = diagram(found)
    stem = "-".join(map(_file_name, (found.a.label, found.b.label)))
    outputs = [Output(directory / f"{stem}.dot", drawing.dot().encode(), directory)]
    failure = None
    try:
        content = drawing.picture(picture)
        outputs.append(Output(directory / f"{stem}.{picture}", content, directory))
    except RenderError as error:
        failure = str(error)
    try:
        made = write(outputs)
        tell_made(made if directory != _FOLDER else ())  # nobody may have misspelt it
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

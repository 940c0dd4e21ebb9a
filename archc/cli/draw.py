"""`archc draw`."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, reading
from archc.escaping import visible

if TYPE_CHECKING:
    from archc.cli.specs import Found
    from archc.draw.drawing import Options
    from archc.network.graph import Layer
    from archc.pipeline import Analysis

_MM = {"mm": 1.0, "cm": 10.0, "in": 25.4, "pt": 25.4 / 72}

_LARGEST = 64 * 1024 * 1024
"""How large a picture that is there may be."""

_EPILOG = """\b
Examples:
  archc draw resnet50 --level stage -o resnet50.svg
  archc draw googlenet --width 85mm -o column.pdf         # fits a column, type >= 6 pt
  archc draw unet --direction lr --theme dark -o slide.png --dpi 300
  archc draw alexnet --style volumes -o alexnet.tex       # TikZ, compiles by itself
  archc draw resnet50 vgg16 --level stage --heat macs -o pictures/
"""


def _width(
    context: click.Context, param: click.Parameter, value: str | None
) -> float | None:
    """Reads 85mm, 8.5cm, 3.3in or 240pt as millimetres."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)\s*(mm|cm|in|pt)", value.strip())
    number = float(match[1]) * _MM[match[2]] if match else 0.0
    if not number or not math.isfinite(number) or number > 5000:
        raise click.BadParameter(f"{value!r} is no width, as in 85mm, 8.5cm or 3.3in")
    return number


@click.command("draw", epilog=_EPILOG)
@click.argument("specs", type=SPEC, nargs=-1, required=True, metavar="SPEC...")
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="What to write: a file, whose ending says the format (svg, pdf, png, dot, mmd"
    " for Mermaid, tex for TikZ), or a directory for NAME.svg.  [default: ./NAME.svg]",
)
@click.option(
    "--level",
    type=click.Choice(["network", "stage", "block", "layer"]),
    help="How much is shown; each level keeps all skips and branches.  [default:"
    " block, or with --width the most that fits]",
)
@click.option(
    "--direction",
    type=click.Choice(["tb", "lr"]),
    default="tb",
    show_default=True,
    help="From top to bottom, or from left to right, as for slides.",
)
@click.option(
    "--width",
    callback=_width,
    metavar="85mm",
    help="Fit the picture to this width (mm, cm, in, pt), with type of at least 6 pt.",
)
@click.option(
    "--theme",
    type=click.Choice(["light", "dark", "print"]),
    default="light",
    show_default=True,
    help="print is in greys that survive a copier.",
)
@click.option(
    "--style",
    "look",
    type=click.Choice(["graph", "volumes"]),
    default="graph",
    show_default=True,
    help="volumes draws feature maps as boxes that taper, stage by stage.",
)
@click.option(
    "--heat",
    type=click.Choice(["params", "macs", "memory", "receptive-field"]),
    help="Colour by cost; memory is what is saved for the backward pass.",
)
@click.option("--no-legend", is_flag=True, help="Leave out what the colours mean.")
@click.option("--no-title", is_flag=True, help="Leave out the heading.")
@click.option(
    "--dpi",
    type=click.IntRange(20, 2400),
    default=200,
    show_default=True,
    help="Of a png.",
)
@reading
@click.pass_context
def command(
    context: click.Context,
    specs: tuple[Path, ...],
    out: Path | None,
    level: Any,
    direction: Any,
    width: float | None,
    theme: Any,
    look: Any,
    heat: Any,
    no_legend: bool,
    no_title: bool,
    dpi: int,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Draw networks, for a paper, a slide or a page.

    A SPEC is a path, or a name that `archc list` shows, such as resnet50; a directory
    stands for the specs in it and below. Several are drawn into a directory.

    Levels: `network` is one box, `stage` one box for what is repeated or is alike, with
    small loops for its skips and branches, `block` shows the inside of blocks once, and
    `layer` every layer.

    Only pdf and png need Graphviz. Nothing is written for a spec with errors. What -o
    does not name as a file is only replaced if archc drew it and nobody changed it.

    Exit status: 0 all drawn, 1 errors in a spec, 2 wrong use, nothing fits the width,
    or a file cannot be written.
    """
    from archc.cli.specs import Run, find
    from archc.draw.drawing import Options

    options = Options(
        level, direction, width, theme, look, heat, not no_legend, not no_title, dpi
    )
    _check(options, out)
    run = Run(Overrides(assignments, inputs), anywhere=allow_outside)
    found = find(specs)
    made = [(spec, a) for spec in found if (a := run.analyse(spec.path))]
    run.report(color)
    if not made and not run.failed:
        raise Refused("there is no network here: these files only hold blocks")
    targets = _targets(made, found, out)
    refused = False
    for path, (spec, analysis) in zip(targets, made, strict=True):
        refused |= not _write(path, spec, analysis, options, named=path == out)
    context.exit(2 if refused else 1 if run.failed else 0)


def _check(options: Options, out: Path | None) -> None:
    """Raises UsageError for options that say different things."""
    placed = {"--width": options.width, "--heat": options.heat}
    placed["--style volumes"] = options.look == "volumes" or None
    said = [option for option, value in placed.items() if value is not None]
    ending = "" if out is None else out.suffix.lower()
    if said and ending in (".dot", ".mmd"):
        raise click.UsageError(
            f"{said[0]} is for svg, pdf, png and tex: what reads a {ending} draws it"
        )
    if options.look == "volumes":
        if options.level not in (None, "stage"):
            raise click.UsageError("--style volumes is a picture of stages")
        if options.heat is not None:
            raise click.UsageError("--style volumes has no colours for --heat")


def _targets(
    made: list[tuple[Found, Analysis]], found: list[Found], out: Path | None
) -> list[Path]:
    """Where each network is drawn.

    Raises:
        Refused: if two would be the same file, one would be a spec, or one file is to
            hold several.
    """
    from archc.draw.drawing import format_of

    if out is not None and out.suffix and not os.path.isdir(out):
        try:
            format_of(out)
        except ValueError as error:
            raise Refused(str(error)) from error
        if len(found) > 1:
            raise Refused(f"{out} is one file for several networks; give a directory")
        targets = [out for _ in made]
    else:
        directory = out or Path()
        targets = [directory / f"{a.network.name}.svg" for _, a in made]

    taken = {os.path.realpath(spec.path): spec.path for spec in found}
    for target, (spec, _) in zip(targets, made, strict=True):
        other = taken.setdefault(os.path.realpath(target), spec.path)
        if other is not spec.path or os.path.realpath(spec.path) == os.path.realpath(
            target
        ):
            raise Refused(
                f"{target} would be written for {spec.path}, and is also that of"
                f" {other}; draw them into different directories with -o"
            )
    return targets


def _write(
    path: Path, spec: Found, analysis: Analysis, options: Options, *, named: bool
) -> bool:
    """Draws one network; says why not where that fails.

    What is at a path that the user has not named is kept if archc did not draw it.
    """
    from archc.cli.specs import reason
    from archc.cli.writing import tell_made
    from archc.draw.drawing import draw, format_of
    from archc.draw.fit import TooNarrow
    from archc.draw.render import RenderError
    from archc.output import Output, write

    network, facts = analysis.network, analysis.facts
    format = format_of(path)

    def warn(line: str) -> None:
        click.echo(visible(f"{spec.path}: {line}"), err=True)

    try:
        if not named and _is_of_others(path):
            raise _Kept(
                f"{path} is there already, and archc did not draw it, or it was changed"
                f" since; -o {path} replaces it"
            )
        saved = _saved(analysis) if options.heat == "memory" else None
        content = draw(network, facts, format, options, saved=saved, warn=warn)
        tell_made(write([Output(path, content)]))
    except (TooNarrow, RenderError, _Kept) as error:
        message = str(error)
    except OSError as error:
        message = f"cannot write {error.filename or path}: {reason(error)}"
    else:
        click.echo(visible(str(path)))
        return True
    click.echo(visible(f"Error: {spec.path}: {message}"), err=True)
    return False


class _Kept(Exception):
    """What is there is not replaced."""


def _is_of_others(path: Path) -> bool:
    from archc.draw.svg import is_untouched
    from archc.source.files import contents

    if not path.is_file():
        return False  # what is no file, writing refuses
    return path.stat().st_size > 0 and not is_untouched(contents(path, _LARGEST))


def _saved(analysis: Analysis) -> Mapping[Layer, int]:
    """The bytes that each layer keeps for the backward pass, for one sample."""
    from archc.emit.execution import execution
    from archc.measure.memory import footprint

    network = analysis.network
    layers = footprint(network, execution(network)).at(1).layers
    pairs = zip(network.all_layers(), layers, strict=True)
    return {layer: numbers.saved for layer, numbers in pairs}

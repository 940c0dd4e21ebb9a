"""`archc look`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, reading
from archc.cli.run_options import (
    data_options,
    device_option,
    weights_option,
)
from archc.cli.running import learned, need_weights, using
from archc.escaping import visible

if TYPE_CHECKING:
    from archc.run.look.album import Album

_METHODS = (
    "kernels", "maps", "strongest", "deconv", "occlusion", "gradient", "gradcam",
)  # fmt: skip
_ENDINGS = (".html", ".htm", ".png", ".svg")

_EPILOG = """\b
Examples:
  archc look d2l/lenet_bn --weights runs/lenet_bn-digits/model.pt --data digits
  archc look d2l/lenet_bn --weights runs/lenet_bn-digits/model.pt \\
    --method kernels -o kernels.svg
  archc look d2l/lenet_bn --weights runs/lenet_bn-digits/model.pt --data digits \\
    --unit net.5:3 --unit net.5:7 --method strongest --method deconv -o units.png
  archc look torchvision/resnet50 --weights torchvision --image cat.jpg
"""


@click.command("look", epilog=_EPILOG)
@click.argument("spec", type=SPEC, metavar="SPEC")
@weights_option
@click.option(
    "--image", "images", multiple=True, type=click.Path(path_type=Path),
    metavar="FILE", help="An image to look at the network with. Repeatable.",
)  # fmt: skip
@data_options(required=False)
@click.option(
    "--unit", "units", multiple=True, metavar="LAYER:CHANNEL",
    help="Look at this unit, as in conv5:17; LAYER alone for all of a layer."
    " Repeatable.  [default: some of each stage]",
)  # fmt: skip
@click.option(
    "--method", "methods", multiple=True, type=click.Choice(_METHODS),
    help="Repeatable.  [default: all that images and data allow]",
)  # fmt: skip
@click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE", help="A page with all layers (.html), or one sheet (.png, .svg)."
    "  [default: NAME-look.html]",
)  # fmt: skip
@device_option
@reading
@click.pass_context
def command(
    context: click.Context,
    spec: Path,
    weights: str | None,
    data: str | None,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
    **options: Any,
) -> None:
    """Show what a trained network has learned, layer by layer.

    kernels: those of a convolution as pictures. maps: what layers give for an --image.
    strongest: the test images of --data that a unit answers to most. deconv: what of an
    image a unit looks at, led back through a deconvolutional network (Zeiler & Fergus
    2013); on networks with skips by guided backpropagation. occlusion, gradient and
    gradcam: what of an image speaks for its class, or for a --unit.

    A page shows all layers to walk through; a sheet shows one layer of each stage, or
    those that --unit names. deconv, occlusion, gradient and gradcam need captum (pip
    install 'archc-compiler[look]').

    Runs the generated module, as `archc train` does. Exit status: 0 done, 1 errors in
    the spec, 2 wrong use, or something is missing or does not fit.
    """
    need_weights("look", weights)
    out: Path | None = options["out"]
    if out is not None and out.suffix.lower() not in _ENDINGS:
        raise click.UsageError(f"{out} is no name for it: .html, .png or .svg")
    overrides = Overrides(assignments, inputs)
    asked = learned(context, spec, overrides, allow_outside, color)
    path = _target(out or Path(f"{asked.network.name}-look.html"))
    with using():
        from archc.cli.running import with_weights
        from archc.run.look.session import Request, look
        from archc.run.train.data import Wanted

        asked = with_weights(asked, weights)
        wanted = (
            Wanted(data, options["data_dir"], options["download"]) if data else None
        )
        request = Request(
            images=options["images"],
            wanted=wanted,
            units=options["units"],
            methods=options["methods"],
            whole=path.suffix.lower() in (".html", ".htm"),
            device=options["device"],
        )
        album = look(asked, request)
        for note in album.notes:
            click.echo(f"note: {note}", err=True)
        _write(path, album)
    click.echo(visible(str(path)))


def _target(path: Path) -> Path:
    """Raises Refused if a page would replace what is none of archc's."""
    if path.suffix.lower() not in (".html", ".htm"):
        return path
    from archc.page.html import target

    try:
        return target(path)
    except (FileExistsError, ValueError) as error:
        raise Refused(f"{error}; give another file with -o") from error


def _write(path: Path, album: Album) -> None:
    from archc.cli.specs import reason
    from archc.cli.writing import tell_made
    from archc.output import Output, write
    from archc.run.look import page, sheet

    kind = path.suffix.lower()
    if kind == ".png":
        content = sheet.to_png(album)
    elif kind == ".svg":
        content = sheet.to_svg(album).encode()
    else:
        content = page.to_html(album).encode()
    try:
        tell_made(write([Output(path, content)]))
    except OSError as error:
        raise Refused(f"cannot write {path}: {reason(error)}") from error

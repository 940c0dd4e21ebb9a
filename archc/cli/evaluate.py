"""`archc evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, reading
from archc.cli.run_options import (
    batch_option,
    crops_option,
    data_options,
    device_option,
    weights_option,
)
from archc.cli.running import learned, need_weights, using

_EPILOG = """\b
Examples:
  archc evaluate d2l/lenet_bn --weights runs/lenet_bn-digits/model.pt --data digits
  archc evaluate d2l/lenet_bn --weights runs/lenet_bn-digits/model.pt --data digits \\
    --crops 10 --format markdown --picture confusion.svg
  archc evaluate torchvision/resnet50 --weights torchvision --data folder:photos
"""


@click.command("evaluate", epilog=_EPILOG)
@click.argument("spec", type=SPEC, metavar="SPEC")
@weights_option
@data_options()
@crops_option
@batch_option
@device_option
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]),
    default="text", show_default=True,
)  # fmt: skip
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.svg",
    help="Draw the confusion matrix, and accuracy by confidence.",
)
@reading
@click.pass_context
def command(
    context: click.Context,
    spec: Path,
    weights: str | None,
    data: str,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
    **options: Any,
) -> None:
    """Test a trained network on images: what it gets right, and what it confuses.

    The weights are held to the network before anything runs. The images are the test
    images of the data set (of a folder, val/), prepared as the checkpoint says. With
    --crops 5 or 10 the predictions for corners and middle, and for their mirror images,
    are averaged, as AlexNet was tested.

    Runs the generated module, as `archc train` does. Exit status: 0 done, 1 errors in
    the spec, 2 wrong use, or weights or data do not fit.
    """
    need_weights("evaluate", weights)
    picture = options["picture"]
    if picture is not None and picture.suffix != ".svg":
        raise click.UsageError(f"--picture writes SVG: {picture.stem}.svg")
    overrides = Overrides(assignments, inputs)
    tested = learned(context, spec, overrides, allow_outside, color)
    with using("a smaller --batch"):
        from archc.cli.running import with_weights
        from archc.cli.writing import tell_made
        from archc.output import Output, write
        from archc.run.evaluate import report
        from archc.run.evaluate.picture import draw
        from archc.run.evaluate.session import Options, evaluate
        from archc.run.train.data import Wanted

        tested = with_weights(tested, weights)
        chosen = Options(
            crops=int(options["crops"]),
            batch=options["batch"],
            device=options["device"],
        )
        wanted = Wanted(data, options["data_dir"], options["download"])
        found = evaluate(tested, wanted, chosen)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    if picture is not None:
        title = (
            f"{found.network} on {found.data}, top-1 {100 * found.metrics.top1:.2f} %"
        )
        try:
            tell_made(write([Output(picture, draw(title, found.metrics).encode())]))
        except OSError as error:
            raise Refused(f"cannot write {picture}: {error.strerror}") from error
    shown = {
        "text": report.as_text,
        "json": report.as_json,
        "markdown": report.as_markdown,
    }
    click.echo(shown[options["form"]](found), nl=False)

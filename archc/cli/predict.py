"""`archc predict`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from archc.cli.options import SPEC, Inputs, Overrides, reading
from archc.cli.run_options import (
    crops_option,
    device_option,
    weights_option,
)
from archc.cli.running import learned, need_weights, using
from archc.escaping import visible

_EPILOG = """\b
Examples:
  archc predict d2l/lenet_bn --weights runs/lenet_bn-digits/model.pt seven.png
  archc predict torchvision/resnet50 --weights torchvision cat.jpg dog.jpg --top 3
"""


@click.command("predict", epilog=_EPILOG)
@click.argument("spec", type=SPEC, metavar="SPEC")
@click.argument(
    "images", nargs=-1, required=True, type=click.Path(path_type=Path),
    metavar="IMAGE...",
)  # fmt: skip
@weights_option
@click.option(
    "--top", type=click.IntRange(min=1), default=5, show_default=True,
    help="How many classes to show.",
)  # fmt: skip
@crops_option
@device_option
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text",
    show_default=True,
)  # fmt: skip
@reading
@click.pass_context
def command(
    context: click.Context,
    spec: Path,
    images: tuple[Path, ...],
    weights: str | None,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
    **options: Any,
) -> None:
    """Say what images show: the most probable classes, with their names.

    Names and preprocessing are those that the checkpoint holds; a bare state dict has
    neither, and a line says what is done instead.

    Runs the generated module, as `archc train` does. Exit status: 0 done, 1 errors in
    the spec, 2 wrong use, or weights or images cannot be read.
    """
    need_weights("predict", weights)
    overrides = Overrides(assignments, inputs)
    asked = learned(context, spec, overrides, allow_outside, color)
    with using():
        from archc.cli.running import with_weights
        from archc.run.predict import assumed, predict

        asked = with_weights(asked, weights)
        found = predict(
            asked,
            images,
            top=options["top"],
            crops=int(options["crops"]),
            device=options["device"],
        )
        note = assumed(asked)
    if note is not None:
        click.echo(f"note: {note}", err=True)
    if options["form"] == "json":
        click.echo(json.dumps(list(map(asdict, found)), indent=2, ensure_ascii=False))
        return
    for each in found:
        click.echo(visible(each.image))
        for guess in each.top:
            click.echo(f"  {100 * guess.probability:6.2f} %  {visible(guess.name)}")

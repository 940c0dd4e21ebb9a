"""`archc speed`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, reading

if TYPE_CHECKING:
    from archc.measure.speed.device import Device, Precision

_EPILOG = """\b
Examples:
  archc speed resnet50 --batch 64 --precision bf16 --device h100
  archc speed resnet50 --batch 4 --device this --images 50000
  archc speed specs/googlenet.toml --device a100 --format json | jq .step

Not modelled: launching kernels on a GPU, choosing algorithms, the data loader, several
machines. What data sheets allow is the least that a step takes; docs/speed.md tells how
far the prediction for a calibrated machine is off.
"""


@click.command("speed", epilog=_EPILOG)
@click.argument("spec", type=SPEC)
@click.option(
    "--batch",
    type=click.IntRange(1, 10**9),
    default=32,
    show_default=True,
    help="Samples in a pass and in a step.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16", "fp16"]),
    default="fp32",
    show_default=True,
    help="Of weights and maps.",
)
@click.option(
    "--device",
    default="h100",
    show_default=True,
    metavar="NAME",
    help="h200, h100, a100, v100, l4, t4, rtx4090, rtx3090, or this: this machine's"
    " CPU, measured once for some seconds with torch, and kept.",
)
@click.option(
    "--images",
    type=click.IntRange(1, 10**12),
    metavar="N",
    help="Also say how long an epoch over N images takes.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text",
    show_default=True,
)  # fmt: skip
@reading
@click.pass_context
def command(
    context: click.Context,
    spec: Path,
    batch: int,
    precision: Precision,
    device: str,
    images: int | None,
    form: str,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
) -> None:
    """Predict how long a network takes on a machine, layer by layer.

    SPEC is a path, or a name that `archc list` shows, such as resnet50.

    By its roofline: each layer takes as long as its operations at the machine's peak or
    as its bytes at its bandwidth, whichever is longer. The training step is forward
    with auxiliary classifiers, backward and SGD; the pass is in evaluation.
    """
    import json

    from archc.cli.specs import Run, no_directory
    from archc.escaping import json_text
    from archc.measure.speed.device import NoDevice
    from archc.measure.speed.roofline import predict
    from archc.measure.speed.table import as_text

    no_directory(spec)
    run = Run(Overrides(assignments, inputs), anywhere=allow_outside)
    analysis = run.analyse(spec)
    run.report(color)
    if analysis is None:
        if run.libraries:
            raise Refused(f"{spec} only holds blocks for others to use, and no network")
        context.exit(1)
    try:
        machine = _device(device)
        found = predict(analysis.network, machine, batch=batch, precision=precision)
    except NoDevice as error:
        raise click.UsageError(str(error)) from error
    if form == "json":
        data = json.dumps(found.to_dict(images), indent=2, ensure_ascii=False)
        click.echo(json_text(data))
    else:
        click.echo(as_text(found, images), nl=False)


def _device(name: str) -> Device:
    from archc.diagnostics.suggest import did_you_mean
    from archc.measure.speed.device import NoDevice, kept, known

    if name == "this":
        return kept() or _calibrated()
    devices = known()
    if name.lower() not in devices:
        help = did_you_mean(name, [*devices, "this"])
        raise NoDevice(f"there is no device {name!r}; {help}")
    return devices[name.lower()]


def _calibrated() -> Device:
    """This machine, measured now, and kept for the next time."""
    from archc.cli.varying import progress
    from archc.measure.speed.device import as_toml, kept_at
    from archc.output import Output, write

    try:
        from archc.run.calibration import calibrate
    except ImportError as error:
        raise Refused(
            "measuring this machine needs PyTorch: pip install"
            " 'archc-compiler[torch]', or --device for one whose data sheet is known"
        ) from error
    with progress("measuring this machine") as tell:
        found = calibrate(tell)
    try:
        write([Output(kept_at(), as_toml(found).encode())])
    except OSError as error:
        click.echo(f"cannot keep the measurement: {error}", err=True)
    return found

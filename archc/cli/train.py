"""`archc train`."""

from __future__ import annotations

import sys
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, is_terminal, reading
from archc.cli.running import data_options

if TYPE_CHECKING:
    from archc.run.subject import Subject
    from archc.run.train.session import Habits
    from archc.run.train.settings import Recipe

_AUGMENTATIONS = ("crop", "flip")

_EPILOG = """\b
Examples:
  archc train d2l/lenet --data fashion-mnist --epochs 10 --batch 256 --lr 0.9
  archc train cifar/resnet20 --data cifar10 --download --augment crop,flip \\
    --lr 0.1 --momentum 0.9 --weight-decay 1e-4 --schedule step --epochs 164
  archc train resnet18 --data folder:photos --set num_classes=5 --precision bf16
  torchrun --nproc-per-node 4 -m archc.run.train resnet18 --data folder:photos
"""


def _augment(
    context: click.Context, param: click.Parameter, value: str
) -> tuple[str, ...]:
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if name not in _AUGMENTATIONS:
            raise click.BadParameter(f"{name!r} is none of {', '.join(_AUGMENTATIONS)}")
    return tuple(sorted(set(names)))


def _milestones(
    context: click.Context, param: click.Parameter, value: str | None
) -> tuple[float, ...]:
    try:
        found = tuple(float(text) for text in value.split(",")) if value else ()
        if not all(isfinite(epoch) and epoch > 0 for epoch in found):
            raise ValueError
        return found
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not EPOCH,..., as in 30,60") from error


class _Number(click.FloatRange):
    """A range without infinity and what is no number, which compare as they like."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        found = super().convert(value, param, ctx)
        if not isfinite(found):
            self.fail(f"{value} is no finite number.", param, ctx)
        return found


_POSITIVE = click.IntRange(min=1)
_SHARE = _Number(0, 1, max_open=True)
_NOT_NEGATIVE = _Number(min=0)


@click.command("train", epilog=_EPILOG)
@click.argument("spec", type=SPEC, metavar="SPEC")
@data_options()
@click.option("--epochs", type=_POSITIVE, default=10, show_default=True)
@click.option(
    "--batch",
    type=_POSITIVE,
    default=128,
    show_default=True,
    help="Images in a step, over all processes.",
)
@click.option(
    "--lr",
    type=_Number(min=0, min_open=True),
    help="Learning rate.  [default: 0.1, with adam 0.001]",
)
@click.option(
    "--optimizer",
    type=click.Choice(["sgd", "adam"]),
    default="sgd",
    show_default=True,
)
@click.option("--momentum", type=_SHARE, default=0.0, show_default=True, help="Of sgd.")
@click.option("--weight-decay", type=_NOT_NEGATIVE, default=0.0, show_default=True)
@click.option(
    "--schedule",
    type=click.Choice(["constant", "cosine", "step"]),
    default="constant",
    show_default=True,
    help="cosine ends at zero; step divides by ten at each milestone.",
)
@click.option(
    "--milestones",
    callback=_milestones,
    metavar="EPOCH,...",
    help="Of the schedule step.  [default: half and three quarters of the epochs]",
)
@click.option(
    "--warmup",
    type=_NOT_NEGATIVE,
    default=0.0,
    show_default=True,
    metavar="EPOCHS",
    help="Let the learning rate rise from zero.",
)
@click.option("--label-smoothing", type=_SHARE, default=0.0, show_default=True)
@click.option(
    "--augment",
    callback=_augment,
    default="",
    metavar="crop,flip",
    help="Change the training images at random: shift them, mirror them.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16", "fp16"]),
    default="fp32",
    show_default=True,
    help="bf16 and fp16 are mixed with fp32, as torch.autocast does it.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
)
@click.option("--seed", type=click.IntRange(0, 2**31), default=0, show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Processes that read images; they do not change the result.",
)
@click.option("--compile", is_flag=True, help="Use torch.compile.")
@click.option("--channels-last", is_flag=True, help="Use this memory format.")
@click.option(
    "--log",
    type=click.Choice(["csv", "tensorboard"]),
    default="csv",
    show_default=True,
    help="log.csv is always written; tensorboard is in addition.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where to write.  [default: runs/NETWORK-DATA]",
)
@click.option(
    "--save-every",
    type=_POSITIVE,
    metavar="STEPS",
    help="Write a checkpoint within an epoch too.",
)
@click.option(
    "--resume", is_flag=True, help="Go on from the checkpoint, if there is one."
)
@reading
@click.pass_context
def command(
    context: click.Context,
    spec: Path,
    data: str,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
    **options: Any,
) -> None:
    """Train a network on images.

    The module is the one that `archc compile` wrote to its usual place, with what was
    changed in it by hand; where there is none, or with --set or --input, it is made
    anew. Runs the code of that file: do not use it on a module that you do not trust.
    Images become what the network reads: resized, grey or in colour.

    All is written to one directory: checkpoint.pt after each epoch, log.csv and
    curve.svg; in the end model.pt, the weights, and result.json. A training that was
    stopped goes on with the same command and --resume, to the same weights.

    Exit status: 0 it is done, 1 errors in the spec, or the loss is no number any more,
    2 wrong use, or something is missing, 130 stopped by Ctrl-C.
    """
    from archc.cli.running import need_torch, need_torchvision, subject, tell_outdated
    from archc.cli.specs import Run, find_one

    need_torch("train")
    overrides = Overrides(assignments, inputs)
    run = Run(overrides, anywhere=allow_outside)
    trained = subject(find_one(spec), run, overrides, None)
    run.report(color)
    tell_outdated([trained])
    if trained is None:
        if not run.failed:
            raise Refused("there is no network here: this file only holds blocks")
        context.exit(1)
    need_torchvision("train")
    status = _train(trained, data, options)
    context.exit(status)


def _train(trained: Subject, data: str, options: dict[str, Any]) -> int:
    """Trains; returns the exit status."""
    from archc.run.device import out_of_memory
    from archc.run.subject import BrokenModule
    from archc.run.train.data import Wanted
    from archc.run.train.errors import CannotTrain, Diverged, Interrupted
    from archc.run.train.session import train

    recipe, habits = _recipe(options), _habits(trained, data, options)
    wanted = Wanted(data, options["data_dir"], options["download"])
    try:
        train(trained, recipe, wanted, habits)
    except CannotTrain as error:
        # one that a worker has met comes with its traceback in front
        reason = str(error).rpartition("CannotTrain: ")[2].strip()
        raise Refused(reason) from error
    except (Diverged, BrokenModule) as error:
        raise click.ClickException(str(error)) from error
    except (RuntimeError, MemoryError) as error:
        if "DataLoader worker" in str(error):
            reason = str(error).strip().splitlines()[0]
            raise click.ClickException(
                f"a process that reads images ended: {reason} Fewer --workers need"
                " less memory"
            ) from error
        if not out_of_memory(error):
            raise
        raise click.ClickException(
            f"memory ran out with batches of {recipe.batch}:"
            f" `archc memory {trained.label} --fit SIZE` finds one that fits"
        ) from error
    except Interrupted:
        return 130
    return 0


def _recipe(options: dict[str, Any]) -> Recipe:
    from dataclasses import fields

    from archc.run.train.settings import Recipe

    adam = options["optimizer"] == "adam"
    if adam and options["momentum"]:
        raise click.UsageError("--momentum is for --optimizer sgd")
    stepwise = options["schedule"] == "step"
    if options["milestones"] and not stepwise:
        raise click.UsageError("--milestones are for --schedule step")
    chosen = {field.name: options[field.name] for field in fields(Recipe)}
    if chosen["lr"] is None:
        chosen["lr"] = 0.001 if adam else 0.1
    if stepwise and not chosen["milestones"]:
        chosen["milestones"] = tuple(options["epochs"] * x for x in (0.5, 0.75))
    return Recipe(**chosen)


def _habits(trained: Subject, data: str, options: dict[str, Any]) -> Habits:
    from archc.run.train.session import Habits

    folder = data.startswith("folder:")
    label = Path(data.removeprefix("folder:")).resolve().name if folder else data
    default = Path("runs", f"{trained.network.name}-{label}")
    return Habits(
        directory=options["output"] or default,
        resume=options["resume"],
        save_every=options["save_every"],
        tensorboard=options["log"] == "tensorboard",
        workers=options["workers"],
        live=is_terminal(sys.stdout),
    )

"""`archc train`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archc.cli.options import SPEC, Inputs, Overrides, Refused, is_terminal, reading
from archc.cli.run_options import data_options, weights_option
from archc.cli.train_options import recipe, recipe_options

if TYPE_CHECKING:
    from archc.run.subject import Subject
    from archc.run.train.session import Habits

_EPILOG = """\b
Examples:
  archc train d2l/lenet --data fashion-mnist --epochs 10 --batch 256 --lr 0.9
  archc train cifar/resnet20 --data cifar10 --download --augment crop,flip \\
    --lr 0.1 --momentum 0.9 --weight-decay 1e-4 --schedule step --epochs 164
  archc train d2l/lenet_bn --data digits --freeze net.0 \\
    --weights runs/lenet_bn-fashion-mnist/best.pt \\
    --optimizer adamw --weight-decay 0.05 --no-bias-decay
  archc train resnet18 --data folder:photos --set num_classes=5 --precision bf16
  torchrun --nproc-per-node 4 -m archc.run.train resnet18 --data folder:photos
"""


def _checked_workers(context: click.Context, param: click.Parameter, value: int) -> int:
    most = 8 * (os.cpu_count() or 1)  # more of them take the machine's memory away
    if value > most:
        raise click.BadParameter(f"{value} is more than {most}, eight for each CPU")
    return value


@click.command("train", epilog=_EPILOG)
@click.argument("spec", type=SPEC, metavar="SPEC")
@data_options()
@weights_option
@recipe_options
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    callback=_checked_workers,
    default=0,
    show_default=True,
    help="Processes that read images, at most eight a CPU; they do not change the"
    " result.",
)
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
    type=click.IntRange(min=1),
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
    weights: str | None,
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
    curve.svg, best.pt for the best one; in the end model.pt, the weights, and
    result.json. A training that was stopped goes on with the same command and --resume,
    to the same weights; with more --epochs it is made longer.

    With --weights it starts from those; where they are of another number of classes,
    the last layer starts anew. --freeze keeps layers as they are.

    Exit status: 0 it is done, 1 errors in the spec, or the loss is no number any more,
    2 wrong use, or something is missing, 130 stopped by Ctrl-C.
    """
    from archc.cli.running import learned, need_torch, need_torchvision, with_weights

    need_torch("train")
    overrides = Overrides(assignments, inputs)
    trained = learned(context, spec, overrides, allow_outside, color)
    need_torchvision("train")
    trained = with_weights(trained, weights, other_classes=True)
    status = _train(trained, data, options)
    context.exit(status)


def _train(trained: Subject, data: str, options: dict[str, Any]) -> int:
    """Trains; returns the exit status."""
    from archc.run.device import out_of_memory
    from archc.run.subject import BrokenModule
    from archc.run.train.data import Wanted
    from archc.run.train.errors import CannotTrain, Diverged, Interrupted
    from archc.run.train.session import train

    chosen, habits = recipe(options), _habits(trained, data, options)
    wanted = Wanted(data, options["data_dir"], options["download"])
    try:
        train(trained, chosen, wanted, habits)
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
            f"memory ran out with batches of {chosen.batch}:"
            f" `archc memory {trained.label} --fit SIZE` finds one that fits"
        ) from error
    except Interrupted:
        return 130
    return 0


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

"""What the options of `archc train` choose: all that decides the weights."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archc.cli.run_options import batch_option, execution_options

if TYPE_CHECKING:
    from archc.run.train.settings import Recipe

F = TypeVar("F", bound=Callable[..., Any])


def _augment(
    context: click.Context, param: click.Parameter, value: str
) -> tuple[str, ...]:
    from archc.run.train.augment import parsed

    try:
        return parsed(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


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


def recipe_options(command: F) -> F:
    """The options that `recipe` reads."""
    command = execution_options(command)
    options = (
        click.option("--epochs", type=_POSITIVE, default=10, show_default=True),
        click.option(
            "--lr",
            type=_Number(min=0, min_open=True),
            help="Learning rate.  [default: 0.1, with adam and adamw 0.001]",
        ),
        click.option(
            "--optimizer",
            type=click.Choice(["sgd", "adam", "adamw"]),
            default="sgd",
            show_default=True,
        ),
        click.option(
            "--momentum", type=_SHARE, default=0.0, show_default=True, help="Of sgd."
        ),
        click.option(
            "--nesterov", is_flag=True, help="With Nesterov's momentum, of sgd."
        ),
        click.option(
            "--weight-decay", type=_NOT_NEGATIVE, default=0.0, show_default=True
        ),
        click.option(
            "--no-bias-decay",
            is_flag=True,
            help="Leave biases and what normalises out of the weight decay.",
        ),
        click.option(
            "--schedule",
            type=click.Choice(["constant", "cosine", "step"]),
            default="constant",
            show_default=True,
            help="cosine ends at zero; step divides by ten at each milestone.",
        ),
        click.option(
            "--milestones",
            callback=_milestones,
            metavar="EPOCH,...",
            help="Of the schedule step.  [default: half and 3/4 of the epochs]",
        ),
        click.option(
            "--warmup",
            type=_NOT_NEGATIVE,
            default=0.0,
            show_default=True,
            metavar="EPOCHS",
            help="Let the learning rate rise from zero.",
        ),
        click.option("--label-smoothing", type=_SHARE, default=0.0, show_default=True),
        click.option(
            "--augment",
            callback=_augment,
            default="",
            metavar="NAME[=NUMBER],...",
            help="Change training images at random: crop, flip, rotate=15 (degrees),"
            " translate=0.1 (of the size), contrast=0.2, color=0.2, equalize=0.5,"
            " erase=0.5 (of the images), mixup=0.2; or a set: alexnet, cifar, none.",
        ),
        click.option(
            "--seed", type=click.IntRange(0, 2**31), default=0, show_default=True
        ),
        click.option(
            "--ema",
            type=_SHARE,
            default=0.0,
            show_default=True,
            metavar="DECAY",
            help="Test and keep the moving average of the weights, as with 0.999.",
        ),
        click.option(
            "--patience",
            type=click.IntRange(min=0),
            default=0,
            metavar="EPOCHS",
            help="End when the test accuracy has not risen in so many epochs.",
        ),
        click.option(
            "--freeze",
            multiple=True,
            metavar="PATTERN",
            help="Keep these parameters as they are, by the names of layers, with `*`"
            " for anything: features, 'layer[12]', '*.bias'. Repeatable.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return batch_option(command)


def recipe(options: dict[str, Any]) -> Recipe:
    """Raises UsageError where options do not go together."""
    from dataclasses import fields

    from archc.run.train.settings import Recipe

    sgd, momentum = options["optimizer"] == "sgd", options["momentum"]
    for name in ("momentum", "nesterov"):
        if options[name] and not sgd:
            raise click.UsageError(f"--{name} is for --optimizer sgd")
    if options["nesterov"] and not momentum:
        raise click.UsageError("--nesterov needs a --momentum")
    if options["no_bias_decay"] and not options["weight_decay"]:
        raise click.UsageError("--no-bias-decay needs a --weight-decay")
    stepwise = options["schedule"] == "step"
    if options["milestones"] and not stepwise:
        raise click.UsageError("--milestones are for --schedule step")
    told = {field.name for field in fields(Recipe)} & options.keys()
    chosen = {name: options[name] for name in told}
    if chosen["lr"] is None:
        chosen["lr"] = 0.1 if sgd else 0.001
    if stepwise and not chosen["milestones"]:
        chosen["milestones"] = tuple(options["epochs"] * x for x in (0.5, 0.75))
    return Recipe(**chosen)

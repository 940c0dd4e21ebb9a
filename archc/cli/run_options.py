"""Options that the commands share which run generated modules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_DATA = ("fashion-mnist", "mnist", "cifar10", "digits", "fake")


def _data(
    context: click.Context, param: click.Parameter, value: str | None
) -> str | None:
    if (
        value is None
        or value in _DATA
        or value.removeprefix("folder:") not in ("", value)
    ):
        return value
    raise click.BadParameter(f"{value!r} is none of {', '.join(_DATA)} and folder:PATH")


def data_options(*, required: bool = True) -> Callable[[F], F]:
    """The options of every command that reads a data set of images."""

    def add(command: F) -> F:
        for option in (
            click.option(
                "--download", is_flag=True, help="Fetch the data set if it is missing."
            ),
            click.option(
                "--data-dir",
                type=click.Path(path_type=Path, file_okay=False),
                metavar="DIR",
                help="Where the data set lies, or is downloaded to.  [default: data]",
            ),
            click.option(
                "--data",
                required=required,
                callback=_data,
                metavar="NAME",
                help="fashion-mnist, mnist, cifar10, digits (scikit-learn's), fake"
                " (noise), or folder:PATH: train/ and val/ with a directory of images"
                " for each class, or only such directories, of whose images a fifth is"
                " held back.",
            ),
        ):
            command = option(command)
        return command

    return add


crops_option = click.option(
    "--crops",
    type=click.Choice(["1", "5", "10"]),
    default="1",
    show_default=True,
    help="Average the predictions for four corners and the middle, and for their"
    " mirror images.",
)

device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
)

weights_option = click.option(
    "--weights",
    metavar="FILE",
    help="The weights of the network: a state dict as torch.save or safetensors wrote"
    " it, or a checkpoint of `archc train`; torchvision for those that it publishes"
    " for its editions, which are downloaded.",
)

batch_option = click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=128,
    show_default=True,
    help="Images in a batch; in training in a step, over all processes.",
)


def execution_options(command: F) -> F:
    """The options of the commands that train: precision, device, how it is run."""
    for option in (
        click.option("--channels-last", is_flag=True, help="Use this memory format."),
        click.option("--compile", is_flag=True, help="Use torch.compile."),
        device_option,
        click.option(
            "--precision",
            type=click.Choice(["fp32", "bf16", "fp16"]),
            default="fp32",
            show_default=True,
            help="bf16 and fp16 are mixed with fp32, as torch.autocast does it.",
        ),
    ):
        command = option(command)
    return command

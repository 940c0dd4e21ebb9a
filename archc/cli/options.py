"""Options and arguments that several commands share."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from archc.diagnostics.model import Sink
    from archc.source.document import Document

F = TypeVar("F", bound=Callable[..., Any])


class _Spec(click.Path):
    """A path or the name of a network.

    What is wrong with it is said by the same diagnostics as for `extends`.
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from archc.catalog import names

        found = [name for name in names() if name.startswith(incomplete)]
        return [CompletionItem(incomplete, type="file"), *map(CompletionItem, found)]


SPEC = _Spec()


def given(context: click.Context, *names: str) -> bool:
    """Whether one of these options stands on the command line."""
    source = click.core.ParameterSource.COMMANDLINE
    return any(context.get_parameter_source(name) is source for name in names)


class Refused(click.ClickException):
    """What cannot be done as asked, though the command line is well formed."""

    exit_code = 2


_SECOND = re.compile(r"^[^\[{\"']*,\s*([^\W\d]\w*)\s*=(?!=)")
"""A further NAME= behind a comma, where no list, table or text is."""


def _assignments(
    context: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Splits every KEY=VALUE."""
    pairs: list[tuple[str, str]] = []
    for value in values:
        key, equals, text = (part.strip() for part in value.partition("="))
        if not equals:
            raise click.BadParameter(
                f"{value!r} is not KEY=VALUE, as in num_classes=10"
            )
        if not key.isidentifier():
            name, bracket, _ = key.partition("[")
            whole = f": give all of the list, {name}=[...]" if bracket else ""
            raise click.BadParameter(
                f"{key!r} cannot name a parameter of a spec{whole}"
            )
        if more := _SECOND.search(text):
            raise click.BadParameter(
                f"{value!r} sets two: each has a --set of its own, --set {more[1]}=..."
            )
        pairs.append((key, text))
    return tuple(pairs)


def _dims(
    context: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> Inputs:
    """Splits every C,H,W or NAME=C,H,W."""
    return tuple(map(_one_input, values))


def _one_input(value: str) -> tuple[str | None, tuple[int, ...]]:
    name, equals, sizes = value.rpartition("=")
    parts = [part.strip() for part in sizes.split(",")]
    if not all(p.isascii() and p.isdigit() and len(p) < 19 for p in parts):
        raise click.BadParameter(
            f"{value!r} is not C,H,W, as in 3,224,224, nor NAME=C,H,W"
        )
    name = name.strip()
    if equals and not name.isidentifier():
        raise click.BadParameter(f"{name!r} cannot name an input of a spec")
    return name if equals else None, tuple(map(int, parts))


Inputs = tuple[tuple[str | None, tuple[int, ...]], ...]
"""Shapes of inputs, each with its name where it has one."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What --set and --input say."""

    assignments: tuple[tuple[str, str], ...] = ()
    inputs: Inputs = ()

    def documents(self, sink: Sink) -> tuple[Document, ...]:
        """The overlays for one spec."""
        if not self.assignments and not self.inputs:
            return ()
        from archc.spec.overrides import assignment, input_shape

        documents = [assignment(key, text, sink) for key, text in self.assignments]
        documents += [input_shape(dims, sink, name) for name, dims in self.inputs]
        return tuple(d for d in documents if d is not None)


def shapes_option(help: str) -> Callable[[F], F]:
    """Of shapes of inputs, as `Inputs`."""
    return click.option(
        "--input",
        "inputs",
        multiple=True,
        callback=_dims,
        metavar="[NAME=]C,H,W",
        help=help,
    )


def reading(command: F) -> F:
    """The options of every command that reads specs; see `Overrides` and `Run`."""
    for option in (
        color_option,
        outside_option,
        shapes_option(
            "Override the input's channels, height and width; C,L for a sequence,"
            " C,D,H,W for a volume. Repeatable with NAME, for a spec that names its"
            " inputs.",
        ),
        click.option(
            "--set",
            "assignments",
            multiple=True,
            callback=_assignments,
            metavar="KEY=VALUE",
            help="Override one of [params]; VALUE is TOML or an expression. Or put"
            " another node into one of [slots]: 'act={op=\"gelu\"}'. Repeatable."
            " With --set or --input the spec's claims (`shape`, [expect]) are not"
            " checked: they are about its own numbers.",
        ),
    ):
        command = option(command)
    return command


outside_option = click.option(
    "--allow-outside",
    is_flag=True,
    help="Let `extends` and `use` name files outside the spec's own tree.",
)

color_option = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Whether to colour; auto is for a terminal without NO_COLOR.",
)


def is_terminal(stream: IO[Any] | None) -> bool:
    """Whether a standard stream is a terminal; there may be none at all."""
    return stream is not None and stream.isatty()


def colored(choice: str, stream: IO[Any] | None) -> bool:
    """Whether to write colours to a stream."""
    if choice != "auto":
        return choice == "always"
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and is_terminal(stream)


def width(stream: IO[Any] | None) -> int:
    """How wide text for a stream may be."""
    return shutil.get_terminal_size().columns if is_terminal(stream) else 100

"""`archc new`."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from archc.cli.options import SPEC, Overrides, Refused, color_option, outside_option
from archc.escaping import visible

_EPILOG = """\b
Examples:
  archc new my_net                            # a small network that explains itself
  archc new my_resnet --from resnet50         # specs/my_resnet.toml, to edit
  archc new my_net --from specs/googlenet.toml -o experiments/my_net.toml
"""


@click.command("new", epilog=_EPILOG)
@click.argument("name")
@click.option(
    "--from",
    "original",
    type=SPEC,
    metavar="SPEC",
    help="Start from this network: a path, or a name that `archc list` shows.",
)
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write.",
)
@outside_option
@color_option
@click.pass_context
def command(
    context: click.Context,
    name: str,
    original: Path | None,
    out: Path | None,
    allow_outside: bool,
    color: str,
) -> None:
    """Write a spec called NAME to start from.

    It goes to specs/NAME.toml if there is a directory specs/, else to NAME.toml. With
    --from it is the whole of another network in one file: what that one takes from
    other files is written out, with its comments, and its claims of [expect] are left
    as a comment. Nothing is ever written over.

    Exit status: 0 written, 1 errors in the other spec, 2 wrong use, or the file is
    there already or cannot be written.
    """
    from archc.cli.writing import tell_made
    from archc.output import Output, create

    _check_name(name)
    target = _target(name, out)
    if original is None:
        text = starter(name)
    else:
        found = _copied(name, original, allow_outside, color)
        if found is None:
            context.exit(1)
        text = found
    try:
        tell_made(create(Output(target, text.encode())))
    except FileExistsError:
        raise _taken(target) from None
    except OSError as error:
        from archc.cli.specs import reason

        raise Refused(f"cannot write {target}: {reason(error)}") from error
    click.echo(visible(str(target)))


def _check_name(name: str) -> None:
    from archc.spec.identifiers import of_network

    problem = of_network(name)
    if problem is None:
        return
    why, help = problem
    near = re.sub(r"\W+", "_", name.removesuffix(".toml").rpartition("/")[2]).strip("_")
    meant = f"{near} would do" if near and of_network(near) is None else help
    raise click.UsageError(f"{name!r} cannot name a network: {why}; {meant}")


def _target(name: str, out: Path | None) -> Path:
    target = out
    if target is None:
        directory = Path("specs")
        target = (
            directory / f"{name}.toml" if directory.is_dir() else Path(f"{name}.toml")
        )
    if os.path.isdir(target):
        raise Refused(f"{target} is a directory; give a file, {target / name}.toml")
    if target.suffix.lower() != ".toml":
        raise Refused(f"{target} is no name for a spec in TOML: it must end in .toml")
    if os.path.lexists(target):
        raise _taken(target)
    return target


def _taken(target: Path) -> Refused:
    return Refused(
        f"{target} is there already, and nothing is written over; take another NAME, or"
        " another file with -o"
    )


def starter(name: str) -> str:
    """The small network that explains the language."""
    from importlib.resources import files

    from archc.spec.standalone import title_of

    text = files("archc.spec").joinpath("starter.toml").read_text("utf-8")
    # the remarks behind them stay in their column
    for old, new in (("my_network", name), ("My network", title_of(name))):
        text = re.sub(
            rf'"{old}"( *)(?=#)',
            lambda found, new=new: f'"{new}"'.ljust(len(found[0]) - 1) + " ",
            text,
        )
    return text


def _copied(name: str, spec: Path, allow_outside: bool, color: str) -> str | None:
    """The text of another network; None if it has errors, which are said."""
    from archc.cli.specs import Run, no_directory

    no_directory(spec)
    run = Run(Overrides(), anywhere=allow_outside)
    analysis = run.analyse(spec)
    if analysis is not None:
        from archc.spec.standalone import standalone

        return standalone(analysis.network.spec, name)
    run.report(color)
    if run.libraries:
        raise Refused(f"{spec} only holds blocks for others to use, and no network")
    return None

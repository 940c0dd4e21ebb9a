"""`archc smoke`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from archc.cli.options import SPEC, Inputs, Overrides, Refused, is_terminal, reading
from archc.cli.run_options import execution_options, weights_option

if TYPE_CHECKING:
    from archc.run.smoke.report import Conditions, Result
    from archc.run.smoke.settings import Settings
    from archc.run.subject import Subject

_EPILOG = """\b
Examples:
  archc smoke specs/
  archc smoke resnet50 --device cuda --precision bf16 --batch 128 --steps 50
  archc smoke d2l/lenet_bn --weights runs/lenet_bn-digits/model.pt
  archc smoke googlenet --markdown smoke.md     # generated/googlenet.py, if it is there
"""
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("smoke", epilog=_EPILOG)
@click.argument("specs", type=SPEC, nargs=-1, required=True, metavar="SPEC...")
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    metavar="N",
    help="Steps to train.  [default: until the loss has fallen, at most 30 to 300]",
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    metavar="N",
    help="Images in a step.  [default: 32, or as many as fit a GPU; on the CPU 4, or"
    " 2 of a large network]",
)
@execution_options
@click.option("--json", type=_FILE, metavar="FILE", help="Write a report to it.")
@click.option("--markdown", type=_FILE, metavar="FILE", help="Write a report to it.")
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where `archc compile` wrote the modules, if it was told.",
)
@weights_option
@reading
@click.pass_context
def command(
    context: click.Context,
    specs: tuple[Path, ...],
    weights: str | None,
    out: Path | None,
    assignments: tuple[tuple[str, str], ...],
    inputs: Inputs,
    allow_outside: bool,
    color: str,
    **options: Any,
) -> None:
    """Train generated modules for a few steps, to see whether they can learn.

    The module is the file that `archc compile` wrote, so that changes made by hand are
    seen; where there is none, or with --set or --input, the code is written anew. The
    data are random. Checked are: whether loss and gradients are finite, each parameter
    gets a gradient, heads count with their weights, the loss of a fixed batch falls,
    train() and eval() differ where they must, weights survive a file, and a seed gives
    the same losses again. Runs the code of that file: do not use it on a module that
    you do not trust.

    On the CPU the input is made smaller where the code does not depend on its size,
    unless --input says what it is.

    What has no classes to learn, or no parameters, is skipped as far as that goes.

    Exit status: 0 all checks passed or were skipped, 1 one did not, or errors in a
    spec, 2 wrong use or no PyTorch.
    """
    from archc.cli.running import need_torch, subjects, tell_outdated, with_weights
    from archc.cli.specs import Run, find

    need_torch("smoke")
    overrides = Overrides(assignments, inputs)
    run = Run(overrides, anywhere=allow_outside)
    found = subjects(find(specs), run, overrides, out)
    run.report(color)
    tell_outdated(found)
    made = [with_weights(each, weights) for each in found if each is not None]
    if not made and not run.failed:
        raise Refused("there is no network here: these files only hold blocks")
    settings = _settings(options, keep_input=bool(inputs))
    results = _results(made, settings)
    _write(results, _conditions(settings), context)
    passed = all(result.passed for result in results)
    context.exit(0 if passed and not run.failed else 1)


def _settings(options: dict[str, Any], *, keep_input: bool) -> Settings:
    """Raises Refused where there is no GPU and one was asked for, or one that cannot
    be used."""
    from archc.run.device import gpus, trouble
    from archc.run.smoke.settings import Settings

    device = options["device"]
    found = gpus() > 0
    if device == "cuda" and not found:
        raise Refused("torch finds no GPU here: --device cpu")
    if device == "auto":
        device = "cuda" if found else "cpu"
        if not found:
            click.echo("there is no GPU here: this runs on the CPU", err=True)
    if device == "cuda" and (reason := trouble()):
        raise Refused(f"the GPU here cannot be used ({reason}): --device cpu")
    names = ("precision", "batch", "steps", "compile", "channels_last")
    chosen: dict[str, Any] = {name: options[name] for name in names}
    return Settings(device=device, keep_input=keep_input, **chosen)


def _results(subjects: Sequence[Subject], settings: Settings) -> list[Result]:
    """Tests one after the other; each is told of when it is done."""
    from archc.run.smoke.report import headline, remarks
    from archc.run.smoke.session import smoke

    width = max((len(each.label) for each in subjects), default=0)
    results: list[Result] = []
    with _progress(len(subjects)) as (say, tell, advance):
        for each in subjects:
            label = each.label
            result = smoke(each, settings, lambda what, label=label: tell(label, what))
            results.append(result)
            say(headline(result, width))
            for line in remarks(result):
                say(f"      {line}")
            advance()
        failed = [result for result in results if not result.passed]
        if failed:
            first = failed[0].failure
            layer = first.layer if first is not None else None
            place = f" at {layer}" if layer else ""
            name = failed[0].network
            say(f"{len(failed)} of {len(results)} fail, first {name}{place}")
        elif len(results) > 1:
            skipped = sum(result.verdict == "skip" for result in results)
            rest = f", {skipped} with nothing to learn" if skipped else ""
            say(f"all {len(results) - skipped} pass{rest}")
    return results


Progress = tuple[Callable[[str], None], Callable[[str, str], None], Callable[[], None]]
"""How to say a line, tell what goes on with a network, and count one more as done."""


@contextmanager
def _progress(total: int) -> Generator[Progress, None, None]:
    """On a terminal a bar that names the step; elsewhere the lines alone."""
    if not (is_terminal(sys.stdout) and is_terminal(sys.stderr)):
        yield click.echo, lambda label, what: None, lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(20), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(), transient=True) as bar:
        task = bar.add_task("", total=total)

        def say(line: str) -> None:
            bar.console.out(line, highlight=False)

        def tell(label: str, what: str) -> None:
            bar.update(task, description=f"{label}: {what}")

        yield say, tell, lambda: bar.advance(task)


def _conditions(settings: Settings) -> Conditions:
    from archc.run.device import described, version
    from archc.run.smoke.report import Conditions

    return Conditions(
        device=described(settings.device),
        precision=settings.precision,
        compile=settings.compile,
        channels_last=settings.channels_last,
        torch=version(),
    )


def _write(
    results: Sequence[Result], conditions: Conditions, context: click.Context
) -> None:
    """The reports that were asked for."""
    from archc.cli.specs import reason
    from archc.cli.writing import tell_made
    from archc.output import Output, write
    from archc.run.smoke.report import to_json, to_markdown

    outputs: list[Output] = []
    json, markdown = context.params["json"], context.params["markdown"]
    if json is not None:
        outputs.append(Output(json, to_json(results, conditions).encode()))
    if markdown is not None:
        page = to_markdown(results, conditions, _command_line(context))
        outputs.append(Output(markdown, page.encode()))
    try:
        tell_made(write(outputs))
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        raise Refused(f"cannot write{place}: {reason(error)}") from error


def _command_line(context: click.Context) -> str:
    """What was typed, in the order of the options."""
    words = ["archc", "smoke", *map(str, context.params["specs"])]
    for parameter in context.command.params:
        name = str(parameter.name)
        if not isinstance(parameter, click.Option):
            continue
        if context.get_parameter_source(name) != ParameterSource.COMMANDLINE:
            continue
        flag = parameter.opts[-1]
        value = context.params[name]
        if parameter.is_flag:
            words.append(flag)
        elif name == "assignments":
            for key, text in value:
                words += [flag, f"{key}={text}"]
        elif name == "inputs":
            for own, dims in value:
                start = f"{own}=" if own else ""
                words += [flag, start + ",".join(map(str, dims))]
        else:
            words += [flag, str(value)]
    return shlex.join(words)
